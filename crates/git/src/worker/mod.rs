//! The process that talks to git: libgit2 runs here and, but for [`local`](crate::local), nowhere else.
//!
//! A worker is this same program, started with [`WORKER_ARGUMENT`] and an empty environment. It serves
//! one repository with one credential, answers one request after the other on its standard streams,
//! and ends when they close. It may be killed at any moment: what it keeps on disk is a cache.

mod archive;
mod commit;
mod edit;
mod gate;
mod history;
mod ignored;
mod join;
mod look;
mod objects;
mod push;
mod records;
mod remote;
mod serve;
mod setup;
mod slot;
mod state;
mod store;
pub(crate) mod trace;
mod tree;
mod triage;
mod view;

pub use serve::serve;

use crate::options::WORKER_ARGUMENT;

/// Makes this process a worker if it was started as one; else returns at once.
///
/// # Caveats
///
/// To be called first in `main`, before any thread is started.
pub fn run_if_worker() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER_ARGUMENT) {
        let served = serve(std::io::stdin(), std::io::stdout());
        std::process::exit(i32::from(served.is_err()));
    }
}
