//! Events, recorded behind the work that matters.

use std::collections::HashMap;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event as KubeEvent, EventType, Recorder, Reporter};
use portolan_plan::object;
use portolan_plan::outcome::{Event, Severity};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::cluster::Cluster;

/// Events that wait to be recorded; more are dropped, with a line in the log.
const WAITING: usize = 10_000;
/// Texts whose repeats are joined; more only cost events that could have been one.
const RECORDERS: usize = 1000;
/// Longest note an event may have.
const NOTE: usize = 1000;

/// Records events, one after the other, while nothing waits for them.
#[derive(Clone)]
pub struct Events {
    queue: mpsc::Sender<(ObjectReference, Event)>,
}

impl Events {
    /// Starts recording; `instance` tells replicas apart.
    pub fn start(cluster: &Cluster, instance: &str) -> Self {
        let (queue, mut waiting) = mpsc::channel::<(ObjectReference, Event)>(WAITING);
        let client = cluster.client().clone();
        let instance = instance.to_owned();
        tokio::spawn(async move {
            let mut recorders = HashMap::new();
            while let Some((object, event)) = waiting.recv().await {
                // A recorder joins events of one reason and keeps the first one's text: a recorder for
                // each text, so that what is told is what happened last.
                let component = object.kind.clone().unwrap_or_default();
                let key = (component.clone(), event.message.clone());
                if recorders.len() >= RECORDERS && !recorders.contains_key(&key) {
                    recorders.clear();
                }
                let recorder = recorders.entry(key).or_insert_with(|| {
                    let reporter =
                        Reporter { controller: component, instance: Some(instance.clone()) };
                    Recorder::new(client.clone(), reporter)
                });
                if let Err(error) = recorder.publish(&kube_event(&event), &object).await {
                    tracing::debug!(%error, reason = event.reason, "an event could not be recorded");
                }
            }
        });
        Self { queue }
    }

    /// Records events on an object.
    pub fn record(&self, object: &Value, events: Vec<Event>) {
        for event in events {
            if self.queue.try_send((reference(object), event)).is_err() {
                tracing::warn!("too many events wait to be recorded; one is dropped");
            }
        }
    }
}

fn reference(object: &Value) -> ObjectReference {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ObjectReference {
        api_version: some(object::text(object, "/apiVersion")),
        kind: some(object::text(object, "/kind")),
        name: some(object::name(object)),
        namespace: some(object::namespace(object)),
        uid: some(object::uid(object)),
        ..ObjectReference::default()
    }
}

fn kube_event(event: &Event) -> KubeEvent {
    KubeEvent {
        type_: match event.severity {
            Severity::Normal => EventType::Normal,
            Severity::Warning => EventType::Warning,
        },
        reason: event.reason.clone(),
        note: Some(event.message.chars().take(NOTE).collect()),
        action: "Reconcile".into(),
        secondary: None,
    }
}
