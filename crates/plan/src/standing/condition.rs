//! Conditions of any object, as loosely as their kinds write them.

use jiff::Timestamp;
use portolan_api::condition::ConditionStatus;
use serde_json::Value;

use super::report::Cause;
use crate::object;
use crate::trace::clean;

/// Longest message that is told.
pub(super) const LONGEST: usize = 4000;

/// A condition.
#[derive(Clone, Debug)]
pub(super) struct Condition<'a> {
    pub(super) type_: &'a str,
    pub(super) status: ConditionStatus,
    pub(super) reason: &'a str,
    message: &'a str,
    since: Option<Timestamp>,
}

impl Condition<'_> {
    /// As the cause that holds an owner.
    pub(super) fn cause(&self) -> Cause {
        Cause {
            condition: clean(self.type_, 316),
            reason: clean(self.reason, 1024),
            message: clean(self.message, LONGEST),
            since: self.since,
            ..bare(self.status, "", "")
        }
    }

    /// Whether it says that something is not as it should be, where True is as it should be.
    pub(super) fn is_unmet(&self) -> bool {
        self.status != ConditionStatus::True
    }
}

/// A cause that no condition names.
pub(super) fn bare(status: ConditionStatus, reason: &str, message: &str) -> Cause {
    Cause {
        resource: None,
        object: None,
        condition: String::new(),
        status,
        reason: reason.into(),
        message: message.into(),
        since: None,
        hint: None,
    }
}

/// The conditions in a status, or in an entry of one.
pub(super) fn conditions(holder: &Value) -> Vec<Condition<'_>> {
    let list = holder.get("conditions").and_then(Value::as_array);
    list.into_iter().flatten().map(read).collect()
}

fn read(condition: &Value) -> Condition<'_> {
    let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
    let status = match text("status") {
        "True" => ConditionStatus::True,
        "False" => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    };
    let since = text("lastTransitionTime").parse().ok();
    let (type_, reason) = (text("type"), text("reason"));
    Condition { type_, status, reason, message: text("message"), since }
}

/// The condition of a type.
pub(super) fn find<'a, 'v>(list: &'a [Condition<'v>], type_: &str) -> Option<&'a Condition<'v>> {
    list.iter().find(|condition| condition.type_ == type_)
}

/// The generation of the spec that a status is about, where it says one and it is not the newest.
pub(super) fn is_outdated(object: &Value) -> bool {
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    observed.is_some_and(|observed| observed < object::generation(object))
}
