//! All watches of a program and what they have seen.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use portolan_plan::choreography::WatchState;
use portolan_plan::object::{Gvk, ServedKind};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::change::Change;
use crate::cluster::Cluster;
use crate::store::Store;
use crate::stored::{Key, Stored};
use crate::watch::Watch;

/// Which objects of a kind a watch sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selection {
    /// Label that objects must carry; absent: all objects.
    pub label: Option<String>,
    /// True: of each object only its metadata.
    pub metadata_only: bool,
}

impl Selection {
    /// Objects that carry a label.
    pub fn labelled(label: &str) -> Self {
        Self { label: Some(label.into()), metadata_only: false }
    }

    /// Metadata of all objects.
    pub fn metadata() -> Self {
        Self { label: None, metadata_only: true }
    }
}

/// Identifies a watch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchKey {
    /// The kind.
    pub gvk: Gvk,
    /// Which of its objects.
    pub selection: Selection,
}

impl fmt::Display for WatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.gvk.api_version(), self.gvk.kind)?;
        match &self.selection.label {
            Some(label) => write!(f, " with label {label}"),
            None => Ok(()),
        }
    }
}

struct Entry {
    kind: ServedKind,
    store: Arc<Store>,
    state: watch::Sender<WatchState>,
    /// Since when the watch has failed without being known to work.
    failing: watch::Sender<Option<Instant>>,
    task: AbortHandle,
    /// Stays when its kind goes.
    is_kept: bool,
    /// As far as is known, the API server serves the kind.
    is_served: bool,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// All watches of a program. Cheap to clone.
#[derive(Clone)]
pub struct Caches {
    cluster: Cluster,
    watches: Arc<RwLock<HashMap<Arc<WatchKey>, Entry>>>,
    changes: mpsc::UnboundedSender<Change>,
}

impl Caches {
    /// No watches yet; the receiver hears of every change.
    pub fn new(cluster: Cluster) -> (Self, mpsc::UnboundedReceiver<Change>) {
        let (changes, heard) = mpsc::unbounded_channel();
        (Self { cluster, watches: Arc::default(), changes }, heard)
    }

    /// Starts a watch, unless it runs; returns its store. It ends when its kind is not served any more.
    pub fn ensure(&self, kind: &ServedKind, selection: &Selection) -> Arc<Store> {
        self.started(kind, selection, false)
    }

    /// Starts a watch that the program cannot do without: it begins anew, with the same store, when
    /// its kind comes back.
    pub fn keep(&self, kind: &ServedKind, selection: &Selection) -> Arc<Store> {
        self.started(kind, selection, true)
    }

    fn started(&self, kind: &ServedKind, selection: &Selection, is_kept: bool) -> Arc<Store> {
        let key = Arc::new(WatchKey { gvk: kind.gvk.clone(), selection: selection.clone() });
        if let Some(entry) = self.read().get(&key) {
            return Arc::clone(&entry.store);
        }
        let mut watches = self.write();
        if let Some(entry) = watches.get(&key) {
            return Arc::clone(&entry.store);
        }
        let store = Arc::new(Store::default());
        let state = watch::Sender::new(WatchState::Pending);
        let failing = watch::Sender::new(None);
        let task = self.spawn(&key, kind, &store, &state, &failing);
        let (kind, kept) = (kind.clone(), Arc::clone(&store));
        watches.insert(key, Entry { kind, store, state, failing, task, is_kept, is_served: true });
        kept
    }

    fn spawn(
        &self,
        key: &Arc<WatchKey>,
        kind: &ServedKind,
        store: &Arc<Store>,
        state: &watch::Sender<WatchState>,
        failing: &watch::Sender<Option<Instant>>,
    ) -> AbortHandle {
        let watch = Watch {
            cluster: self.cluster.clone(),
            key: Arc::clone(key),
            kind: kind.clone(),
            store: Arc::clone(store),
            state: state.clone(),
            failing: failing.clone(),
            changes: self.changes.clone(),
        };
        tokio::spawn(watch.run()).abort_handle()
    }

    /// Ends a watch and forgets what it saw.
    pub fn end(&self, gvk: &Gvk, selection: &Selection) {
        let key = WatchKey { gvk: gvk.clone(), selection: selection.clone() };
        self.write().remove(&key);
    }

    /// How a watch stands; pending where nobody asked for it.
    pub fn state(&self, gvk: &Gvk, selection: &Selection) -> WatchState {
        let key = WatchKey { gvk: gvk.clone(), selection: selection.clone() };
        self.read().get(&key).map_or(WatchState::Pending, |entry| entry.state.borrow().clone())
    }

