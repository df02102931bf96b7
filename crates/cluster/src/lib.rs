//! The Kubernetes side: caches, dynamic watches, apply as a ServiceAccount, events, leases,
//! discovery.
//!
//! [`Cluster`] is the way to the API server. [`Caches`] hold what is watched, and tell of every
//! [`Change`]. [`Kinds`] knows what the server serves.
//!
//! **Invariant:** nothing a tenant's template describes is written with the controller's own
//! identity.

mod apply;
mod attempts;
mod cached_kinds;
mod caches;
mod change;
mod cluster;
mod error;
mod events;
mod kinds;
mod leader;
mod lease;
mod observe;
mod secret;
mod status;
mod store;
mod stored;
mod target;
mod watch;

pub use apply::{Applied, ApplyOptions};
pub use cached_kinds::CachedKinds;
pub use caches::{Caches, Selection, WatchKey};
pub use change::Change;
pub use cluster::{Cluster, ConnectError, HeldBy};
pub use error::{WriteError, WriteErrorKind};
pub use events::Events;
pub use kinds::Kinds;
pub use leader::{Leader, LeaseSettings};
pub use observe::{Asked, Contact, Observer};
pub use secret::{Secret, SecretError, Secrets};
pub use store::Store;
pub use stored::{Key, Stored};
