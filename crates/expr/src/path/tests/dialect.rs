//! The grammar, one statement a row.

use rstest::rstest;
use serde_json::{Value, json};

use super::{check, check_error};

fn sample() -> Value {
    json!({
        "a": {"b": 1, "c": [10, 20, 30, 40], "n": null, "z": {"b": 2}},
        "app.kubernetes.io/name": "dotted",
        "with space": "spaced",
        "my-label": "dashed",
        "": {"x": "below the empty key"},
        "*": "star",
        "list": [{"name": "x", "v": 1}, {"name": "y"}, {"other": []}],
        "text": "words",
        "$": "dollar",
        "ü": "umlaut",
        "q'q\"(": "quotes",
    })
}

#[rstest]
// Wrapping.
#[case("a.b", json!([1]))]
#[case(".a.b", json!([1]))]
#[case("{.a.b}", json!([1]))]
#[case("a.b}", json!([1]))]
#[case("{.a.b", json!([1]))]
#[case("a.b  ", json!([1]))]
#[case("$.a.b", json!([]))]
#[case("['a']", json!([]))]
// Names.
#[case("my-label", json!(["dashed"]))]
#[case("ü", json!(["umlaut"]))]
#[case(r"app\.kubernetes\.io/name", json!(["dotted"]))]
#[case(r"with\ space", json!(["spaced"]))]
#[case("{.$.x}", json!(["below the empty key"]))]
#[case(r"\$", json!(["dollar"]))]
#[case(r"\*", json!(["star"]))]
#[case("q'q\"(", json!(["quotes"]))]
#[case("a['b']", json!([1]))]
#[case("a['z']['b']", json!([2]))]
#[case("a['z.b']", json!([2]))]
#[case("@['a']", json!([]))]
#[case(".@['x']", json!(["below the empty key"]))]
#[case(r".@.['x']", json!([]))]
#[case("a@.b", json!([1]))]
#[case("a$.b", json!([1]))]
#[case("a .b", json!([1]))]
// Missing keys, null parents, keys of what has none.
#[case("nope", json!([]))]
#[case("nope.b[7].c", json!([]))]
#[case("a.n", json!([null]))]
#[case("a.n.x", json!([]))]
#[case("a.n[0]", json!([]))]
#[case("a.n[0:5]", json!([]))]
#[case("a.n.*", json!([]))]
#[case("a.n[?(@.x)]", json!([]))]
#[case("text.x", json!([]))]
#[case("list.name", json!([]))]
// Indices.
#[case("a.c[0]", json!([10]))]
#[case("a.c[3]", json!([40]))]
#[case("a.c[-1]", json!([40]))]
#[case("a.c[-4]", json!([10]))]
#[case("a.c[]", json!([10]))]
// Slices.
#[case("a.c[1:3]", json!([20, 30]))]
#[case("a.c[:2]", json!([10, 20]))]
#[case("a.c[2:]", json!([30, 40]))]
#[case("a.c[-2:]", json!([30, 40]))]
#[case("a.c[0:-1]", json!([10, 20, 30]))]
#[case("a.c[::2]", json!([10, 30]))]
#[case("a.c[1::2]", json!([20, 40]))]
#[case("a.c[0:4:3]", json!([10, 40]))]
#[case("a.c[0:4:9223372036854775807]", json!([10]))]
#[case("a.c[:]", json!([10, 20, 30, 40]))]
#[case("a.c[2:2]", json!([]))]
#[case("a.c[9:9]", json!([]))]
#[case("a.c[-9:-9]", json!([]))]
#[case("list[2].other[:]", json!([]))]
// Wildcards, maps in sorted order.
#[case("a.c[*]", json!([10, 20, 30, 40]))]
#[case("a.c.*", json!([10, 20, 30, 40]))]
#[case("a.*", json!([1, [10, 20, 30, 40], null, {"b": 2}]))]
#[case("list[*].name", json!(["x", "y"]))]
#[case("text.*", json!([]))]
#[case("a['*']", json!([1, [10, 20, 30, 40], null, {"b": 2}]))]
// Unions.
#[case("a.c[0,2]", json!([10, 30]))]
#[case("a.c[ 0 , -1 ]", json!([10, 40]))]
#[case("a.c[0,1:3]", json!([10, 20, 30]))]
#[case("a['b','n']", json!([1, null]))]
#[case("a['b','z.b','nope']", json!([1, 2]))]
#[case("list[*]['name','v']", json!(["x", "y", 1]))]
#[case("a.c[*,0]", json!([10, 20, 30, 40, 10]))]
// Recursion.
#[case("..b", json!([1, 2]))]
#[case("a..b", json!([1, 2]))]
#[case("...b", json!([1, 2]))]
#[case("a..['b']", json!([1, 2]))]
#[case("..name", json!(["x", "y"]))]
#[case("a.z..", json!([{"b": 2}]))]
#[case("a.z...*", json!([2]))]
#[case("list..", json!([
    [{"name": "x", "v": 1}, {"name": "y"}, {"other": []}],
    {"name": "x", "v": 1}, {"name": "y"}, {"other": []},
]))]
#[case("text..x", json!([]))]
#[case("a.n..x", json!([]))]
#[case("..nope..b", json!([]))]
fn finds(#[case] path: &str, #[case] expected: Value) {
    check(path, &sample(), expected);
}