    /// For how long a watch has failed without being known to work; none while it works.
    pub fn failing_for(&self, gvk: &Gvk, selection: &Selection) -> Option<Duration> {
        let key = WatchKey { gvk: gvk.clone(), selection: selection.clone() };
        let since = *self.read().get(&key)?.failing.borrow();
        since.map(|since| since.elapsed())
    }

    /// Waits until the first list of a watch is in its store, or is forbidden.
    pub async fn settled(&self, gvk: &Gvk, selection: &Selection) -> WatchState {
        let key = WatchKey { gvk: gvk.clone(), selection: selection.clone() };
        let Some(mut state) = self.read().get(&key).map(|entry| entry.state.subscribe()) else {
            return WatchState::Pending;
        };
        match state.wait_for(|state| *state != WatchState::Pending).await {
            Ok(state) => state.clone(),
            Err(_) => WatchState::Pending,
        }
    }

    /// Waits until the first list of a watch that runs is in its store.
    pub async fn synced(&self, gvk: &Gvk, selection: &Selection) {
        let key = WatchKey { gvk: gvk.clone(), selection: selection.clone() };
        let state = self.read().get(&key).map(|entry| entry.state.subscribe());
        if let Some(mut state) = state {
            let _ = state.wait_for(|state| *state == WatchState::Synced).await;
        }
    }

    /// The store of a watch that runs.
    pub fn store(&self, gvk: &Gvk, selection: &Selection) -> Option<Arc<Store>> {
        let key = WatchKey { gvk: gvk.clone(), selection: selection.clone() };
        self.read().get(&key).map(|entry| Arc::clone(&entry.store))
    }

    /// One object of a watch.
    pub fn get(&self, gvk: &Gvk, selection: &Selection, key: &Key) -> Option<Arc<Stored>> {
        self.store(gvk, selection)?.get(key)
    }

    /// The objects that an owner controls, over all watches with a selection.
    pub fn owned_by(&self, uid: &str, selections: &[Selection]) -> Vec<Arc<Stored>> {
        let watches = self.read();
        let matching = watches.iter().filter(|(key, _)| selections.contains(&key.selection));
        matching.flat_map(|(_, entry)| entry.store.owned_by(uid)).collect()
    }

    /// Puts the answer to a write of our own into every store that would see the object, so that the
    /// next look does not have to wait for the watch.
    pub fn answered(&self, object: &Value) {
        let gvk = Gvk::of(object);
        let watches = self.read();
        for (key, entry) in watches.iter().filter(|(key, _)| key.gvk == gvk) {
            let selected = key
                .selection
                .label
                .as_ref()
                .is_none_or(|label| portolan_plan::object::label(object, label).is_some());
            if !selected || key.selection.metadata_only {
                continue;
            }
            if let Some((before, after)) = entry.store.answer(Stored::new(object.clone())) {
                let watch = Arc::clone(key);
                let _ = self.changes.send(Change::Object { watch, before, after });
            }
        }
    }

    /// Tells that the API server serves other kinds than before. Watches of kinds that are gone end,
    /// but those that are kept: their watch tells itself what became of their objects, and begins anew
    /// when the kind is back.
    pub fn kinds_changed(&self, served: impl Fn(&Gvk) -> Option<ServedKind>) {
        let mut watches = self.write();
        watches.retain(|_, entry| {
            entry.is_kept || served(&entry.kind.gvk).as_ref() == Some(&entry.kind)
        });
        for (key, entry) in watches.iter_mut() {
            let kind = served(&entry.kind.gvk);
            let was_served = std::mem::replace(&mut entry.is_served, kind.is_some());
            match kind {
                Some(kind) if !was_served || kind != entry.kind => {
                    entry.task.abort();
                    entry.state.send_replace(WatchState::Pending);
                    entry.task = self.spawn(key, &kind, &entry.store, &entry.state, &entry.failing);
                    entry.kind = kind;
                }
                // Until a list comes again, what is in the store need not be the whole truth.
                None if was_served => {
                    entry.state.send_replace(WatchState::Pending);
                }
                _ => {}
            }
        }
        let _ = self.changes.send(Change::Kinds);
    }

    /// The kinds that the program cannot do without and that are not served.
    pub fn missing(&self) -> Vec<Gvk> {
        let watches = self.read();
        let missing = watches.values().filter(|entry| !entry.is_served);
        missing.map(|entry| entry.kind.gvk.clone()).collect()
    }

    /// All watches: how each stands and how many objects it has seen.
    pub fn watches(&self) -> Vec<(WatchKey, WatchState, usize)> {
        let watches = self.read();
        let told = watches.iter().map(|(key, entry)| {
            (WatchKey::clone(key), entry.state.borrow().clone(), entry.store.len())
        });
        told.collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<Arc<WatchKey>, Entry>> {
        self.watches.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<Arc<WatchKey>, Entry>> {
        self.watches.write().unwrap_or_else(PoisonError::into_inner)
    }
}
