//! Filters, and that both ways to evaluate them agree.

use rstest::rstest;
use serde_json::{Value, json};

use super::super::Path;
use super::super::filter::Filter;
use super::super::step::Step;
use super::{check, check_error};

fn sample() -> Value {
    json!({
        "l": [
            {"n": "a", "i": 1, "f": 1.0, "b": true, "d": {"x": "deep"}, "t": ["p", "q"]},
            {"n": "b", "i": 2, "f": 2.5, "b": false, "m": "b", "d": {}},
            {"i": 3, "f": -1, "b": true, "big": 9_007_199_254_740_993_i64},
        ],
        "numbers": [1, 2.0, 3.5, 9_007_199_254_740_993_i64],
        "strings": ["x", "y", "it's", "say \"x\"", "x)", "a=b", "ü"],
        "bools": [true, false],
        "mixed": [1, "1"],
        "nulls": [{"n": null}],
        "map": {"k": {"n": "a"}},
        "empty": [],
    })
}

/// Names of the survivors; the last element has none.
#[rstest]
// Operators.
#[case(r#"l[?(@.n=="a")].i"#, json!([1]))]
#[case(r"l[?(@.n=='a')].i", json!([1]))]
#[case(r#"l[?(@.n!="a")].i"#, json!([2]))]
#[case(r#"l[?(@.n<"b")].i"#, json!([1]))]
#[case(r#"l[?(@.n<="b")].i"#, json!([1, 2]))]
#[case(r#"l[?(@.n>"a")].i"#, json!([2]))]
#[case(r#"l[?(@.n>="a")].i"#, json!([1, 2]))]
#[case(r#"l[?( @.n == "a" )].i"#, json!([1]))]
#[case(r#"l[?(.n=="a")].i"#, json!([1]))]
#[case(r#"l[?($.n=="a")].i"#, json!([1]))]
#[case(r#"l[?(@['n']=="a")].i"#, json!([1]))]
#[case(r#"l[?(@.d.x=="deep")].i"#, json!([1]))]
#[case(r#"l[?("a"==@.n)].i"#, json!([1]))]
#[case("l[?(@.n==@.m)].i", json!([2]))]
#[case("l[?(@.b==true)].i", json!([1, 3]))]
#[case("l[?(@.b!=true)].i", json!([2]))]
#[case("l[?(@.b==false)].i", json!([2]))]
#[case(r#"l[?(@.t[*]=="p")].i"#, json!("error"))]
#[case(r#"l[?(@..x=="deep")].i"#, json!([1]))]
#[case(r#"l[?(@.nope!="a")].i"#, json!([]))]
// Numbers compare by value.
#[case("l[?(@.i==1)].i", json!([1]))]
#[case("l[?(@.i==1.0)].i", json!([1]))]
#[case("l[?(@.i>=+2)].i", json!([2, 3]))]
#[case("l[?(@.f==1)].i", json!([1]))]
#[case("l[?(@.f<-0.5)].i", json!([3]))]
#[case("numbers[?(@>2)]", json!([3.5, 9_007_199_254_740_993_i64]))]
#[case("numbers[?(@==9007199254740992)]", json!([]))]
#[case("numbers[?(@==9007199254740993)]", json!([9_007_199_254_740_993_i64]))]
// Existence.
#[case("l[?(@.m)].i", json!([2]))]
#[case("l[?(@.n)].i", json!([1, 2]))]
#[case("l[?(@.d.x)].i", json!([1]))]
#[case("l[?(@.t[1])].i", json!([1]))]
#[case("l[?(@.t[7])].i", json!([]))]
#[case("l[?(@.t.*)].i", json!([1]))]
#[case("nulls[?(@.n)]", json!([{"n": null}]))]
#[case("bools[?(@)]", json!([true, false]))]
// Literals.
#[case(r#"strings[?(@=="it's")]"#, json!(["it's"]))]
#[case(r"strings[?(@=='it\'s')]", json!(["it's"]))]
#[case(r#"strings[?(@=="say \"x\"")]"#, json!(["say \"x\""]))]
#[case(r"strings[?(@=='say \x22x\u0022')]", json!(["say \"x\""]))]
#[case(r#"strings[?(@=="x)")]"#, json!(["x)"]))]
#[case(r#"strings[?(@=="a=b")]"#, json!(["a=b"]))]
#[case(r#"strings[?(@=="\u00fc")]"#, json!(["ü"]))]
// Nothing survives.
#[case(r#"empty[?(@.n=="a")]"#, json!([]))]
#[case(r#"nope[?(@.n=="a")]"#, json!([]))]
#[case("strings[?(@.n)]", json!([]))]
fn filters(#[case] path: &str, #[case] expected: Value) {
    if expected == "error" {
        return check_error(
            path,
            &sample(),
            "failed to find results: can only compare one element at a time",
        );
    }
    check(path, &sample(), expected);
    check_both_ways(path, &sample());
}

