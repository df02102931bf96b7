//! Health by what well-behaved kinds report: the rules known as kstatus, which kubectl, Flux and
//! Argo CD share.

use serde_json::Value;

use crate::object;

/// How an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It has reached what its spec asks for.
    Current,
    /// It is on the way.
    InProgress,
    /// It cannot get there.
    Failed,
    /// It is being deleted.
    Terminating,
    /// It does not exist.
    NotFound,
    /// It cannot be told.
    Unknown,
}

impl Health {
    /// The word for status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        }
    }
}

/// How an object stands, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How it stands.
    pub health: Health,
    /// Why, for people.
    pub message: String,
}

impl Standing {
    /// How an object stands, and why.
    pub fn new(health: Health, message: impl Into<String>) -> Self {
        Self { health, message: message.into() }
    }
}

/// How an object stands by the standard rules.
pub fn standing(object: &Value) -> Standing {
    if object::is_terminating(object) {
        return Standing::new(Health::Terminating, "the object is being deleted");
    }
    if let Some(observed) = object.pointer("/status/observedGeneration").and_then(Value::as_i64) {
        let generation = object::generation(object);
        if generation != observed {
            let message = format!("generation is {generation}, latest observed is {observed}");
            return Standing::new(Health::InProgress, message);
        }
    }
    let group = object::Gvk::of(object).group;
    let by_kind = match (group.as_str(), object::text(object, "/kind")) {
        ("apps", "Deployment") => Some(deployment(object)),
        ("apps", "StatefulSet") => Some(stateful_set(object)),
        ("apps", "ReplicaSet") => Some(replica_set(object)),
        ("apps", "DaemonSet") => Some(daemon_set(object)),
        ("batch", "Job") => Some(job(object)),
        ("batch", "CronJob") => Some(current()),
        ("", "Pod") => Some(pod(object)),
        ("", "PersistentVolumeClaim") => Some(claim(object)),
        ("", "Service") => Some(service(object)),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Some(definition(object)),
        _ => None,
    };
    by_kind.unwrap_or_else(|| any_kind(object))
}

fn current() -> Standing {
    Standing::new(Health::Current, "")
}

fn progress(message: impl Into<String>) -> Standing {
    Standing::new(Health::InProgress, message)
}

fn number(object: &Value, pointer: &str, default: i64) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(default)
}

/// Status, reason and message of a condition.
fn condition<'a>(object: &'a Value, type_: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let list = object.pointer("/status/conditions")?.as_array()?;
    let condition = list.iter().find(|condition| object::text(condition, "/type") == type_)?;
    let text = |pointer| object::text(condition, pointer);
    Some((text("/status"), text("/reason"), text("/message")))
}

/// Kinds without rules of their own: the conditions that the API conventions name.
fn any_kind(object: &Value) -> Standing {
    if let Some(("True", reason, message)) = condition(object, "Stalled") {
        return Standing::new(Health::Failed, said(reason, message));
    }
    if let Some(("True", reason, message)) = condition(object, "Reconciling") {
        return progress(said(reason, message));
    }
    match condition(object, "Ready") {
        Some(("False" | "Unknown", reason, message)) => progress(said(reason, message)),
        _ => current(),
    }
}

fn said(reason: &str, message: &str) -> String {
    if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") }
}

fn deployment(object: &Value) -> Standing {
    if let Some(("False", "ProgressDeadlineExceeded", message)) = condition(object, "Progressing") {
        return Standing::new(Health::Failed, message);
    }
    if let Some(("True", reason, message)) = condition(object, "ReplicaFailure") {
        return progress(said(reason, message));
    }
    let wanted = number(object, "/spec/replicas", 1);
    let status = |field: &str| number(object, &format!("/status/{field}"), 0);
    if wanted > status("replicas") {
        return progress(format!("replicas: {}/{wanted}", status("replicas")));
    }
    if wanted > status("updatedReplicas") {
        return progress(format!("updated: {}/{wanted}", status("updatedReplicas")));
    }
    if status("replicas") > wanted {
        return progress(format!("pending termination: {}", status("replicas") - wanted));
    }
    if status("updatedReplicas") > status("availableReplicas") {
        let (available, updated) = (status("availableReplicas"), status("updatedReplicas"));
        return progress(format!("available: {available}/{updated}"));
    }
    if wanted > status("readyReplicas") {
        return progress(format!("ready: {}/{wanted}", status("readyReplicas")));
    }
    if object.pointer("/status/observedGeneration").is_none() {
        return progress("the deployment has not been looked at");
    }
    match condition(object, "Available") {
        Some(("False", reason, message)) => progress(said(reason, message)),
        _ => current(),
    }
}

