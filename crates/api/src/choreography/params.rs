//! Parameters: of owners, of blueprints, of templates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A parameter that an owner sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerParam {
    /// Name by which templates read it: `$(params.<name>)$`.
    pub name: String,
    /// Any JSON value.
    #[schemars(schema_with = "crate::schema::any")]
    pub value: Value,
}

/// A parameter that a blueprint sets: exactly one of `value` and `default`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlueprintParam {
    /// Name by which templates read it.
    pub name: String,
    /// A value that owners cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::any")]
    pub value: Option<Value>,
    /// A value that owners may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::any")]
    pub default: Option<Value>,
}

/// A parameter that a template declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateParam {
    /// Name by which the template reads it.
    pub name: String,
    /// The value where neither blueprint nor owner sets one.
    #[schemars(schema_with = "crate::schema::any")]
    pub default: Value,
}
