//! Text as Go prints it, where messages that people assert on carry it.

use std::collections::BTreeMap;

use serde_json::Value;

/// `map[a:1 b:2]`.
pub(crate) fn map(map: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("map[{}]", entries.join(" "))
}

/// `[a b]`.
pub(crate) fn list(values: &[String]) -> String {
    format!("[{}]", values.join(" "))
}

/// A value in a sentence: strings plain, the rest as JSON; integers as integers (design, section 9).
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".into(),
        other => other.to_string(),
    }
}