#[rstest]
// Indexing outside, indexing what is no list.
#[case("a.c[4]", "array index out of bounds: index 4, length 4")]
#[case("a.c[-5]", "array index out of bounds: index -1, length 4")]
#[case("a.c[0:5]", "array index out of bounds: index 4, length 4")]
#[case("a.c[4:5]", "array index out of bounds: index 4, length 4")]
#[case("a.c[-6:2]", "array index out of bounds: index -2, length 4")]
#[case("list[2].other[0]", "array index out of bounds: index 0, length 0")]
#[case("a.c[1000000000]", "array index out of bounds: index 1000000000, length 4")]
#[case("a.c[0:1000000000]", "array index out of bounds: index 999999999, length 4")]
#[case(
    "a.c[-9223372036854775808]",
    "array index out of bounds: index -9223372036854775804, length 4"
)]
#[case("a.c[3:1]", "starting index 3 is greater than ending index 1")]
#[case("a.c[-1:0]", "starting index 3 is greater than ending index 0")]
#[case("a.c[0:4:0]", "step must be > 0")]
#[case("a.c[0:4:-1]", "step must be > 0")]
#[case("a[0]", "map is not array or slice")]
#[case("a[*]", "map is not array or slice")]
#[case("text[0:1]", "string is not array or slice")]
#[case("a.b[0]", "number is not array or slice")]
#[case("..[0]", "map is not array or slice")]
#[case("a.c[0,9]", "array index out of bounds: index 9, length 4")]
// Bare words.
#[case(" a", "unrecognized identifier a")]
#[case("a b", "unrecognized identifier b")]
#[case("nope range", "unrecognized identifier range")]
#[case("a true", "unrecognized identifier true")]
fn does_not_fit(#[case] path: &str, #[case] fault: &str) {
    check_error(path, &sample(), &format!("failed to find results: {fault}"));
}

#[rstest]
#[case("a.c[1", "{.a.c[1}", "unterminated array")]
#[case("a.c[1\n]", "{.a.c[1\n]}", "unterminated array")]
#[case("params['notknown]", "{.params['notknown]}", "invalid array index 'notknown")]
#[case("a[b]", "{.a[b]}", "invalid array index b")]
#[case("a[1:2:3:4]", "{.a[1:2:3:4]}", "invalid array index 1:2:3:4")]
#[case("a[ 0 ]", "{.a[ 0 ]}", "invalid array index  0 ")]
#[case("a[\"b\"]", "{.a[\"b\"]}", "invalid array index \"b\"")]
#[case("a[-]", "{.a[-]}", "array index - is not a number")]
#[case(
    "a[99999999999999999999]",
    "{.a[99999999999999999999]}",
    "array index 99999999999999999999 is not a number"
)]
#[case(",", "{.,}", "unrecognized character in action: U+002C ','")]
#[case("$(", "{.$(}", "unrecognized character in action: U+0028 '('")]
#[case("a\tb", "{.a\tb}", "unrecognized character in action: U+0009")]
#[case("{.a{.b}", "{.a{.b}", "unrecognized character in action: U+007B '{'")]
#[case("..*", "{..*}", "unrecognized character in action: U+002A '*'")]
#[case("$..*", "{.$..*}", "unrecognized character in action: U+002A '*'")]
#[case("a \"x\"", "{.a \"x\"}", "unrecognized character in action: U+0022 '\"'")]
#[case("a\n", "{.a\n}", "unclosed action")]
#[case(r"a\", r"{.a\}", "unclosed action")]
#[case("....a", "{....a}", "invalid multiple recursive descent")]
#[case("a}{[", "{.a}{[}", "unterminated array")]
#[case("{$.a}", "{.{$.a}", "unrecognized character in action: U+007B '{'")]
fn is_no_path(#[case] path: &str, #[case] wrapped: &str, #[case] message: &str) {
    let expected = format!("failed to parse jsonpath '{wrapped}': {message}");
    check_error(path, &json!({}), &expected);
}

#[rstest]
#[case("{.a}{.b}", "{.a}{.b}")]
#[case("a}{.b", "{.a}{.b}")]
#[case("a}{", "{.a}{}")]
#[case("{.a} ", "{.a} }")]
#[case("{.a}text}", "{.a}text}")]
fn is_several_paths(#[case] path: &str, #[case] wrapped: &str) {
    check_error(path, &json!({}), &format!("more queries than expected: {wrapped}"));
}

#[test]
fn numbers_stay_what_they_are() {
    let value = json!({"big": 9_007_199_254_740_993_i64, "one": 1.0, "u": u64::MAX});
    check("big", &value, json!([9_007_199_254_740_993_i64]));
    check("one", &value, json!([1.0]));
    check("u", &value, json!([u64::MAX]));
}

#[test]
fn parameters_can_be_descended_into() {
    let value = json!({"params": {"obj": {"key": [1, {"x": "y"}]}}});
    check("params.obj.key[1].x", &value, json!(["y"]));
}
