//! YAML for people: small maps on one line, keys in the order in which one reads them.

use std::fmt::Write;

use anyhow::ensure;
use serde_json::{Map, Value};

/// Longest collection on one line.
const LINE: usize = 96;

/// What stands on one line however long it is: conditions, outputs, references.
const ONE_LINE: [&str; 3] = ["lastTransitionTime", "blockOwnerDeletion", "resource"];

/// What a step of a story begins with; it is never on one line.
const STORY: &str = "step";

/// Keys that come first, in this order; all others follow by the alphabet.
const FIRST: [&str; 34] = [
    STORY,
    "owner",
    "blueprints",
    "create",
    "update",
    "delete",
    "refused",
    "as",
    "answer",
    "object",
    "changes",
    "writes",
    "apiVersion",
    "kind",
    "metadata",
    "type",
    "status",
    "reason",
    "message",
    "observedGeneration",
    "supplyChainRef",
    "deliveryRef",
    "name",
    "templateRef",
    "stampedRef",
    "inputs",
    "outputs",
    "conditions",
    "resources",
    "preview",
    "digest",
    "lastTransitionTime",
    "events",
    "again",
];

/// Prints a value; the text reads back as the same value.
pub fn print(value: &Value) -> anyhow::Result<String> {
    let mut text = String::new();
    block(&mut text, value, 0);
    let back: Value = serde_saphyr::from_str(&text)?;
    ensure!(back == *value, "this YAML does not read back as it was meant:\n{text}");
    Ok(text)
}

/// Writes a value whose lines are indented by `indent`; the cursor is where its first line starts.
fn block(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (index, (key, value)) in ordered(map).into_iter().enumerate() {
                if index > 0 {
                    pad(text, indent);
                }
                text.push_str(&scalar(key));
                text.push(':');
                child(text, value, indent, 2);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    pad(text, indent);
                }
                text.push('-');
                if is_one_line(value) {
                    text.push(' ');
                    text.push_str(&flow(value));
                    text.push('\n');
                } else {
                    text.push(' ');
                    block(text, value, indent + 2);
                }
            }
        }
        value => {
            text.push_str(&flow(value));
            text.push('\n');
        }
    }
}

/// Writes the value of a key.
fn child(text: &mut String, value: &Value, indent: usize, step: usize) {
    if is_one_line(value) {
        text.push(' ');
        text.push_str(&flow(value));
        text.push('\n');
        return;
    }
    let indent = if value.is_array() { indent } else { indent + step };
    text.push('\n');
    pad(text, indent);
    block(text, value, indent);
}

fn pad(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn is_one_line(value: &Value) -> bool {
    match value {
        Value::Object(map) if map.contains_key(STORY) => false,
        Value::Object(map) => {
            ONE_LINE.iter().any(|key| map.contains_key(*key)) || flow(value).len() <= LINE
        }
        Value::Array(list) => {
            list.iter().all(|element| !element.is_object()) && flow(value).len() <= LINE
        }
        _ => true,
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> = ordered(map)
                .into_iter()
                .map(|(key, value)| format!("{}: {}", scalar(key), flow(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(list) => {
            let elements: Vec<String> = list.iter().map(flow).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

fn ordered(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let rank = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| (rank(key), *key));
    entries
}

/// A string, plain where every reader of YAML takes it for the same string.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./ ()$+@=:".contains(c))
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    let time = text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok();
    if plain || time { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_maps_take_one_line_and_keys_have_an_order() {
        let value = json!({
            "zone": {"b": [1, "2", null], "a": {}},
            "step": "it: happens",
            "list": [{"type": "Ready", "lastTransitionTime": "2026-01-01T00:00:10Z", "message": ""}],
        });
        let expected = "step: \"it: happens\"\n\
                        list:\n\
                        - {type: Ready, message: \"\", lastTransitionTime: 2026-01-01T00:00:10Z}\n\
                        zone: {a: {}, b: [1, \"2\", null]}\n";
        assert_eq!(print(&value).unwrap(), expected);
    }

    #[test]
    fn every_string_reads_back() {
        for text in
            ["", "no", "1", "a b ", "x\ny", "$(a)$", "é💥", "- a", "0x1f", "2026-01-01", "\u{7f}"]
        {
            assert!(print(&json!({text: text})).is_ok(), "{text}");
        }
    }

    #[test]
    fn deep_values_read_back() {
        let long = "x".repeat(LINE);
        let value = json!([{"a": {"b": [[long], {"c": [{"d": long}]}]}}, [], {}]);
        assert!(print(&value).is_ok());
    }
}
