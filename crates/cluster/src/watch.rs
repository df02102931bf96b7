//! One watch: keeps a store as the API server has it.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, pin_mut};
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt, utils::Backoff};
use portolan_plan::choreography::WatchState;
use portolan_plan::object::ServedKind;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::caches::WatchKey;
use crate::change::Change;
use crate::cluster::{Cluster, resource};
use crate::store::Store;
use crate::stored::Stored;

/// Longest pause between two attempts to list.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a watch needs to run.
pub(crate) struct Watch {
    pub(crate) cluster: Cluster,
    pub(crate) key: Arc<WatchKey>,
    pub(crate) kind: ServedKind,
    pub(crate) store: Arc<Store>,
    pub(crate) state: watch::Sender<WatchState>,
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
        let client = self.cluster.client().clone();
        if self.key.selection.metadata_only {
            let api: Api<kube::core::PartialObjectMeta<DynamicObject>> =
                Api::all_with(client, &resource);
            let stream = watcher(api, config).backoff(Pause::default());
            self.follow(stream.map(|event| event.map(|event| values(event, &self.kind)))).await;
        } else {
            let api: Api<DynamicObject> = Api::all_with(client, &resource);
            let stream = watcher(api, config).backoff(Pause::default());
            self.follow(stream.map(|event| event.map(|event| values(event, &self.kind)))).await;
        }
    }

    async fn follow(&self, stream: impl futures::Stream<Item = watcher::Result<Event<Value>>>) {
        pin_mut!(stream);
        let mut listed = Vec::new();
        while let Some(event) = stream.next().await {
            match event {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(object)) => listed.push(Stored::new(object)),
                Ok(Event::InitDone) => {
                    for (before, after) in self.store.replace(std::mem::take(&mut listed)) {
                        self.tell(before, after);
                    }
                    self.becomes(WatchState::Synced);
                }
                Ok(Event::Apply(object)) => {
                    if let Some((before, after)) = self.store.tell(Stored::new(object)) {
                        self.tell(before, after);
                    }
                }
                Ok(Event::Delete(object)) => {
                    if let Some((before, after)) = self.store.remove(&Stored::new(object)) {
                        self.tell(before, after);
                    }
                }
                Err(error) => self.failed(&error),
            }
        }
    }

    /// Forbidden is known for sure and said; anything else is tried again without a word in status,
    /// what is in the cache stays true until the list says otherwise.
    fn failed(&self, error: &watcher::Error) {
        tracing::debug!(watch = %self.key, %error, "a watch failed and is tried again");
        let forbidden = match error {
            watcher::Error::InitialListFailed(kube::Error::Api(status))
            | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 403,
            _ => false,
        };
        if forbidden {
            self.becomes(WatchState::Forbidden);
        }
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

/// Pauses between attempts: 0.2 s, doubling to [`LONGEST_PAUSE`], plus up to a quarter at random so
/// that replicas and watches do not come back all at once.
struct Pause {
    next: Duration,
}

impl Default for Pause {
    fn default() -> Self {
        Self { next: Duration::from_millis(200) }
    }
}

impl Iterator for Pause {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        Some(pause + pause.mul_f64(jitter() / 4.0))
    }
}

impl Backoff for Pause {
    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// A number from 0 to 1 that differs from process to process and from call to call.
pub(crate) fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}
