//! Whether what is observed is what is desired, leaf by leaf.
//!
//! Desired objects name only the fields they care about; the server adds defaults and others add
//! fields of their own. An object is converged when every desired leaf is there, semantically equal.

use serde_json::{Map, Value};

mod quantity;

/// Whether every desired leaf is semantically equal in the observed value.
pub fn holds(desired: &Value, observed: &Value) -> bool {
    leaf_holds(desired, observed, "", false)
}

/// `key` is the field the values stand in; `amounts` says whether they are resource quantities.
fn leaf_holds(desired: &Value, observed: &Value, key: &str, amounts: bool) -> bool {
    match (desired, observed) {
        (Value::Object(desired), Value::Object(observed)) => {
            object_holds(desired, observed, amounts || holds_amounts(key))
        }
        (Value::Array(desired), Value::Array(observed)) => list_holds(desired, observed, amounts),
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (desired, observed) if desired == observed => true,
        (desired, observed) if amounts || is_amount(key) => quantity::equal(desired, observed),
        _ => false,
    }
}

fn object_holds(
    desired: &Map<String, Value>,
    observed: &Map<String, Value>,
    amounts: bool,
) -> bool {
    desired.iter().all(|(key, value)| match observed.get(key) {
        Some(other) => leaf_holds(value, other, key, amounts),
        None => is_nothing(value),
    })
}

/// A null, or a map that holds nothing else, is the same as an absent field: the server drops both.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_nothing),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Lists are equal element by element. Where elements have names, as containers, ports or volumes
/// do, others may have added some of their own.
fn list_holds(desired: &[Value], observed: &[Value], amounts: bool) -> bool {
    let in_order = desired.len() == observed.len()
        && desired.iter().zip(observed).all(|(a, b)| leaf_holds(a, b, "", amounts));
    in_order || (!desired.is_empty() && named_list_holds(desired, observed))
}

fn named_list_holds(desired: &[Value], observed: &[Value]) -> bool {
    desired.iter().all(|element| {
        element.get("name").is_some_and(|name| {
            observed.iter().any(|other| {
                other.get("name") == Some(name) && leaf_holds(element, other, "", false)
            })
        })
    })
}

/// Maps whose values are quantities.
fn holds_amounts(key: &str) -> bool {
    ["limits", "requests", "capacity", "allocatable", "hard", "defaultRequest", "overhead"]
        .contains(&key)
}

/// Fields that are a quantity themselves.
fn is_amount(key: &str) -> bool {
    ["sizeLimit", "divisor", "averageValue", "storage"].contains(&key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(desired: Value, observed: Value, expected: bool) {
        assert_eq!(holds(&desired, &observed), expected, "{desired} in {observed}");
    }

    #[test]
    fn fields_of_others_do_not_matter() {
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), true);
        check(json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}), true);
        check(json!({"a": 1}), json!({"a": 2}), false);
        check(json!({"a": 1}), json!({}), false);
    }

    #[test]
    fn null_is_absent() {
        check(json!({"a": null}), json!({}), true);
        check(json!({"a": null}), json!({"a": null}), true);
        check(json!({"a": null}), json!({"a": 1}), false);
        check(json!({"a": {"b": null}, "l": []}), json!({}), true);
    }

    #[test]
    fn quantities_are_compared_by_amount_where_quantities_stand() {
        let limits = |value: Value| json!({"resources": {"limits": {"cpu": value}}});
        check(limits(json!("0.5")), limits(json!("500m")), true);
        check(limits(json!(2)), limits(json!("2")), true);
        check(limits(json!("1Gi")), limits(json!("1024Mi")), true);
        check(limits(json!("1")), limits(json!("2")), false);
        check(json!({"data": {"v": "1.0"}}), json!({"data": {"v": "1"}}), false);
        check(json!({"sizeLimit": "1Gi"}), json!({"sizeLimit": "1024Mi"}), true);
    }

    #[test]
    fn lists_are_ordered_unless_their_elements_have_names() {
        check(json!([1, 2]), json!([1, 2]), true);
        check(json!([1, 2]), json!([2, 1]), false);
        check(json!([1]), json!([1, 2]), false);
        check(json!([{"name": "a"}]), json!([{"name": "side"}, {"name": "a", "x": 1}]), true);
        check(json!([{"name": "a", "x": 2}]), json!([{"name": "a", "x": 1}]), false);
        check(json!([{"port": 80}]), json!([{"port": 80, "protocol": "TCP"}]), true);
    }

    #[test]
    fn numbers_are_equal_by_value() {
        check(json!(1), json!(1.0), true);
        check(json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_993_i64), true);
        check(json!("1"), json!(1), false);
    }
}
