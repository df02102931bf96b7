mod hostile;
mod properties;

use rstest::rstest;
use serde_json::{Value, json};

use super::Template;
use crate::Context;

fn data() -> Value {
    json!({
        "params": {
            "s": "text", "n": 5, "f": 1.5, "one": 1.0, "big": 9_007_199_254_740_993_i64,
            "t": true, "nil": null, "list": [1, "a"], "map": {"b": "<&>", "a": 1},
            "tag": "$(params.s)$", "braces": ")$ $(", "empty": "", "my-name": "x", "a/b": "y",
        },
        "workload": {"metadata": {"name": "shop"}, "spec": {"git": null}},
        "x)$": "odd",
    })
}

/// Renders `template` as the value of the key `k`.
fn render(template: &Value) -> Result<Value, String> {
    let data = data();
    let Value::Object(roots) = &data else { panic!("a map") };
    let template = Template::compile(&json!({ "k": template }));
    let rendered = template.render(&Context::from(roots)).map_err(|error| error.to_string())?;
    Ok(rendered["k"].clone())
}

#[rstest]
// The typed form keeps the type.
#[case("$(params.s)$", json!("text"))]
#[case("$(params.n)$", json!(5))]
#[case("$(params.f)$", json!(1.5))]
#[case("$(params.big)$", json!(9_007_199_254_740_993_i64))]
#[case("$(params.t)$", json!(true))]
#[case("$(params.nil)$", Value::Null)]
#[case("$(params.list)$", json!([1, "a"]))]
#[case("$(params.map)$", json!({"b": "<&>", "a": 1}))]
#[case("$(params.empty)$", json!(""))]
#[case("$({.params.s})$", json!("text"))]
#[case("$(params.my-name)$", json!("x"))]
#[case("$(params.a/b)$", json!("y"))]
#[case("$(params['my-name'])$", json!("x"))]
#[case("$(params.map.b)$", json!("<&>"))]
#[case("$(params.list[0])$", json!(1))]
#[case("$(workload.metadata.name )$", json!("shop"))]
#[case("$(..name)$", json!("shop"))]
// The embedded form makes text.
#[case("b$(params.n)$", json!("b5"))]
#[case("5$(params.n)$", json!("55"))]
#[case("$(params.n)$ ", json!("5 "))]
#[case("$(params.s)$$(params.n)$", json!("text5"))]
#[case("$$(params.n)$", json!("$5"))]
#[case("[$(params.n)$]", json!("[5]"))]
#[case("{\"foo\": $(params.n)$}", json!("{\"foo\": 5}"))]
#[case("= $(params.map)$", json!("= {\"a\":1,\"b\":\"\\u003c\\u0026\\u003e\"}"))]
#[case("= $(params.list)$", json!("= [1,\"a\"]"))]
#[case("= $(params.one)$ $(params.f)$ $(params.t)$", json!("= 1 1.5 true"))]
#[case("= $(params.big)$", json!("= 9007199254740993"))]
#[case("<$(params.s)$>", json!("<text>"))]
#[case("$(params.empty)$$(params.empty)$", json!(""))]
// What is not closed is text.
#[case("$(params.s)", json!("$(params.s)"))]
#[case("a $(params.s) b", json!("a $(params.s) b"))]
#[case("$(", json!("$("))]
#[case(")$", json!(")$"))]
#[case("$(params.s)$ and $(params.s)", json!("text and $(params.s)"))]
// Results are not scanned again.
#[case("$(params.tag)$", json!("$(params.s)$"))]
#[case("- $(params.tag)$", json!("- $(params.s)$"))]
#[case("$(params.braces)$$(params.s)$", json!(")$ $(text"))]
fn replaces(#[case] template: &str, #[case] expected: Value) {
    assert_eq!(render(&json!(template)), Ok(expected));
}

