//! One result, and what the errors say.

use rstest::rstest;
use serde_json::{Value, json};

use super::super::{Path, PathError};
use crate::Context;

fn workload() -> Value {
    json!({
        "metadata": {"name": "shop", "labels": null, "annotations": {"example.com/a.b": "x"}},
        "spec": {
            "source": {"git": {"url": "https://git", "ref": {"branch": "main"}}},
            "params": [{"name": "port", "value": 80}, {"name": "host"}],
            "empty": {},
        },
    })
}

fn one(path: &str) -> PathError {
    match Path::parse(path) {
        Ok(path) => path.one(&workload()).unwrap_err(),
        Err(error) => error,
    }
}

#[rstest]
#[case("", "empty jsonpath not allowed")]
#[case("spec.sauce", "jsonpath returned empty list: spec.sauce")]
#[case("{.spec.sauce}", "jsonpath returned empty list: {.spec.sauce}")]
#[case("spec.params[*].name", "too many results for the query: spec.params[*].name")]
#[case(
    "spec.params[9]",
    "evaluate: failed to find results: array index out of bounds: index 9, length 2"
)]
#[case(" spec", "evaluate: failed to find results: unrecognized identifier spec")]
#[case(
    "spec.params[x]",
    "evaluate: failed to parse jsonpath '{.spec.params[x]}': invalid array index x"
)]
#[case("spec}{.x", "evaluate: more queries than expected: {.spec}{.x}")]
fn says_what_cartographer_said(#[case] path: &str, #[case] expected: &str) {
    assert_eq!(one(path).evaluated().to_string(), expected);
}

#[test]
fn finds_exactly_one() {
    let workload = workload();
    let one = |path: &str| Path::parse(path).unwrap().one(&workload).unwrap().clone();
    assert_eq!(one("spec.source.git.ref.branch"), "main");
    assert_eq!(one("metadata.labels"), Value::Null);
    assert_eq!(one("spec.params[?(@.name==\"port\")].value"), 80);
    assert_eq!(one("spec.params[*].value"), 80);
}

#[rstest]
#[case("spec.source.git.urll", "did you mean `url`?")]
#[case("spec.source.git.reff.branch", "did you mean `ref`?")]
#[case("spec.source.git.repository", "the keys here are `ref`, `url`")]
#[case(
    "metadata.annotations.example.com/a.b",
    "write `example\\.com/a\\.b`: a dot in a name needs a backslash"
)]
#[case(
    "metadata.annotations['example.com/a.b']",
    "write `example\\.com/a\\.b`: a dot in a name needs a backslash"
)]
#[case("metadata.annotations.example.org", "the keys here are `example.com/a.b`")]
#[case("spec.empty.x", "there are no keys here")]
#[case("metadata.labels.app", "`labels` is null")]
#[case("spec.params.name", "`params` is a list of 2: choose with [0] or a filter")]
#[case("metadata.name.x", "`name` is a string, which has no keys")]
#[case("spec.params[?(@.name==\"prot\")].value", "no element of `params` passes the filter")]
#[case("spec.empty.*", "there is nothing in `empty`")]
#[case("spec..prot", "there is no such key anywhere below `spec`")]
#[case("specs.x", "did you mean `spec`?")]
#[case("$.spec", "start with a name: no `$`, bracket or space before it")]
#[case("['spec']", "start with a name: no `$`, bracket or space before it")]
#[case(" spec", "leave away spaces; quote words in filters; write `\\ ` for a space in a name")]
#[case("spec.params[9]", "indices go from 0 to 1, or from -2 to -1")]
#[case("spec.params[*].name", "it leads to 2 values: choose one with an index or a filter")]
#[case("spec.params[x]", "look at byte 12 of the path")]
#[case("params.$(x", "tags cannot contain tags")]
fn helps(#[case] path: &str, #[case] expected: &str) {
    assert_eq!(one(path).hint().unwrap(), expected);
    let workload = workload();
    let Value::Object(map) = &workload else { panic!("a map") };
    if let Ok(path) = Path::parse(path) {
        let error = path.one_in(&Context::from(map)).unwrap_err();
        assert_eq!(error.hint().unwrap(), expected, "in a context");
    }
}

#[test]
fn a_context_names_what_it_has() {
    let value = json!(1);
    let context = Context::new().borrowing("sources", &value).owning("params", json!({}));
    let error = Path::parse("source.url").unwrap().one_in(&context).unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean `sources`?");
    let error = Path::parse("x").unwrap().one_in(&context).unwrap_err();
    assert_eq!(error.hint().unwrap(), "the keys here are `params`, `sources`");
}

#[test]
fn a_context_lends_what_it_borrows() {
    let value = json!({"big": [1]});
    let context = Context::new().borrowing("workload", &value);
    let found = Path::parse("workload.big").unwrap().one_in(&context).unwrap();
    assert!(std::ptr::eq(found.as_ref(), &raw const value["big"]));
}

#[rstest]
#[case("spec.params[x", 12)]
#[case(".spec.params[x]", 13)]
#[case("{.spec.params[x]}", 14)]
#[case("spec.a[?(@.b=='c\\q')]", 14)]
fn syntax_errors_have_a_place(#[case] path: &str, #[case] expected: usize) {
    let Err(PathError::Syntax { offset, .. }) = Path::parse(path) else { panic!("{path}") };
    assert_eq!(offset, expected);
}

#[test]
fn flaws_are_known_before_evaluation() {
    assert_eq!(Path::parse("spec.a").unwrap().flaw(), None);
    let flaw = Path::parse(" spec.a").unwrap().flaw().unwrap();
    assert_eq!(flaw.to_string(), "failed to find results: unrecognized identifier spec");
}

#[test]
fn leading_keys_end_at_the_first_other_step() {
    let keys = |path: &str| -> Vec<String> {
        Path::parse(path).unwrap().leading_keys().map(str::to_owned).collect()
    };
    assert_eq!(keys("sources.app.url"), ["sources", "app", "url"]);
    assert_eq!(keys("params['a'][0].b"), ["params", "a"]);
    assert_eq!(keys("..a"), Vec::<String>::new());
}
