//! The kinds as a plan sees them: served, and watched with a selection.

use std::fmt;

use portolan_plan::choreography::{KindState, Kinds as PlannedKinds};
use portolan_plan::object::Gvk;

use crate::caches::{Caches, Selection};
use crate::kinds::Kinds;

/// Kinds and their watches, for a plan.
#[derive(Clone)]
pub struct CachedKinds {
    /// What is served.
    pub kinds: Kinds,
    /// What is watched.
    pub caches: Caches,
    /// Which watch of a kind counts.
    pub selection: Selection,
}

impl fmt::Debug for CachedKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedKinds").field("selection", &self.selection).finish_non_exhaustive()
    }
}

impl PlannedKinds for CachedKinds {
    fn lookup(&self, gvk: &Gvk) -> KindState {
        let Some(kind) = self.kinds.get(gvk) else { return KindState::Unknown };
        // A kind that the program watches whole needs no second watch.
        let whole = Selection::default();
        let selection =
            if self.caches.store(gvk, &whole).is_some() { &whole } else { &self.selection };
        KindState::Served(kind, self.caches.state(gvk, selection))
    }
}
