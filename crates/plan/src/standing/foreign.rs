//! What holds an object of a kind that is not ours.

use portolan_api::condition::ConditionStatus;
use serde_json::Value;

use super::condition::{Condition, LONGEST, bare, conditions, find};
use super::report::Cause;
use crate::health::{self, Health};
use crate::trace::clean;

/// Types that tell of the whole object.
const WHOLE: [&str; 2] = ["Ready", "Succeeded"];

/// Types by which objects tell of trouble when they are True, and of nothing when they are False.
const TROUBLE: [&str; 4] = ["Stalled", "Failed", "Failure", "Degraded"];

/// Types that say nothing of trouble when they are False.
const PASSING: [&str; 4] = ["Reconciling", "ReplicaFailure", "Paused", "Suspended"];

/// The condition that holds an object: the one that the template's health rule asks for, else the one
/// about the whole object, else the first that is not True. `rule` is the `Healthy` condition of its
/// resource. None where the object says nothing of trouble.
pub(super) fn trouble(object: &Value, rule: Option<&Condition<'_>>) -> Option<Cause> {
    let status = object.get("status").unwrap_or(&Value::Null);
    let all = conditions(status);
    let unmet = |type_: &str| find(&all, type_).filter(|condition| condition.is_unmet());
    let asked = rule.filter(|rule| rule.is_unmet());
    let by_rule = asked.and_then(|rule| unmet(rule.reason.strip_suffix("Condition")?));
    let whole = || WHOLE.into_iter().find_map(unmet);
    let first = || {
        let quiet = |type_: &str| TROUBLE.contains(&type_) || PASSING.contains(&type_);
        all.iter().find(|condition| condition.is_unmet() && !quiet(condition.type_))
    };
    let troubled = || {
        let raised = |condition: &&Condition<'_>| condition.status == ConditionStatus::True;
        TROUBLE.into_iter().find_map(|type_| find(&all, type_).filter(raised))
    };
    let found = by_rule.or_else(whole).or_else(first).or_else(troubled);
    found.map_or_else(|| by_standard(object), |condition| Some(condition.cause()))
}

/// By the standard rules, for kinds that tell of themselves in other fields.
fn by_standard(object: &Value) -> Option<Cause> {
    let standing = health::standing(object);
    let status = match standing.health {
        Health::Current => return None,
        Health::Failed => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    };
    let message = clean(&standing.message, LONGEST);
    Some(bare(status, standing.health.as_str(), &message))
}
