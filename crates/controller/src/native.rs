//! What the rounds of all native kinds have in common: read the object, tell the result.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use portolan_api::condition::{Condition, ConditionStatus, Decided, Generation, find, timed};
use portolan_api::labels;
use portolan_api::native::git_deployment::GitDeploymentStatus;
use portolan_api::native::git_source::GitSourceStatus;
use portolan_api::native::git_writer::GitWriterStatus;
use portolan_api::native::reasons::{READY, STALLED, stalled, succeeded, waiting};
use portolan_api::native::source_image::SourceImageStatus;
use portolan_api::native::verification::VerificationStatus;
use portolan_cluster::{Key, WriteErrorKind};
use portolan_plan::object;
use portolan_plan::outcome::{Again, Event, Identity};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::context::Context;
use crate::kinds::ours;
use crate::metrics::held_up;
use crate::trouble::{Class, Trouble};

/// Longest time a deleted object is held for cleaning up after it.
const LONGEST_CLEANUP: Duration = Duration::from_mins(10);

/// An object of a native kind, as one round sees it.
pub(crate) struct Native<K> {
    /// The object, typed.
    pub(crate) typed: K,
    /// The object as it is stored.
    pub(crate) value: Value,
    /// Namespace and name.
    pub(crate) key: Key,
    /// Generation of the spec.
    pub(crate) generation: i64,
    /// Value of `requestedAt`, where a person set it.
    pub(crate) request: Option<String>,
}

/// An object from the cache; none where it is gone. One that does not decode is reported and left
/// alone until it changes.
pub(crate) async fn load<K: DeserializeOwned>(
    cx: &Context,
    kind: &'static str,
    key: &Key,
) -> Result<Native<K>, Again> {
    let Some(stored) = cx.own(kind, key) else { return Err(Again::OnChange) };
    let value = stored.value();
    match serde_json::from_value(value.clone()) {
        Ok(typed) => Ok(Native {
            typed,
            key: key.clone(),
            generation: object::generation(&value),
            request: object::annotation(&value, labels::REQUESTED_AT).map(Into::into),
            value,
        }),
        Err(error) => {
            let message = format!("{kind} {key} does not decode: {error}");
            Err(undecodable(cx, kind, &value, &message).await)
        }
    }
}

async fn undecodable(cx: &Context, kind: &'static str, value: &Value, message: &str) -> Again {
    tracing::warn!(kind, message, "an object does not decode");
    held_up(Some(Class::Stalled));
    let decided = Trouble::invalid(message).conditions();
    let conditions = conditions(&decided, &[], object::generation(value));
    let mut status = value.get("status").filter(|s| s.is_object()).cloned().unwrap_or(json!({}));
    let old = status["conditions"].as_array().and_then(|c| c.first()?["message"].as_str());
    if old == Some(message) {
        return Again::OnChange;
    }
    status["conditions"] = json!(conditions);
    cx.report(kind, value, Some(&status), Vec::new(), Again::OnChange).await
}

/// The status of a native kind.
pub(crate) trait NativeStatus: Clone + PartialEq + Serialize {
    /// Its conditions.
    fn conditions(&self) -> &[Condition];
    /// The request that was answered last.
    fn answered(&self) -> Option<&str>;
    /// Sets what every round sets.
    fn settle(&mut self, conditions: Vec<Condition>, generation: i64, request: Option<String>);
}

macro_rules! native_status {
    ($($status:ty),*) => {$(
        impl NativeStatus for $status {
            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }

            fn answered(&self) -> Option<&str> {
                self.last_handled_request.as_deref()
            }

            fn settle(&mut self, conditions: Vec<Condition>, generation: i64, request: Option<String>) {
                self.conditions = conditions;
                self.observed_generation = Some(generation);
                self.last_handled_request = request;
            }
        }
    )*};
}

native_status!(
    GitSourceStatus,
    SourceImageStatus,
    GitWriterStatus,
    GitDeploymentStatus,
    VerificationStatus
);

impl<K> Native<K> {
    /// Whether a person asked for a look that was not answered yet.
    pub(crate) fn is_requested(&self, status: &impl NativeStatus) -> bool {
        self.request.is_some() && self.request.as_deref() != status.answered()
    }
}

/// Tells the result of a round: conditions from `result`, status written where it differs, an event
/// recorded where `Ready` changed.
pub(crate) async fn finish<K, S: NativeStatus>(
    cx: &Context,
    kind: &'static str,
    native: &Native<K>,
    old: &S,
    mut new: S,
    result: Result<Done, Trouble>,
) -> Again {
    // What a person asked for is not answered by a failure that passes.
    let answered = match &result {
        Err(trouble) if trouble.class == Class::Transient => old.answered().map(Into::into),
        _ => native.request.clone(),
    };
    let (decided, again) = match result {
        Ok(done) => {
            held_up(done.class());
            (done.conditions, done.again)
        }
        Err(trouble) => {
            held_up(Some(trouble.class));
            (trouble.conditions(), trouble.again())
        }
    };
    let conditions = conditions(&decided, old.conditions(), native.generation);
    new.settle(conditions, native.generation, answered);
    if *old == new && native.value.get("status").is_some() {
        return again;
    }
    let status = serde_json::to_value(&new).unwrap_or_default();
    let events = event(old.conditions(), new.conditions()).into_iter().collect();
    cx.report(kind, &native.value, Some(&status), events, again).await
}