#[rstest]
#[case("$(params.x)$", "evaluate tag $(params.x)$: jsonpath returned empty list: params.x")]
#[case(
    "a $(params.x)$",
    "interpolate tag: evaluate jsonpath: jsonpath returned empty list: params.x"
)]
#[case("a $(params.nil)$", "interpolate tag: tag must not point to nil value: params.nil")]
#[case("$(params.*)$", "evaluate tag $(params.*)$: too many results for the query: params.*")]
#[case(
    "a $(params.*)$",
    "interpolate tag: evaluate jsonpath: too many results for the query: params.*"
)]
#[case(
    "$(params['s])$",
    "evaluate tag $(params['s])$: evaluate: failed to parse jsonpath '{.params['s]}': invalid \
     array index 's"
)]
#[case(
    "a $(params['s])$",
    "interpolate tag: evaluate jsonpath: evaluate: failed to parse jsonpath '{.params['s]}': \
     invalid array index 's"
)]
#[case(
    "$(params.list[9])$",
    "evaluate tag $(params.list[9])$: evaluate: failed to find results: array index out of \
     bounds: index 9, length 2"
)]
#[case(
    "$(params.s}{.params.s)$",
    "evaluate tag $(params.s}{.params.s)$: evaluate: more queries than expected: \
     {.params.s}{.params.s}"
)]
#[case("$()$", "evaluate tag $()$: empty jsonpath not allowed")]
#[case("a $()$", "interpolate tag: evaluate jsonpath: empty jsonpath not allowed")]
#[case(
    "$( params.s)$",
    "evaluate tag $( params.s)$: evaluate: failed to find results: unrecognized identifier params"
)]
// No nesting: the first end closes.
#[case(
    "$(params.$(params.s)$)$",
    "interpolate tag: evaluate jsonpath: evaluate: failed to parse jsonpath \
     '{.params.$(params.s}': unrecognized character in action: U+0028 '('"
)]
#[case(
    "$(params.s)$ text )$",
    "evaluate tag $(params.s)$ text )$: evaluate: failed to find results: unrecognized identifier \
     text"
)]
#[case(
    "$(params.s) and $(params.n)$",
    "interpolate tag: evaluate jsonpath: evaluate: failed to parse jsonpath '{.params.s) and \
     $(params.n}': unrecognized character in action: U+0028 '('"
)]
fn refuses(#[case] template: &str, #[case] cause: &str) {
    let expected = "failed to recursively evaluate template: failed to interpolate template at \
                    path [k]: ";
    assert_eq!(render(&json!(template)), Err(format!("{expected}{cause}")));
}

#[rstest]
#[case(json!({"a": {"b": "$()$"}}), "a.b")]
#[case(json!({"a": ["$()$"]}), "a.[0]")]
#[case(json!({"spec": {"params": [{"name": "$()$"}]}}), "spec.params.[0]name")]
#[case(json!({"a": [[0, {"b": {"c": "$()$"}}]]}), "a.[0][1]b.c")]
#[case(json!({"b": "$()$", "a": ["x", "$(q)$", "$()$"]}), "a.[1]")]
#[case(json!({"a.b": {"": "$()$"}}), "a.b.")]
#[case(json!(["$()$"]), "[0]")]
#[case(json!("$()$"), "")]
fn locates_the_first_bad_tag(#[case] template: Value, #[case] location: &str) {
    let error = Template::compile(&template).render(&Context::new()).unwrap_err().to_string();
    let expected = format!("failed to interpolate template at path [{location}]: ");
    assert!(error.contains(&expected), "{error}");
}

#[rstest]
#[case(json!("$(params.s)$"), "\"text\"")]
#[case(json!("$(params.nil)$"), "null")]
#[case(json!(["$(params.map)$"]), r#"[{"a":1,"b":"\u003c\u0026\u003e"}]"#)]
#[case(json!("plain"), "\"plain\"")]
fn the_root_must_be_a_map(#[case] template: Value, #[case] dump: &str) {
    let data = data();
    let Value::Object(roots) = &data else { panic!("a map") };
    let error = Template::compile(&template).render(&Context::from(roots)).unwrap_err();
    let expected =
        format!("stamped resource is not a map[string]interface{{}}, stamped resource: {dump}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn the_root_may_be_a_tag() {
    let template = Template::compile(&json!("$(params)$"));
    let context = Context::new().owning("params", json!({"a": 1}));
    assert_eq!(template.render(&context), Ok(json!({"a": 1})));
}

#[test]
fn keys_and_other_scalars_are_copied() {
    let template = json!({"$(params.s)$": 1, "n": [null, true, 1.0, "$(params.s)$", {}, []]});
    let rendered = render(&template).unwrap();
    assert_eq!(rendered, json!({"$(params.s)$": 1, "n": [null, true, 1.0, "text", {}, []]}));
}

#[test]
fn lists_inputs_and_bad_tags_in_document_order() {
    let template = Template::compile(&json!({
        "b": ["$(images.app.image)$", {"c": "x $(params.p)$ $(a[)$ $( q)$"}],
        "a": "$(source.url)$",
        "z": "$()$",
    }));
    let inputs: Vec<_> =
        template.inputs().map(|(path, location)| (path.as_str(), location)).collect();
    assert_eq!(
        inputs,
        [
            ("source.url", "a"),
            ("images.app.image", "b.[0]"),
            ("params.p", "b.[1]c"),
            (" q", "b.[1]c"),
        ]
    );
    let bad: Vec<_> = template
        .diagnostics()
        .map(|bad| (bad.location, bad.expression, bad.error.to_string()))
        .collect();
    assert_eq!(
        bad,
        [
            ("b.[1]c", "a[", "failed to parse jsonpath '{.a[}': unterminated array".to_owned()),
            ("b.[1]c", " q", "failed to find results: unrecognized identifier q".to_owned()),
            ("z", "", "empty jsonpath not allowed".to_owned()),
        ]
    );
}

#[test]
fn hints_come_from_the_data() {
    let template = Template::compile(&json!({"a": "$(workload.metadata.nmae)$"}));
    let workload = json!({"metadata": {"name": "x"}});
    let error = template.render(&Context::new().borrowing("workload", &workload)).unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean `name`?");
}
