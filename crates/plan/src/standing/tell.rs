//! Telling where an owner stands.

use std::collections::BTreeMap;

use portolan_api::condition::ConditionStatus;
use portolan_api::native::reasons::{CONTESTED, DRIFT_NOT_WATCHED, EDITED, READY, waiting};
use serde_json::Value;

use super::cause::{ACCOUNT_MISSING, OUTDATED, TERMINATING, of_owner, of_owner_at_last};
use super::condition::{LONGEST, conditions, find, is_outdated};
use super::hint::hint;
use super::owner::{Entry, entries, is_native};
use super::report::{Cause, Standing, State};
use super::steps::Steps;
use crate::choreography::OwnerKind;
use crate::object;
use crate::trace::clean;

/// What was seen of one owner.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Its kind.
    pub kind: OwnerKind,
    /// The owner, as it is stored.
    pub owner: &'a Value,
    /// The objects that [`wanted`](super::wanted) asks for, by the name of their resource.
    pub objects: &'a BTreeMap<String, Seen>,
    /// All blueprints of its kind, where [`needs_blueprints`] and they may be read.
    pub blueprints: Option<&'a [Value]>,
}

/// What was seen of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It exists.
    Object(Box<Value>),
    /// It does not exist.
    Gone,
    /// It could not be read; why.
    Hidden(String),
}

/// Whether the blueprints have to be known to say what to do about an owner.
pub fn needs_blueprints(kind: OwnerKind, owner: &Value) -> bool {
    let clear = [waiting::PENDING, TERMINATING, ACCOUNT_MISSING];
    of_owner(kind, owner).is_some_and(|cause| !clear.contains(&cause.reason.as_str()))
}

/// Where an owner stands, and what holds it.
pub fn tell(evidence: &Evidence<'_>) -> Standing {
    let Evidence { kind, owner, objects, .. } = *evidence;
    let entries = entries(owner);
    let steps = Steps::new(&entries, objects);
    let trouble =
        of_owner(kind, owner).or_else(|| steps.first_trouble()).or_else(|| of_owner_at_last(owner));
    let unmerged = || Some((State::Unmerged, steps.first_unmerged()?));
    let found = trouble.map(|cause| (state(&cause), cause)).or_else(unmerged);
    let (state, mut cause) = found.map_or((State::Ready, None), |(state, c)| (state, Some(c)));
    if let Some(cause) = &mut cause {
        cause.hint = hint(evidence, cause);
    }
    let all = conditions(owner.get("status").unwrap_or(&Value::Null));
    let ready = find(&all, READY).and_then(|ready| ready.cause().since);
    let blueprint = format!("/status/{}/name", kind.blueprint_ref_field());
    let blueprint = clean(object::text(owner, &blueprint), 253);
    Standing {
        kind: kind.name(),
        namespace: object::namespace(owner).into(),
        name: object::name(owner).into(),
        state,
        since: cause.as_ref().and_then(|cause| cause.since).or(ready),
        blueprint_kind: kind.blueprint_kind(),
        blueprint: (!blueprint.is_empty()).then_some(blueprint),
        steps: steps.told(),
        notes: notes(owner, cause.as_ref(), &entries, objects),
        cause,
    }
}

fn state(cause: &Cause) -> State {
    match cause.status {
        ConditionStatus::Unknown => State::Waiting,
        ConditionStatus::True | ConditionStatus::False => State::Held,
    }
}

/// What else there is to know: what could not be read, and what objects tell beside `Ready`.
fn notes(
    owner: &Value,
    cause: Option<&Cause>,
    entries: &[Entry<'_>],
    objects: &BTreeMap<String, Seen>,
) -> Vec<String> {
    let mut notes = Vec::new();
    if is_outdated(owner) && cause.is_none_or(|cause| cause.message != OUTDATED) {
        notes.push(OUTDATED.to_owned());
    }
    for entry in entries {
        let Some(object) = &entry.object else { continue };
        let what = format!("{} {}", object.kind, object.name);
        match objects.get(entry.name) {
            Some(Seen::Hidden(why)) => {
                notes.push(format!("{what} cannot be read: {}", clean(why, LONGEST)));
            }
            Some(Seen::Object(found)) if is_native(found) => {
                let all = conditions(found.get("status").unwrap_or(&Value::Null));
                let told = [EDITED, CONTESTED, DRIFT_NOT_WATCHED].into_iter();
                let raised = told.filter_map(|type_| find(&all, type_).filter(|c| !c.is_unmet()));
                let lines = raised.map(|raised| {
                    let Cause { condition, message, .. } = raised.cause();
                    format!("{what}: {condition}: {message}")
                });
                notes.extend(lines);
            }
            _ => {}
        }
    }
    notes
}
