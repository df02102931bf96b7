use serde_json::json;

use super::*;

fn rule(rule: Value) -> Rule {
    Rule::new(&serde_json::from_value(rule).unwrap())
}

fn object(conditions: Value) -> Value {
    json!({"kind": "K", "spec": {"n": 3, "text": "why"}, "status": {"conditions": conditions}})
}

fn check(rule_: Value, object: Option<Value>, expected: (&str, &str, &str)) {
    let verdict = rule(rule_.clone()).judge(object.as_ref());
    let found = (verdict.status.as_str(), verdict.reason.as_str(), verdict.message.as_str());
    assert_eq!(found, expected, "{rule_}");
}

/// The second table of section 8.1.
#[test]
fn rules_over_one_condition() {
    let ready = |status: &str| object(json!([{"type": "Ready", "status": status, "message": "m"}]));
    let single = || json!({"singleConditionType": "Ready"});
    check(json!({"alwaysHealthy": {}}), Some(json!({})), ("True", "AlwaysHealthy", ""));
    check(json!({"alwaysHealthy": {}}), None, ("Unknown", "NoStampedObject", ""));
    check(single(), Some(ready("True")), ("True", "ReadyCondition", "m"));
    check(single(), Some(ready("False")), ("False", "ReadyCondition", "m"));
    check(single(), Some(ready("Maybe")), ("Unknown", "ReadyCondition", "m"));
    let missing = "condition with type [Ready] not found on resource status";
    check(single(), Some(json!({})), ("Unknown", "ReadyCondition", missing));
    check(single(), None, ("Unknown", "Unknown", ""));
}

#[test]
fn conditions_that_do_not_read_are_no_conditions() {
    let missing = "condition with type [Ready] not found on resource status";
    for broken in [
        json!([{"type": "Ready", "status": true}]),
        json!([{"type": "Ready", "status": "True", "lastTransitionTime": "yesterday"}]),
        json!("Ready"),
    ] {
        let expected = ("Unknown", "ReadyCondition", missing);
        check(json!({"singleConditionType": "Ready"}), Some(object(broken)), expected);
    }
}

fn multi() -> Value {
    json!({"multiMatch": {
        "healthy": {
            "matchConditions": [{"type": "Ready", "status": "True"}],
            "matchFields": [{"key": "spec.n", "operator": "Exists"}],
        },
        "unhealthy": {
            "matchConditions": [{"type": "Failed", "status": "True"}],
            "matchFields": [{"key": "spec.bad", "operator": "Exists", "messagePath": "spec.text"}],
        },
    }})
}

/// Section 8.2: unhealthy is an OR and wins, healthy is an AND.
#[test]
fn rules_over_many() {
    let conditions = |list: Value| Some(object(list));
    let ready = json!({"type": "Ready", "status": "True", "message": "up"});
    let failed = json!({"type": "Failed", "status": "True", "message": "no"});
    check(
        multi(),
        conditions(json!([ready, failed])),
        ("False", "MatchedCondition", "condition status: True, message: no"),
    );
    check(
        multi(),
        conditions(json!([ready])),
        ("True", "MatchedCondition", "condition status: True, message: up"),
    );
    check(multi(), conditions(json!([])), ("Unknown", "NoMatchesFulfilled", ""));
    let mut bad = object(json!([ready]));
    bad["spec"]["bad"] = json!(7);
    check(multi(), Some(bad), ("False", "MatchedField", "field value: 7, message: why"));
}

#[test]
fn what_cannot_be_read_is_said_in_the_message() {
    let gone = json!({"multiMatch": {
        "healthy": {"matchFields": [{"key": "spec.gone", "operator": "DoesNotExist"}]},
        "unhealthy": {"matchFields": [{"key": "spec[", "operator": "Exists"}]},
    }});
    let message = "field value: <error retrieving field value>, \
                   message: unknown, error retrieving message path []";
    check(gone, Some(object(json!([]))), ("True", "MatchedField", message));
}