fn stateful_set(object: &Value) -> Standing {
    if object::text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return current();
    }
    let wanted = number(object, "/spec/replicas", 1);
    let status = |field: &str| number(object, &format!("/status/{field}"), 0);
    for (field, word) in [("replicas", "replicas"), ("readyReplicas", "ready")] {
        if wanted > status(field) {
            return progress(format!("{word}: {}/{wanted}", status(field)));
        }
    }
    if status("replicas") > wanted {
        return progress(format!("pending termination: {}", status("replicas") - wanted));
    }
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition", 0);
    if partition > 0 {
        let updated = status("updatedReplicas");
        if updated < wanted - partition {
            return progress(format!("updated: {updated}/{}", wanted - partition));
        }
        return current();
    }
    let (now, new) = ("/status/currentRevision", "/status/updateRevision");
    if object::text(object, now) != object::text(object, new) {
        return progress("waiting for the new revision to reach all replicas");
    }
    current()
}

fn replica_set(object: &Value) -> Standing {
    if let Some(("True", reason, message)) = condition(object, "ReplicaFailure") {
        return progress(said(reason, message));
    }
    let wanted = number(object, "/spec/replicas", 1);
    for (field, word) in [
        ("fullyLabeledReplicas", "labelled"),
        ("availableReplicas", "available"),
        ("readyReplicas", "ready"),
    ] {
        let found = number(object, &format!("/status/{field}"), 0);
        if wanted > found {
            return progress(format!("{word}: {found}/{wanted}"));
        }
    }
    if number(object, "/status/replicas", 0) > wanted {
        return progress("replicas are pending termination");
    }
    current()
}

fn daemon_set(object: &Value) -> Standing {
    if object.pointer("/status/observedGeneration").is_none() {
        return progress("the daemon set has not been looked at");
    }
    let wanted = number(object, "/status/desiredNumberScheduled", 0);
    for (field, word) in [
        ("currentNumberScheduled", "scheduled"),
        ("updatedNumberScheduled", "updated"),
        ("numberAvailable", "available"),
        ("numberReady", "ready"),
    ] {
        let found = number(object, &format!("/status/{field}"), 0);
        if wanted > found {
            return progress(format!("{word}: {found}/{wanted}"));
        }
    }
    current()
}

/// A Job is current once it runs; it has failed when it says so.
fn job(object: &Value) -> Standing {
    if let Some(("True", reason, message)) = condition(object, "Failed") {
        return Standing::new(Health::Failed, said(reason, message));
    }
    if let Some(("True", ..)) = condition(object, "Complete") {
        return current();
    }
    if object::text(object, "/status/startTime").is_empty() {
        return progress("the job has not started");
    }
    current()
}

fn pod(object: &Value) -> Standing {
    let waiting = ["/status/initContainerStatuses", "/status/containerStatuses"]
        .iter()
        .filter_map(|list| object.pointer(list)?.as_array())
        .flatten()
        .filter_map(|status| status.pointer("/state/waiting"))
        .map(|waiting| (object::text(waiting, "/reason"), object::text(waiting, "/message")))
        .find(|(reason, _)| {
            ["CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError"]
                .contains(reason)
        });
    match object::text(object, "/status/phase") {
        "Succeeded" => current(),
        "Failed" => {
            Standing::new(Health::Failed, said("Failed", object::text(object, "/status/message")))
        }
        "Running" => match (condition(object, "Ready"), waiting) {
            (Some(("True", ..)), _) => current(),
            (_, Some((reason, message))) => Standing::new(Health::Failed, said(reason, message)),
            _ => progress("the pod runs and is not ready"),
        },
        _ => match (condition(object, "PodScheduled"), waiting) {
            (Some(("False", reason, message)), _) | (_, Some((reason, message))) => {
                progress(said(reason, message))
            }
            _ => progress("the pod is pending"),
        },
    }
}

fn claim(object: &Value) -> Standing {
    match object::text(object, "/status/phase") {
        "Bound" => current(),
        phase => progress(format!("the claim is {}", if phase.is_empty() { "new" } else { phase })),
    }
}

fn service(object: &Value) -> Standing {
    let balanced = object::text(object, "/spec/type") == "LoadBalancer";
    let address = object.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    if balanced && address.is_none_or(Vec::is_empty) {
        return progress("the load balancer has no address");
    }
    current()
}

fn definition(object: &Value) -> Standing {
    if let Some(("False", reason, message)) = condition(object, "NamesAccepted") {
        return Standing::new(Health::Failed, said(reason, message));
    }
    match condition(object, "Established") {
        Some(("True", ..)) => current(),
        _ => progress("the definition is not established"),
    }
}

#[cfg(test)]
mod tests;
