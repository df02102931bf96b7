//! Rules by which a stamped object is called healthy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::selector::FieldOperator;

/// How to tell whether a stamped object is healthy: exactly one member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthRule {
    /// Healthy as soon as it exists; written as `{}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::any_object")]
    pub always_healthy: Option<Value>,
    /// Healthy as the condition of this type in its status says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_condition_type: Option<String>,
    /// Healthy or unhealthy as several conditions and fields say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_match: Option<MultiMatch>,
}

/// Rules over several conditions and fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MultiMatch {
    /// Healthy when all of these hold and none of `unhealthy` does.
    pub healthy: HealthMatch,
    /// Unhealthy when any of these holds.
    pub unhealthy: HealthMatch,
}

/// Requirements on conditions and fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthMatch {
    /// Conditions of the object's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_conditions: Option<Vec<ConditionRequirement>>,
    /// Fields of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_fields: Option<Vec<HealthFieldRequirement>>,
}

/// A condition that must have a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConditionRequirement {
    /// Condition type.
    #[serde(rename = "type")]
    pub type_: String,
    /// Status it must have.
    pub status: String,
}

/// A field that must meet an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthFieldRequirement {
    /// JSONPath relative to the object.
    #[schemars(length(min = 1))]
    pub key: String,
    /// What is asked of the value at `key`.
    pub operator: FieldOperator,
    /// Values of `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// JSONPath of the text that explains a match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_path: Option<String>,
}
