//! Everything that touches git repositories: references, trees and tarballs of them, commits pushed to
//! branches, and the requests that a forge keeps for them.
//!
//! A [`Service`] keeps one actor for each remote repository and credential. The actor owns a worker, a
//! process of its own in which libgit2 runs, and takes requests in turns: the references once for all
//! that ask for them, then looks and archives, then all writes in one fetch and one push. A [`Forge`]
//! is asked over HTTP from this process.
//!
//! **Invariants:** Branches move by compare-and-swap, never by force. No work tree, hook, filter,
//! submodule or shell is ever involved. Credentials go to the server of the repository's url and into
//! no message. A worker that hangs is killed, and what is on disk is a cache.

mod actor;
mod address;
mod cache;
mod client;
mod credentials;
mod error;
mod forge;
mod frame;
mod http;
pub mod local;
mod names;
mod observe;
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
pub use forge::{Forge, Merged, NewRequest};
pub use observe::{ForgeCall, Loss, Observer, Push};
pub use options::{Limits, Options, WORKER_ARGUMENT};
pub use planner::{Planner, Step, Written};
pub use reads::{Archive, Archived, CommitInfo, Log, Look, Looked, Seen};
pub use refs::{Follow, Refs, Resolved};
pub use repository::RemoteRepository;
pub use service::Service;