#[rstest]
#[case(r#"map[?(@.n=="a")]"#, "map is not array or slice and cannot be filtered")]
#[case(r#"map.k.n[?(@.n=="a")]"#, "string is not array or slice and cannot be filtered")]
#[case(r#"..[?(@.n=="a")]"#, "map is not array or slice and cannot be filtered")]
#[case(r#"l[?(@.i=="1")]"#, "incompatible types for comparison")]
#[case("l[?(@.n==1)]", "incompatible types for comparison")]
#[case("l[?(@.n!=1)]", "incompatible types for comparison")]
#[case("l[?(@.n==true)]", "incompatible types for comparison")]
#[case("mixed[?(@==1)]", "incompatible types for comparison")]
#[case(r#"nulls[?(@.n=="a")]"#, "invalid type for comparison")]
#[case(r#"l[?(@.d=="a")]"#, "invalid type for comparison")]
#[case("bools[?(@<true)]", "invalid type for comparison")]
#[case(r#"l[?(@.t[7]=="a")]"#, "array index out of bounds: index 7, length 2")]
#[case(r#"l[?(@.n<>"a")]"#, "unrecognized filter operator <>")]
#[case(r#"l[?(@.n="a")]"#, "unrecognized filter operator =")]
#[case("l[?(@.n==null)]", "unrecognized identifier null")]
#[case("l[?(@.n==a)]", "unrecognized identifier a")]
#[case("l[?(n)]", "unrecognized identifier n")]
fn refuses(#[case] path: &str, #[case] fault: &str) {
    check_error(path, &sample(), &format!("failed to find results: {fault}"));
    check_both_ways(path, &sample());
}

#[rstest]
#[case("l[?(@.n", "unterminated filter")]
#[case("l[?(@.n=='a)]", "unterminated filter")]
#[case("l[?(@.n)", "unclosed array expect ]")]
#[case("l[?(@.a[?(@.b)])]", "unterminated filter")]
#[case("l[?(@.n=='a' || @.n=='b')]", "unterminated quoted string")]
#[case("l[?(@.n=~'a')]", "unrecognized character in action: U+007E '~'")]
#[case("l[?(=='a')]", "unrecognized character in action: U+003D '='")]
#[case("l[?(@.n==1.2.3)]", "cannot parse number 1.2.3")]
#[case("l[?(@.n==1e5)]", "cannot parse number 1e5")]
#[case(r"l[?(@.n=='\q')]", r"unquote string '\q' error invalid syntax")]
#[case("l[?(@.n==)]", "unrecognized character in action: U+003D '='")]
#[case("l[?(!@.n)]", "unrecognized character in action: U+0021 '!'")]
fn is_no_filter(#[case] path: &str, #[case] message: &str) {
    let expected = format!("failed to parse jsonpath '{{.{path}}}': {message}");
    check_error(path, &json!({}), &expected);
}

/// What the engine finds is what our own evaluation finds.
#[track_caller]
fn check_both_ways(path: &str, value: &Value) {
    let mut path = Path::parse(path).unwrap();
    let found = path.find(value);
    for step in &mut path.steps {
        if let Step::Filter(filter) = step {
            **filter = Filter::without_engine(filter.test().clone());
        }
    }
    assert_eq!(path.find(value), found, "{path}");
}

#[test]
fn the_engine_gets_what_it_can_do() {
    let engine = |path: &str| match Path::parse(path).unwrap().steps.remove(1) {
        Step::Filter(filter) => filter.uses_engine(),
        other => panic!("{other:?}"),
    };
    assert!(engine(r#"l[?(@.type=="Ready")].status"#));
    assert!(engine(r"l[?(@.metadata.labels.app\.kubernetes\.io/name!='x')]"));
    assert!(engine("l[?(@.a[0])]"));
    assert!(engine("l[?(@.ready==true)]"));
    assert!(!engine("l[?(@.port==80)]"));
    assert!(!engine("l[?(@.a==@.b)]"));
    assert!(!engine("l[?(@..a=='b')]"));
}
