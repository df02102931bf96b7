//! Everything that touches git repositories: references, trees and tarballs of them, and commits
//! pushed to branches.
//!
//! A [`Service`] keeps one actor for each remote repository and credential. The actor owns a worker, a
//! process of its own in which libgit2 runs, and takes requests in turns: the references once for all
//! that ask for them, then looks and archives, then all writes in one fetch and one push.
//!
//! **Invariants:** Branches move by compare-and-swap, never by force. No work tree, hook, filter,
//! submodule or shell is ever involved. Credentials go to the server of the repository's url and into
//! no message. A worker that hangs is killed, and what is on disk is a cache.

mod actor;
mod cache;
mod client;
mod credentials;
mod error;
mod frame;
mod names;
mod options;
mod planner;
mod pool;
mod reads;
mod refs;
mod repository;
mod service;
mod text;
mod wire;
pub mod worker;

pub use credentials::{CredentialError, Credentials, Login};
pub use error::{Class, Error};
pub use options::{Limits, Options, WORKER_ARGUMENT};
pub use planner::{Planner, Step, Written};
pub use reads::{Archive, Archived, CommitInfo, Look, Looked, Seen};
pub use refs::{Follow, Refs, Resolved};
pub use repository::RemoteRepository;
pub use service::Service;
