//! Health rules (API reference, section 8).

use portolan_api::choreography::health::{HealthMatch, HealthRule};
use portolan_api::choreography::selector::FieldSelectorRequirement;
use portolan_api::condition::ConditionStatus;
use portolan_expr::Path;
use serde_json::Value;

use crate::field::Field;

/// A health rule, its paths parsed.
#[derive(Clone, Debug)]
pub struct Rule(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Always,
    Condition(String),
    Multi { healthy: Match, unhealthy: Match },
    Nothing,
}

#[derive(Clone, Debug)]
struct Match {
    conditions: Vec<(String, String)>,
    fields: Vec<(Field, Option<Path>, String)>,
}

/// What a rule says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Healthy, unhealthy, or not to be told.
    pub status: ConditionStatus,
    /// Reason for a condition.
    pub reason: String,
    /// Message for a condition.
    pub message: String,
}

impl Verdict {
    pub(crate) fn new(status: ConditionStatus, reason: &str, message: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), message: message.into() }
    }
}

/// A condition in the status of an object.
struct Observed<'a> {
    type_: &'a str,
    status: &'a str,
    message: &'a str,
}

impl Rule {
    /// Compiles a rule. With several members, always-healthy is considered first, then the
    /// condition, then the matches.
    pub fn new(rule: &HealthRule) -> Self {
        Self(if rule.always_healthy.is_some() {
            Kind::Always
        } else if let Some(type_) = &rule.single_condition_type {
            Kind::Condition(type_.clone())
        } else if let Some(multi) = &rule.multi_match {
            Kind::Multi {
                healthy: Match::new(&multi.healthy),
                unhealthy: Match::new(&multi.unhealthy),
            }
        } else {
            Kind::Nothing
        })
    }

    /// Healthy as the condition of this type says.
    pub fn single_condition(type_: &str) -> Self {
        Self(Kind::Condition(type_.into()))
    }

    /// What the rule says of an object, or of none.
    pub fn judge(&self, object: Option<&Value>) -> Verdict {
        use ConditionStatus::{True, Unknown};
        match (&self.0, object) {
            (Kind::Always, Some(_)) => Verdict::new(True, "AlwaysHealthy", ""),
            (Kind::Always, None) => Verdict::new(Unknown, "NoStampedObject", ""),
            (_, None) | (Kind::Nothing, _) => Verdict::new(Unknown, "Unknown", ""),
            (Kind::Condition(type_), Some(object)) => by_condition(type_, object),
            (Kind::Multi { healthy, unhealthy }, Some(object)) => {
                by_matches(healthy, unhealthy, object)
            }
        }
    }
}

fn by_condition(type_: &str, object: &Value) -> Verdict {
    let reason = format!("{type_}Condition");
    let Some(condition) = conditions(object).into_iter().find(|c| c.type_ == type_) else {
        let message = format!("condition with type [{type_}] not found on resource status");
        return Verdict::new(ConditionStatus::Unknown, &reason, message);
    };
    let status = match condition.status {
        "True" => ConditionStatus::True,
        "False" => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    };
    Verdict::new(status, &reason, condition.message)
}

fn by_matches(healthy: &Match, unhealthy: &Match, object: &Value) -> Verdict {
    let observed = conditions(object);
    let first_unhealthy = unhealthy.conditions.iter().find_map(|wanted| met(wanted, &observed));
    if let Some(message) = first_unhealthy {
        return Verdict::new(ConditionStatus::False, "MatchedCondition", message);
    }
    let mut fields = unhealthy.fields.iter();
    if let Some(field) = fields.find(|(field, ..)| field.holds(object).unwrap_or(false)) {
        return Verdict::new(ConditionStatus::False, "MatchedField", explain(field, object));
    }
    let all = healthy.conditions.iter().all(|wanted| met(wanted, &observed).is_some())
        && healthy.fields.iter().all(|(field, ..)| field.holds(object).unwrap_or(false));
    if !all || (healthy.conditions.is_empty() && healthy.fields.is_empty()) {
        return Verdict::new(ConditionStatus::Unknown, "NoMatchesFulfilled", "");
    }
    match (healthy.conditions.first(), healthy.fields.first()) {
        (Some(first), _) => {
            let message = met(first, &observed).unwrap_or_default();
            Verdict::new(ConditionStatus::True, "MatchedCondition", message)
        }
        (None, Some(first)) => {
            Verdict::new(ConditionStatus::True, "MatchedField", explain(first, object))
        }
        (None, None) => Verdict::new(ConditionStatus::Unknown, "NoMatchesFulfilled", ""),
    }
}

/// The message of a condition that has the wanted status.
fn met((type_, status): &(String, String), observed: &[Observed<'_>]) -> Option<String> {
    let condition = observed.iter().find(|condition| condition.type_ == type_)?;
    (condition.status == status)
        .then(|| format!("condition status: {}, message: {}", condition.status, condition.message))
}

fn explain((field, path, written): &(Field, Option<Path>, String), object: &Value) -> String {
    let value = field.value(object).map_or_else(|| "<error retrieving field value>".into(), plain);
    let message = path
        .as_ref()
        .and_then(|path| path.one(object).ok())
        .map_or_else(|| format!("unknown, error retrieving message path [{written}]"), plain);
    format!("field value: {value}, message: {message}")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Match {
    fn new(written: &HealthMatch) -> Self {
        let conditions = written.match_conditions.iter().flatten();
        let fields = written.match_fields.iter().flatten();
        Self {
            conditions: conditions.map(|c| (c.type_.clone(), c.status.clone())).collect(),
            fields: fields
                .map(|field| {
                    let path = field.message_path.clone().unwrap_or_default();
                    let requirement = FieldSelectorRequirement {
                        key: field.key.clone(),
                        operator: field.operator,
                        values: field.values.clone(),
                    };
                    (Field::new(requirement), Path::parse(&path).ok(), path)
                })
                .collect(),
        }
    }
}

/// The conditions of an object; the first of a type counts. A list that does not read as standard
/// conditions is no list at all.
fn conditions(object: &Value) -> Vec<Observed<'_>> {
    let list = object.pointer("/status/conditions").and_then(Value::as_array);
    let read = |condition| {
        let text = |key| Value::get(condition, key).map_or(Some(""), Value::as_str);
        let time = text("lastTransitionTime")?;
        if !time.is_empty() && time.parse::<jiff::Timestamp>().is_err() {
            return None;
        }
        Some(Observed { type_: text("type")?, status: text("status")?, message: text("message")? })
    };
    list.and_then(|list| list.iter().map(read).collect::<Option<Vec<_>>>()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
