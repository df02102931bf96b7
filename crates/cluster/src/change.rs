//! What caches tell: something changed.

use std::sync::Arc;

use crate::caches::WatchKey;
use crate::stored::Stored;

/// Something changed in a cache.
#[derive(Clone, Debug)]
pub enum Change {
    /// An object appeared, changed or vanished.
    Object {
        /// The watch that saw it.
        watch: Arc<WatchKey>,
        /// As it was; absent where it is new.
        before: Option<Arc<Stored>>,
        /// As it is; absent where it is gone.
        after: Option<Arc<Stored>>,
    },
    /// All objects of a watch are in the cache, or the controller is not allowed to watch them.
    Watch(Arc<WatchKey>),
    /// The API server serves other kinds than before.
    Kinds,
}