/// A round that ended well.
pub(crate) struct Done {
    /// The conditions to tell.
    pub(crate) conditions: Vec<Decided>,
    /// When to look again.
    pub(crate) again: Again,
}

impl Done {
    /// The spec is reached.
    pub(crate) fn ready(message: impl Into<String>) -> Self {
        Self::with(vec![Decided::yes(READY, succeeded::SUCCEEDED, message)])
    }

    /// Conditions of the caller's own.
    pub(crate) fn with(conditions: Vec<Decided>) -> Self {
        Self { conditions, again: Again::OnChange }
    }

    /// `spec.suspend` is set.
    pub(crate) fn suspended() -> Self {
        let message = "spec.suspend is set: nothing is done, what was reached stays";
        Self::with(vec![Decided::unknown(READY, waiting::SUSPENDED, message)])
    }

    /// What its conditions say still holds the object up.
    fn class(&self) -> Option<Class> {
        let ready = self.conditions.iter().find(|condition| condition.type_ == READY)?;
        match ready.status {
            ConditionStatus::False => Some(Class::Stalled),
            ConditionStatus::Unknown => Some(Class::Waiting),
            ConditionStatus::True => None,
        }
    }

    /// The same, looked at again after a time.
    #[must_use]
    pub(crate) fn again(mut self, again: Again) -> Self {
        self.again = again;
        self
    }
}

/// An event about a change of `Ready`.
fn event(old: &[Condition], new: &[Condition]) -> Option<Event> {
    let ready = find(new, READY)?;
    let said = |condition: &Condition| {
        (condition.status, condition.reason.clone(), condition.message.clone())
    };
    if find(old, READY).map(said) == Some(said(ready)) {
        return None;
    }
    let stalled = find(new, STALLED).is_some_and(|c| c.status == ConditionStatus::True);
    Some(if stalled {
        Event::warning(&ready.reason, &ready.message)
    } else {
        Event::normal(&ready.reason, &ready.message)
    })
}

/// Whether an object holds our finalizer.
pub(crate) fn has_finalizer(value: &Value) -> bool {
    finalizers(value).any(|finalizer| finalizer == labels::FINALIZER)
}

/// Sets or removes our finalizer; the round ends with it.
pub(crate) async fn set_finalizer(
    cx: &Context,
    kind: &'static str,
    value: &Value,
    wanted: bool,
) -> Again {
    let others = finalizers(value).filter(|finalizer| *finalizer != labels::FINALIZER);
    let kept: Vec<&str> = others.chain(wanted.then_some(labels::FINALIZER)).collect();
    let Some(served) = cx.kinds.get(&ours(kind)) else { return Again::BackOff };
    let metadata = json!({"finalizers": kept});
    match cx.cluster.patch_metadata(&served, value, &metadata).await {
        Ok(after) => {
            cx.caches.answered(&after);
            Again::OnChange
        }
        Err(error) if error.kind == WriteErrorKind::NotFound => Again::OnChange,
        Err(_) => Again::BackOff,
    }
}

fn finalizers(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The account of a tenant's object: of its own namespace, and never one that is protected.
pub(crate) fn identity(cx: &Context, namespace: &str, account: &str) -> Result<Identity, Trouble> {
    let refuse = |why: &str| {
        let message = format!("serviceAccountName {account:?} cannot be used: {why}");
        Err(Trouble::stalled(stalled::ACCOUNT_NOT_ALLOWED, message))
    };
    let valid = !account.is_empty()
        && account.len() <= 253
        && account
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    if !valid {
        return refuse("it is not the name of a ServiceAccount");
    }
    if namespace == "kube-system" || namespace == cx.settings.namespace {
        return refuse(&format!("namespace {namespace} is protected"));
    }
    Ok(Identity { namespace: namespace.into(), name: account.into() })
}

/// `Arc` of a mutex-guarded map of what rounds remember of each object.
pub(crate) type Memory<T> = Arc<std::sync::Mutex<std::collections::HashMap<Key, T>>>;

/// What is remembered of an object.
pub(crate) fn recall<T: Clone>(memory: &Memory<T>, key: &Key) -> Option<T> {
    memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(key).cloned()
}

/// Remembers something of an object, or forgets it.
pub(crate) fn remember<T>(memory: &Memory<T>, key: &Key, value: Option<T>) {
    let mut memory = memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match value {
        Some(value) => memory.insert(key.clone(), value),
        None => memory.remove(key),
    };
}

/// Conditions of a native object, with times and generation.
pub(crate) fn conditions(
    decided: &[Decided],
    previous: &[Condition],
    generation: i64,
) -> Vec<Condition> {
    timed(decided, previous, Timestamp::now(), Generation::Of(generation))
}

/// Whether the deletion of an object was asked for a short time ago: what passes may be waited for.
pub(crate) fn is_recently_deleted(value: &Value) -> bool {
    let at = object::text(value, "/metadata/deletionTimestamp");
    let age = at.parse::<Timestamp>().ok().map(|at| Timestamp::now().duration_since(at));
    age.is_some_and(|age| Duration::try_from(age).is_ok_and(|age| age < LONGEST_CLEANUP))
}
