//! From changes in caches to objects that have to look again: exactly those that depend on them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portolan_api::labels::DEPLOYMENT;
use portolan_cluster::{Caches, Change, Kinds, Selection, Stored, WatchKey};
use portolan_plan::choreography::{Blueprint, Owner, OwnerKind, serves};
use portolan_plan::object::{self, Gvk};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::dependencies::{Dependencies, Item, Thing};
use crate::kinds::{definition, ours};
use crate::pulse::Pulse;
use crate::queue::Queue;

/// Definitions come in bursts; they are read once the burst is over.
const BURST: Duration = Duration::from_millis(200);
/// Time between two looks for kinds that the program cannot do without.
const MISSING: Duration = Duration::from_secs(2);

/// Routes changes to queues.
pub(crate) struct Router {
    pub(crate) caches: Caches,
    pub(crate) kinds: Kinds,
    pub(crate) dependencies: Arc<Dependencies>,
    pub(crate) queues: HashMap<&'static str, Queue>,
    pub(crate) owner: OwnerKind,
    /// Owners and deployments by UID: those who can control objects.
    pub(crate) by_uid: HashMap<String, Item>,
    /// Whether definitions are about to be read.
    pub(crate) reading: Arc<AtomicBool>,
    pub(crate) pulse: Pulse,
}

impl Router {
    /// Routes until told to stop.
    pub(crate) async fn run(
        mut self,
        mut changes: mpsc::UnboundedReceiver<Change>,
        stop: CancellationToken,
    ) {
        let mut served = self.kinds.changes();
        // Something may have changed between the start and here.
        served.mark_changed();
        let mut turns = Pulse::turns();
        loop {
            self.pulse.beat();
            let change = tokio::select! {
                () = stop.cancelled() => return,
                Ok(()) = served.changed() => {
                    self.caches.kinds_changed(|gvk| self.kinds.get(gvk));
                    if !self.caches.missing().is_empty() {
                        self.read_definitions();
                    }
                    continue;
                }
                change = changes.recv() => change,
                _ = turns.tick() => continue,
            };
            let Some(change) = change else { return };
            for item in self.woken_by(&change) {
                self.wake(item);
            }
        }
    }

    fn wake(&self, item: Item) {
        if let Some(queue) = self.queues.get(item.kind) {
            queue.wake(item.key);
        }
    }

    fn woken_by(&mut self, change: &Change) -> Vec<Item> {
        match change {
            Change::Watch(watch) => self.dependencies.lookers(&Thing::Watch((**watch).clone())),
            Change::Kinds => self.dependencies.lookers_at_kinds(),
            Change::Object { watch, before, after } => {
                self.woken_by_object(watch, before.as_deref(), after.as_deref())
            }
        }
    }

    fn woken_by_object(
        &mut self,
        watch: &WatchKey,
        before: Option<&Stored>,
        after: Option<&Stored>,
    ) -> Vec<Item> {
        let Some(object) = after.or(before) else { return Vec::new() };
        let gvk = &watch.gvk;
        if *gvk == definition() {
            self.read_definitions();
            return Vec::new();
        }
        let mut items = Vec::new();
        let queue = self.queues.keys().find(|kind| *gvk == ours(kind)).copied();
        if let Some(kind) = queue {
            let item = Item::new(kind, object.key.clone());
            match after {
                Some(after) => self.by_uid.insert(after.uid.clone(), item.clone()),
                None => self.by_uid.remove(&object.uid),
            };
            if asks_something_else(before, after) {
                items.push(item);
                items.extend(self.owners_of_blueprint(gvk, before, after));
            }
        }
        let thing = Thing::object(&gvk.group, &gvk.kind, object.key.clone());
        items.extend(self.dependencies.lookers(&thing));
        items.extend(object.owner.as_ref().and_then(|uid| self.by_uid.get(uid)).cloned());
        if watch.selection.label.as_deref() == Some(DEPLOYMENT) {
            let value = object.value();
            let uid = object::label(&value, DEPLOYMENT).unwrap_or_default();
            items.extend(self.by_uid.get(uid).cloned());
        }
        items
    }

