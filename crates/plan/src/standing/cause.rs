//! What holds one resource, and what holds the owner itself.

use portolan_api::condition::ConditionStatus;
use portolan_api::native::reasons::{MERGED, READY, waiting};
use serde_json::Value;

use super::condition::{Condition, bare, conditions, find, is_outdated};
use super::foreign;
use super::owner::{Entry, is_native};
use super::report::Cause;
use super::tell::Seen;
use crate::choreography::OwnerKind;
use crate::object;

/// Reason of an object that is being deleted.
pub(super) const TERMINATING: &str = "Terminating";
/// Reason of an object that status names and that does not exist.
const NOT_FOUND: &str = "NotFound";
/// Reason of a resource whose input to pass through is missing; on Workloads it stands on a condition
/// about the blueprint.
const PASS_THROUGH: &str = "PassThrough";
/// Reason of a deployment that has failed: its object says more.
const FAILED_CONDITION: &str = "FailedConditionMet";
/// Reason of an owner without its account.
pub(super) const ACCOUNT_MISSING: &str = "ServiceAccountError";

/// Why a resource is not ready, by itself.
pub(super) fn of_resource(entry: &Entry<'_>, seen: Option<&Seen>) -> Option<Cause> {
    let all = entry.conditions();
    let is_ready = find(&all, READY).is_some_and(|ready| !ready.is_unmet());
    let said = || (!is_ready).then(|| said(&all));
    let cause = refused(&all).or_else(|| of_object(entry, seen, is_ready, &all)).or_else(said)?;
    Some(Cause { resource: Some(entry.name.to_owned()), ..cause })
}

/// What was refused when the object was to be stamped: then the object, if there is one, is from before.
fn refused(all: &[Condition<'_>]) -> Option<Cause> {
    let about = |condition: &&Condition<'_>| ![READY, "Healthy"].contains(&condition.type_);
    let mut submission = all.iter().filter(about);
    let refused = submission.find(|condition| {
        condition.status == ConditionStatus::False && condition.reason != FAILED_CONDITION
    });
    refused.map(Condition::cause)
}

/// What the object says.
fn of_object(
    entry: &Entry<'_>,
    seen: Option<&Seen>,
    is_ready: bool,
    all: &[Condition<'_>],
) -> Option<Cause> {
    let object = entry.object.as_ref()?;
    let cause = match seen? {
        Seen::Gone => {
            let message = format!("{} {} does not exist", object.kind, object.name);
            bare(ConditionStatus::Unknown, NOT_FOUND, &message)
        }
        Seen::Object(found) if is_native(found) => native(found, is_ready)?,
        Seen::Object(found) if !is_ready => foreign::trouble(found, find(all, "Healthy"))?,
        Seen::Object(_) | Seen::Hidden(_) => return None,
    };
    Some(Cause { object: Some(object.clone()), ..cause })
}

/// What holds an object of a native kind.
fn native(object: &Value, is_ready: bool) -> Option<Cause> {
    if object::is_terminating(object) {
        return Some(bare(ConditionStatus::Unknown, TERMINATING, "it is being deleted"));
    }
    let all = conditions(object.get("status").unwrap_or(&Value::Null));
    match find(&all, READY) {
        None => Some(not_looked_at("no controller has looked at it yet")),
        Some(ready) if ready.is_unmet() => Some(ready.cause()),
        Some(_) if !is_ready && is_outdated(object) => Some(not_looked_at(OUTDATED)),
        Some(_) => None,
    }
}

/// Of an object whose status is about an earlier spec.
pub(super) const OUTDATED: &str = "no controller has looked at its newest spec yet";

fn not_looked_at(message: &str) -> Cause {
    bare(ConditionStatus::Unknown, waiting::PENDING, message)
}

/// What the status of a resource says where its object says nothing.
fn said(all: &[Condition<'_>]) -> Cause {
    let unmet = |condition: &&Condition<'_>| condition.is_unmet();
    let detail = all.iter().filter(unmet).find(|condition| condition.type_ != READY);
    detail.or_else(|| all.iter().find(unmet)).map_or_else(
        || bare(ConditionStatus::Unknown, "Unknown", "its status does not tell how it stands"),
        Condition::cause,
    )
}

/// What a GitWriter that has written waits for, until the goal holds the content.
pub(super) fn unmerged(entry: &Entry<'_>, seen: Option<&Seen>) -> Option<Cause> {
    let Some(Seen::Object(found)) = seen.filter(|_| entry.object.is_some()) else { return None };
    if !is_native(found) {
        return None;
    }
    let all = conditions(found.get("status")?);
    let merged = find(&all, MERGED).filter(|merged| merged.is_unmet())?;
    let (resource, object) = (Some(entry.name.to_owned()), entry.object.clone());
    Some(Cause { resource, object, ..merged.cause() })
}

/// What holds the owner before any of its resources is looked at.
pub(super) fn of_owner(kind: OwnerKind, owner: &Value) -> Option<Cause> {
    if object::is_terminating(owner) {
        return Some(bare(ConditionStatus::Unknown, TERMINATING, "it is being deleted"));
    }
    let all = conditions(owner.get("status").unwrap_or(&Value::Null));
    let Some(served) = find(&all, kind.blueprint_ready()) else {
        // A selector that cannot be evaluated leaves nothing but Ready.
        let ready = find(&all, READY).filter(|ready| ready.is_unmet());
        return ready.map(Condition::cause).or_else(|| {
            all.is_empty().then(|| not_looked_at("no controller has looked at it yet"))
        });
    };
    if served.is_unmet() && served.reason != PASS_THROUGH {
        return Some(served.cause());
    }
    let account = all.iter().find(|condition| condition.reason == ACCOUNT_MISSING);
    account.map(Condition::cause)
}

/// What the owner says where no resource says why it is not ready.
pub(super) fn of_owner_at_last(owner: &Value) -> Option<Cause> {
    let all = conditions(owner.get("status").unwrap_or(&Value::Null));
    let ready = find(&all, READY).is_some_and(|ready| !ready.is_unmet());
    match (ready, is_outdated(owner)) {
        (true, false) => None,
        (_, true) => Some(not_looked_at(OUTDATED)),
        (false, false) => Some(said(&all)),
    }
}
