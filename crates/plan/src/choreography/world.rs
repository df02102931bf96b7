//! Everything that one reconcile of an owner looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::owner::Owner;
use super::selection::Selection;
use super::template::{Template, TemplateKey};
use crate::object::{Gvk, ObjectKey, ServedKind};

/// Everything that one reconcile of an owner looks at, as one snapshot.
#[derive(Clone)]
pub struct World {
    /// The time of this reconcile.
    pub now: Timestamp,
    /// The owner.
    pub owner: Arc<Owner>,
    /// The blueprint that serves it, or why there is none.
    pub selection: Selection,
    /// The templates its blueprint names; a template that does not decode is its error. One that is
    /// missing here does not exist.
    pub templates: BTreeMap<TemplateKey, Result<Arc<Template>, String>>,
    /// Whether the ServiceAccount to stamp with exists.
    pub account_exists: bool,
    /// The kinds the API server serves, and whether they are watched.
    pub kinds: Arc<dyn Kinds + Send + Sync>,
    /// The objects this owner controls.
    pub observed: BTreeMap<ObjectKey, Arc<Value>>,
    /// What came of the writes of this reconcile, in order.
    pub receipts: Vec<(Subject, Receipt)>,
    /// Objects that the server normalised: UID and the digest whose leaves it changed. Applying them
    /// again changes nothing.
    pub normalised: BTreeSet<(String, String)>,
    /// Whether templates may stamp cluster-scoped kinds.
    pub allow_cluster_scoped: bool,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("owner", &self.owner.name)
            .field("selection", &self.selection)
            .field("observed", &self.observed.keys().collect::<Vec<_>>())
            .field("receipts", &self.receipts)
            .finish_non_exhaustive()
    }
}

/// The kinds the API server serves.
pub trait Kinds {
    /// What is known of a kind.
    fn lookup(&self, gvk: &Gvk) -> KindState;
}

impl World {
    /// What came of applying an object with this digest for a resource in this reconcile.
    pub(super) fn receipt(&self, resource: &str, wanted: &str) -> Option<&Receipt> {
        let subject = Subject::Resource(resource.into());
        self.receipts.iter().rev().find_map(|(found, receipt)| match receipt {
            Receipt::Applied { digest, .. } | Receipt::Refused { digest, .. }
                if *found == subject && digest == wanted =>
            {
                Some(receipt)
            }
            _ => None,
        })
    }
}

impl Kinds for BTreeMap<Gvk, KindState> {
    fn lookup(&self, gvk: &Gvk) -> KindState {
        self.get(gvk).cloned().unwrap_or(KindState::Unknown)
    }
}

/// What is known of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindState {
    /// The API server does not serve it.
    Unknown,
    /// It is served.
    Served(ServedKind, WatchState),
}

/// Whether objects of a kind are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchState {
    /// All of them are in the cache.
    Synced,
    /// Nobody asked for them yet, or the first list is under way.
    Pending,
    /// The controller may not watch them.
    Forbidden,
}

/// What a write was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A resource of the blueprint.
    Resource(String),
    /// An object that no resource stamps any more.
    Orphan(ObjectKey),
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The object was applied.
    Applied {
        /// The kind, qualified, and the name of the object.
        object: String,
        /// Digest of what was applied.
        digest: String,
        /// Whether it was created.
        created: bool,
        /// Whether its resourceVersion moved.
        changed: bool,
    },
    /// The object was deleted.
    Deleted {
        /// The kind, qualified, and the name of the object.
        object: String,
    },
    /// The write was refused.
    Refused {
        /// Digest of what was to be applied; empty for a deletion.
        digest: String,
        /// Why.
        refusal: Refusal,
    },
}

/// Why a write was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub kind: RefusalKind,
    /// `create`, `patch` or `delete`, or what was tried before any of them.
    pub verb: String,
    /// What the API server said.
    pub message: String,
}

/// Kinds of refusals, as far as they are handled differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The account may not do it.
    Forbidden,
    /// The object is another owner's.
    NameConflict,
    /// The object changed or vanished under the write; its watch event plans again.
    Conflict,
    /// The server would refuse it again: validation, unknown kind, webhook.
    Invalid,
    /// The server could not do it now.
    Unavailable,
}