    /// The owners that a changed blueprint serves now or served before.
    fn owners_of_blueprint(
        &self,
        gvk: &Gvk,
        before: Option<&Stored>,
        after: Option<&Stored>,
    ) -> Vec<Item> {
        if *gvk != ours(self.owner.blueprint_kind()) {
            return Vec::new();
        }
        let compiled = |stored: Option<&Stored>| {
            stored.and_then(|stored| Blueprint::read(self.owner, &stored.value()).ok())
        };
        let versions: Vec<Blueprint> =
            [compiled(before), compiled(after)].into_iter().flatten().collect();
        let store = self.caches.store(&ours(self.owner.name()), &Selection::default());
        let owners = store.map(|store| store.all()).unwrap_or_default();
        owners
            .iter()
            .filter(|stored| match Owner::read(self.owner, stored.value()) {
                Ok(owner) => versions.iter().any(|blueprint| serves(blueprint, &owner)),
                Err(_) => false,
            })
            .map(|stored| Item::new(self.owner.name(), stored.key.clone()))
            .collect()
    }

    /// Reads what the server serves once the burst of definitions is over; then again until nothing is
    /// missing: a server serves a kind some time after its definition came, and one that starts serves
    /// less than all.
    fn read_definitions(&self) {
        if self.reading.swap(true, Ordering::AcqRel) {
            return;
        }
        let (kinds, caches) = (self.kinds.clone(), self.caches.clone());
        let reading = Arc::clone(&self.reading);
        tokio::spawn(async move {
            let mut pause = BURST;
            loop {
                tokio::time::sleep(pause).await;
                reading.store(false, Ordering::Release);
                let read = kinds.refresh().await;
                if let Err(error) = &read {
                    tracing::warn!(error, "the served kinds cannot be read");
                }
                let missing = caches.missing().into_iter().filter(|gvk| kinds.get(gvk).is_none());
                let missing: Vec<String> = missing.map(|gvk| gvk.kind).collect();
                if read.is_ok() && missing.is_empty() {
                    return;
                }
                if !missing.is_empty() {
                    tracing::warn!(
                        missing = missing.join(", "),
                        "kinds are gone: apply config/crd"
                    );
                }
                pause = MISSING;
                if reading.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        });
    }
}

/// Whether an object asks for something else than before: its spec or metadata changed, not only its
/// status.
fn asks_something_else(before: Option<&Stored>, after: Option<&Stored>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return true };
    if before.uid != after.uid || before.generation != after.generation {
        return true;
    }
    let metadata = |stored: &Stored| {
        let value = stored.value();
        ["labels", "annotations", "finalizers", "deletionTimestamp"]
            .map(|field| value.pointer(&format!("/metadata/{field}")).cloned().unwrap_or_default())
    };
    metadata(before) != metadata(after)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn stored(generation: i64, metadata: &Value, status: &str) -> Stored {
        let mut object = json!({"metadata": {"name": "a", "uid": "u", "generation": generation}});
        for (key, value) in metadata.as_object().unwrap() {
            object["metadata"][key] = value.clone();
        }
        object["status"] = json!(status);
        Stored::new(object)
    }

    #[test]
    fn a_status_alone_wakes_nobody() {
        let before = stored(1, &json!({}), "a");
        let check = |after: Stored| asks_something_else(Some(&before), Some(&after));
        assert!(!check(stored(1, &json!({}), "b")));
        assert!(check(stored(2, &json!({}), "a")));
        assert!(check(stored(1, &json!({"labels": {"a": "b"}}), "a")));
        assert!(check(stored(1, &json!({"annotations": {"a": "b"}}), "a")));
        assert!(check(stored(1, &json!({"deletionTimestamp": "t"}), "a")));
        assert!(asks_something_else(None, Some(&before)));
        assert!(asks_something_else(Some(&before), None));
    }
}
