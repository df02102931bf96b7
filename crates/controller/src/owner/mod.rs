//! Rounds of Workloads and Deliverables: gather a world, plan, write, plan again, report.

mod execute;
mod gather;
mod library;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portolan_cluster::{Key, Selection};
use portolan_plan::choreography::{Owner, OwnerKind, plan};
use portolan_plan::object::Gvk;
use portolan_plan::outcome::{Again, Event};

pub(crate) use library::Library;

use crate::context::Context;
use crate::dependencies::Item;
use crate::kinds::ours;
use crate::metrics::{held_up, held_up_as_told};
use crate::queue::Reconciler;
use crate::trouble::Class;

/// Most looks one round takes; a chain of R resources needs at most R + 1.
const MAX_LOOKS: usize = 200;
/// Longest time a round waits for the first list of a kind.
const FIRST_LIST: Duration = Duration::from_secs(10);

/// Objects that the server normalises: UID and digest of what was applied.
pub(crate) type Normalised = Arc<Mutex<HashSet<(String, String)>>>;

/// Rounds of one kind of owner.
pub(crate) struct Owners {
    cx: Context,
    kind: OwnerKind,
    library: Arc<Library>,
    normalised: Normalised,
}

impl Owners {
    pub(crate) fn new(cx: Context, kind: OwnerKind, library: Arc<Library>) -> Self {
        Self { cx, kind, library, normalised: Normalised::default() }
    }

    /// Which objects of a stamped kind are watched.
    pub(crate) fn selection(kind: OwnerKind) -> Selection {
        Selection::labelled(kind.labels()[0])
    }

    async fn round(&self, key: &Key) -> Again {
        let item = Item::new(self.kind.name(), key.clone());
        let Some(stored) = self.cx.caches.get(&ours(self.kind.name()), &Selection::default(), key)
        else {
            self.cx.dependencies.track(&item, []);
            return Again::OnChange;
        };
        let value = stored.value();
        let owner = match Owner::read(self.kind, value.clone()) {
            Ok(owner) => Arc::new(owner),
            Err(error) => return self.undecodable(&item, &value, &error),
        };
        let (mut world, things) = self.gather(&item, owner);
        for _ in 0..MAX_LOOKS {
            let outcome = plan(&world);
            self.track_kinds(&item, &things, &outcome.kinds);
            if outcome.waiting {
                if !self.watch(&outcome.kinds).await {
                    held_up(Some(Class::Waiting));
                    self.cx.events.record(&value, outcome.events);
                    return Again::OnChange;
                }
                world.observed = self.observed(&world.owner.uid);
                continue;
            }
            if outcome.applies.is_empty() && outcome.deletes.is_empty() {
                let status = outcome.status.as_ref();
                held_up_as_told(status.unwrap_or(&value["status"]));
                let kind = self.kind.name();
                return self.cx.report(kind, &value, status, outcome.events, outcome.again).await;
            }
            self.execute(&mut world, outcome).await;
        }
        tracing::error!(kind = self.kind.name(), %key, "the plan does not come to an end");
        Again::BackOff
    }

    /// A stored object that does not decode is reported and stops nobody else.
    fn undecodable(
        &self,
        item: &Item,
        value: &serde_json::Value,
        error: &serde_json::Error,
    ) -> Again {
        self.cx.dependencies.track(item, []);
        held_up(Some(Class::Stalled));
        let message =
            format!("the object does not decode: {error}. Mend the field and apply again");
        tracing::warn!(kind = self.kind.name(), key = %item.key, message);
        self.cx.events.record(value, vec![Event::warning("InvalidSpec", message)]);
        Again::OnChange
    }

    /// Starts the watches of kinds and waits for their first lists; false where one does not come.
    async fn watch(&self, kinds: &BTreeSet<Gvk>) -> bool {
        let selection = Self::selection(self.kind);
        for gvk in kinds {
            if self.cx.caches.store(gvk, &Selection::default()).is_some() {
                continue;
            }
            let Some(kind) = self.cx.kinds.get(gvk) else { continue };
            self.cx.caches.ensure(&kind, &selection);
            let settled = self.cx.caches.settled(gvk, &selection);
            if tokio::time::timeout(FIRST_LIST, settled).await.is_err() {
                return false;
            }
        }
        true
    }

    fn remember_normalised(&self, uid: &str, digest: &str) {
        let mut normalised = self.normalised.lock().unwrap_or_else(PoisonError::into_inner);
        normalised.insert((uid.into(), digest.into()));
    }
}

impl Reconciler for Owners {
    fn kind(&self) -> &'static str {
        self.kind.name()
    }

    async fn reconcile(&self, key: Key) -> Again {
        self.round(&key).await
    }
}
