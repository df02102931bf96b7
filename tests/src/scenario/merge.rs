//! Merging JSON as API servers do, and telling what changed.

use serde_json::{Map, Value};

/// JSON merge patch: maps are merged, null removes, all else replaces.
pub(super) fn patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            self::patch(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// The merge patch that leads from one value to another; none where they are equal.
pub(super) fn diff(from: &Value, to: &Value) -> Option<Value> {
    match (from, to) {
        (from, to) if from == to => None,
        (Value::Object(from), Value::Object(to)) => {
            let removed = from.keys().filter(|key| !to.contains_key(*key));
            let removed = removed.map(|key| (key.clone(), Value::Null));
            let changed = to.iter().filter_map(|(key, value)| match from.get(key) {
                None => Some((key.clone(), value.clone())),
                Some(old) => Some((key.clone(), diff(old, value)?)),
            });
            Some(Value::Object(removed.chain(changed).collect()))
        }
        (_, to) => Some(to.clone()),
    }
}

/// Server-side apply by one manager: what it applied before and does not apply now goes, what it
/// applies now is set. Maps are merged, and so are lists whose elements all have names; other lists
/// are replaced whole. Null means absent.
pub(super) fn apply(live: &mut Value, before: &Value, desired: &Value) {
    withdraw(live, before, desired);
    set(live, desired);
}

fn set(live: &mut Value, desired: &Value) {
    match desired {
        Value::Object(desired) => {
            if !live.is_object() {
                *live = Value::Object(Map::new());
            }
            let Value::Object(live) = live else { return };
            for (key, value) in desired {
                if value.is_null() {
                    live.remove(key);
                } else {
                    set(live.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        Value::Array(elements) if is_named(desired) && is_named(live) => {
            let Value::Array(live) = live else { return };
            for element in elements {
                match live.iter_mut().find(|other| other["name"] == element["name"]) {
                    Some(other) => set(other, element),
                    None => live.push(element.clone()),
                }
            }
        }
        other => *live = other.clone(),
    }
}

fn is_named(list: &Value) -> bool {
    list.as_array().is_some_and(|list| list.iter().all(|element| element["name"].is_string()))
}

fn withdraw(live: &mut Value, before: &Value, desired: &Value) {
    if is_named(live) && is_named(before) && is_named(desired) {
        let has = |list: &Value, element: &Value| {
            list.as_array().into_iter().flatten().any(|other| other["name"] == element["name"])
        };
        if let Some(live) = live.as_array_mut() {
            live.retain(|element| has(desired, element) || !has(before, element));
        }
        return;
    }
    let (Value::Object(live), Value::Object(before)) = (live, before) else { return };
    for (key, was) in before {
        match (desired.get(key), live.get_mut(key)) {
            (Some(wanted), Some(is)) => withdraw(is, was, wanted),
            (None, Some(is)) if was.is_object() && is.is_object() => {
                withdraw(is, was, &Value::Null);
                if is.as_object().is_some_and(Map::is_empty) {
                    live.remove(key);
                }
            }
            (None, Some(_)) => {
                live.remove(key);
            }
            (_, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_diff_is_the_patch_between_two_values() {
        let from = json!({"a": 1, "b": {"c": 1, "d": 2}, "l": [1]});
        let to = json!({"b": {"c": 1, "d": 3}, "l": [1, 2], "n": "x"});
        let found = diff(&from, &to).unwrap();
        assert_eq!(found, json!({"a": null, "b": {"d": 3}, "l": [1, 2], "n": "x"}));
        let mut patched = from;
        patch(&mut patched, &found);
        assert_eq!(patched, to);
        assert_eq!(diff(&to, &to), None);
    }

    #[test]
    fn an_apply_leaves_what_others_set() {
        let mut live =
            json!({"data": {"mine": "1", "gone": "1", "theirs": "1"}, "spec": {"old": {"x": 1}}});
        let before = json!({"data": {"mine": "1", "gone": "1"}, "spec": {"old": {"x": 1}}});
        apply(&mut live, &before, &json!({"data": {"mine": "2"}, "note": null}));
        assert_eq!(live, json!({"data": {"mine": "2", "theirs": "1"}}));
    }

    #[test]
    fn elements_with_names_are_merged_and_other_lists_replaced() {
        let mut live = json!({
            "containers": [{"name": "side"}, {"name": "app", "image": "1", "pull": "Always"}, {"name": "old"}],
            "args": [1, 2],
        });
        let before =
            json!({"containers": [{"name": "app", "image": "1"}, {"name": "old"}], "args": [1, 2]});
        let desired =
            json!({"containers": [{"name": "app", "image": "2"}, {"name": "new"}], "args": [3]});
        apply(&mut live, &before, &desired);
        let app = json!({"name": "app", "image": "2", "pull": "Always"});
        let expected = json!({"containers": [{"name": "side"}, app, {"name": "new"}], "args": [3]});
        assert_eq!(live, expected);
    }
}
