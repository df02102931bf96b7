//! Why a path found nothing, in words that help.

use serde_json::Value;

use super::eval::{Meter, apply};
use super::step::Step;
use crate::{Context, hint, json};

/// Walks again and describes the first step that lost everything. The first `done` steps have led
/// to `start` already.
pub(super) fn nothing(steps: &[Step], done: usize, start: &Value) -> Option<String> {
    if starts_without_name(steps) {
        return Some(START.to_owned());
    }
    let mut meter = Meter::default();
    let mut values = vec![start];
    for (nth, step) in steps.iter().enumerate().skip(done) {
        let found = apply(step, &values, &mut meter).ok()?;
        if found.is_empty() {
            let parent = values.first()?;
            return dotted(&steps[nth..], parent)
                .or_else(|| describe(step, parent, &name_before(&steps[..nth])));
        }
        values = found;
    }
    None
}

/// The first key is no name of the context.
pub(super) fn no_root(steps: &[Step], name: &str, context: &Context<'_>) -> String {
    if starts_without_name(steps) {
        return START.to_owned();
    }
    hint::for_missing(name, context.names())
}

const START: &str = "start with a name: no `$`, bracket or space before it";

fn starts_without_name(steps: &[Step]) -> bool {
    matches!(steps, [Step::Key(first), ..] if first.is_empty())
}

/// Labels and annotations have dots in their names, which separate keys here.
fn dotted(steps: &[Step], parent: &Value) -> Option<String> {
    let mut name = String::new();
    for step in steps {
        let Step::Key(key) = step else { return None };
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(key);
        if parent.get(&name).is_some() {
            let escaped = name.replace('.', "\\.");
            return Some(format!("write `{escaped}`: a dot in a name needs a backslash"));
        }
    }
    None
}

fn name_before(steps: &[Step]) -> String {
    match steps.last() {
        Some(Step::Key(name)) => format!("`{name}`"),
        _ => "the value before it".to_owned(),
    }
}

fn describe(step: &Step, parent: &Value, parent_name: &str) -> Option<String> {
    if parent.is_null() {
        return Some(format!("{parent_name} is null"));
    }
    match step {
        Step::Key(key) => Some(match parent {
            Value::Object(map) => hint::for_missing(key, map.keys().map(String::as_str)),
            Value::Array(items) => {
                format!("{parent_name} is a list of {}: choose with [0] or a filter", items.len())
            }
            other => format!("{parent_name} is a {}, which has no keys", json::kind(other)),
        }),
        Step::Filter(_) => Some(format!("no element of {parent_name} passes the filter")),
        Step::Wildcard | Step::Slice(_) => Some(format!("there is nothing in {parent_name}")),
        Step::Deep(_) => Some(format!("there is no such key anywhere below {parent_name}")),
        _ => None,
    }
}
