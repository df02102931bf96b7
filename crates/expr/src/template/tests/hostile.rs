//! Templates and data that want to use up time or memory (T-13, T-15).

use rstest::rstest;
use serde_json::{Value, json};

use super::super::{RenderError, Template};
use crate::Context;
use crate::limits::OUTPUT_BYTES;

fn render(template: &Value, x: &Value) -> Result<Value, RenderError> {
    Template::compile(template).render(&Context::new().borrowing("x", x))
}

#[rstest]
#[case("$(x)$")]
#[case("= $(x)$")]
#[case("= $(x.list)$")]
#[case("$(x.list)$$(x.list)$")]
fn large_results_are_refused(#[case] tag: &str) {
    let half = json!({"list": ["y".repeat(OUTPUT_BYTES / 2 + 10)]});
    let template = json!({"a": tag, "b": {"c": tag}});
    let location = if tag == "$(x.list)$$(x.list)$" { "a" } else { "b.c" };
    let error = render(&template, &half).unwrap_err();
    assert_eq!(error, RenderError::TooLarge { location: location.to_owned() });
    assert!(error.to_string().ends_with("the result exceeds 1048576 bytes"));
}

#[test]
fn results_just_below_the_limit_are_fine() {
    let long = json!("y".repeat(OUTPUT_BYTES - 100));
    assert!(render(&json!({"a": "$(x)$"}), &long).is_ok());
    assert!(render(&json!({"a": "= $(x)$"}), &long).is_ok());
}

#[test]
fn many_tags_of_one_value_are_refused_early() {
    let value = json!(vec![1; 100_000]);
    let template = json!({"a": vec!["$(x)$"; 50_000], "b": "$(x)$".repeat(50_000)});
    assert!(matches!(render(&template, &value), Err(RenderError::TooLarge { .. })));
}

#[test]
fn doubling_does_not_recurse() {
    // Each parameter mentions the one before twice; data is not scanned, so nothing doubles.
    let params: serde_json::Map<String, Value> =
        (0..40).map(|n| (format!("p{n}"), json!(format!("$(x.p{n})$$(x.p{n})$")))).collect();
    let rendered = render(&json!({"a": "$(x.p39)$"}), &Value::Object(params));
    assert_eq!(rendered, Ok(json!({"a": "$(x.p39)$$(x.p39)$"})));
}

#[rstest]
#[case("line\nbreak")]
#[case("quote\"s'")]
#[case("$(x)$")]
#[case("{{x}}")]
#[case("#@ data")]
#[case("é\u{0}")]
fn data_stays_data(#[case] text: &str) {
    let expected = json!({"a": text, "b": format!("-{text}")});
    assert_eq!(render(&json!({"a": "$(x)$", "b": "-$(x)$"}), &json!(text)), Ok(expected));
}

#[test]
fn long_and_deep_tags_are_reported_not_run() {
    let long = format!("$({})$", "a".repeat(100_000));
    let deep = format!("$(a{})$", "[?(".repeat(1_000));
    for tag in [long, deep] {
        let template = Template::compile(&json!({ "a": tag }));
        assert_eq!(template.diagnostics().count(), 1);
        assert!(template.render(&Context::new()).is_err());
    }
}

#[test]
fn messages_stay_short() {
    let tag = format!("$({})$", "é".repeat(100_000));
    let error = render(&json!({ "a": tag }), &json!(1)).unwrap_err().to_string();
    assert!(error.len() < 500, "{} bytes", error.len());
    assert!(error.ends_with("evaluate: jsonpath of 200000 bytes exceeds the limit of 4096 bytes"));
}
