//! One watch: keeps a store as the API server has it.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, pin_mut};
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher::{self, Event, watcher};
use portolan_plan::choreography::WatchState;
use portolan_plan::object::ServedKind;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::attempts::Attempts;
use crate::caches::WatchKey;
use crate::change::Change;
use crate::cluster::{Cluster, resource};
use crate::store::Store;
use crate::stored::Stored;

/// A watch that was listed and has not failed for this long is open: nothing else tells.
const OPEN: Duration = Duration::from_secs(1);

/// What a watch needs to run.
pub(crate) struct Watch {
    pub(crate) cluster: Cluster,
    pub(crate) key: Arc<WatchKey>,
    pub(crate) kind: ServedKind,
    pub(crate) store: Arc<Store>,
    pub(crate) state: watch::Sender<WatchState>,
    /// Since when it has failed without being known to work.
    pub(crate) failing: watch::Sender<Option<Instant>>,
    pub(crate) changes: mpsc::UnboundedSender<Change>,
}

impl Watch {
    /// Runs until the task is dropped.
    pub(crate) async fn run(self) {
        let resource = resource(&self.kind);
        let mut config = watcher::Config::default();
        if let Some(label) = &self.key.selection.label {
            config = config.labels(label);
        }
        let client = self.cluster.client();
        let mut attempts = Attempts::default();
        self.failing.send_replace(None);
        loop {
            if self.key.selection.metadata_only {
                let api: Api<kube::core::PartialObjectMeta<DynamicObject>> =
                    Api::all_with(client.clone(), &resource);
                let stream = watcher(api, config.clone());
                let stream = stream.map(|event| event.map(|event| values(event, &self.kind)));
                self.follow(stream, &mut attempts).await;
            } else {
                let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
                let stream = watcher(api, config.clone());
                let stream = stream.map(|event| event.map(|event| values(event, &self.kind)));
                self.follow(stream, &mut attempts).await;
            }
        }
    }

    /// Follows a stream until it has to begin anew with a list.
    async fn follow(
        &self,
        stream: impl futures::Stream<Item = watcher::Result<Event<Value>>>,
        attempts: &mut Attempts,
    ) {
        pin_mut!(stream);
        let mut list = Vec::new();
        let mut is_listed = false;
        loop {
            let next = if is_listed && attempts.failed_before() {
                tokio::time::timeout(OPEN, stream.next()).await
            } else {
                Ok(stream.next().await)
            };
            match next {
                Err(_) => self.works(attempts),
                Ok(None) => return,
                Ok(Some(Ok(event))) => match event {
                    Event::Init => {
                        list.clear();
                        is_listed = false;
                    }
                    Event::InitApply(object) => list.push(Stored::new(object)),
                    Event::InitDone => {
                        is_listed = true;
                        for (before, after) in self.store.replace(std::mem::take(&mut list)) {
                            self.tell(before, after);
                        }
                        if !attempts.was_refused() {
                            self.becomes(WatchState::Synced);
                        }
                    }
                    Event::Apply(object) => {
                        self.works(attempts);
                        if let Some((before, after)) = self.store.tell(Stored::new(object)) {
                            self.tell(before, after);
                        }
                    }
                    Event::Delete(object) => {
                        self.works(attempts);
                        if let Some((before, after)) = self.store.remove(&Stored::new(object)) {
                            self.tell(before, after);
                        }
                    }
                },
                Ok(Some(Err(error))) => {
                    let pause = self.failed(&error, attempts);
                    tokio::time::sleep(pause + pause.mul_f64(jitter() / 4.0)).await;
                    // Going on where it broke off emits nothing by which recovery could be told, and
                    // a kind that was gone may have other objects now.
                    if matches!(code(&error), Some(403 | 404)) {
                        return;
                    }
                }
            }
        }
    }

    fn works(&self, attempts: &mut Attempts) {
        attempts.worked();
        self.failing.send_replace(None);
        self.becomes(WatchState::Synced);
    }

    /// Forbidden is known for sure and said; anything else is tried again without a word in status,
    /// what is in the cache stays true until the list says otherwise. Readiness tells of what lasts.
    fn failed(&self, error: &watcher::Error, attempts: &mut Attempts) -> Duration {
        tracing::debug!(watch = %self.key, %error, "a watch failed and is tried again");
        let refused = code(error) == Some(403);
        let pause = attempts.failed(refused);
        self.failing.send_replace(attempts.failed_since());
        let saw_nothing_yet = *self.state.borrow() != WatchState::Synced;
        if refused && (saw_nothing_yet || attempts.is_refused_for_good()) {
            self.becomes(WatchState::Forbidden);
        }
        pause
    }

    fn becomes(&self, state: WatchState) {
        let changed = self.state.send_if_modified(|current| {
            let differs = *current != state;
            *current = state;
            differs
        });
        if changed {
            let _ = self.changes.send(Change::Watch(Arc::clone(&self.key)));
        }
    }

    fn tell(&self, before: Option<Arc<Stored>>, after: Option<Arc<Stored>>) {
        let watch = Arc::clone(&self.key);
        let _ = self.changes.send(Change::Object { watch, before, after });
    }
}

/// The HTTP status of a failure, where the API server gave one.
fn code(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
}

/// The objects of an event as JSON. Lists come without kinds on their items; we know them.
fn values<K: serde::Serialize>(event: Event<K>, kind: &ServedKind) -> Event<Value> {
    let value = |object: K| {
        let mut value = serde_json::to_value(object).unwrap_or_default();
        value["apiVersion"] = kind.gvk.api_version().into();
        value["kind"] = kind.gvk.kind.clone().into();
        value
    };
    match event {
        Event::Apply(object) => Event::Apply(value(object)),
        Event::Delete(object) => Event::Delete(value(object)),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(value(object)),
        Event::InitDone => Event::InitDone,
    }
}

/// A number from 0 to 1 that differs from process to process and from call to call.
pub(crate) fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}
