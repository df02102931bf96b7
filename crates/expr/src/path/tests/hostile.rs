//! Paths and data that want to use up time or memory (T-15).

use rstest::rstest;
use serde_json::{Value, json};

use super::super::{Path, PathError};
use super::find;
use crate::limits::{PATH_BYTES, PATH_DEPTH};

fn many(values: usize) -> Value {
    json!({"a": vec![json!({"b": 1}); values], "one": {"needle": 1}})
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!({"needle": 1}), |inner, _| json!({"a": inner}))
}

#[test]
fn long_paths_are_refused() {
    assert!(Path::parse(&"a".repeat(PATH_BYTES)).is_ok());
    assert_eq!(
        Path::parse(&"a".repeat(PATH_BYTES + 1)),
        Err(PathError::TooLong { length: PATH_BYTES + 1 })
    );
}

#[rstest]
#[case("[")]
#[case("(")]
#[case("[?(")]
#[case("[?(@")]
#[case("!(")]
#[case("['a',")]
fn deep_paths_are_refused(#[case] opening: &str) {
    let path = format!("a{}", opening.repeat(PATH_DEPTH + 1));
    assert_eq!(Path::parse(&path), Err(PathError::TooDeep));
    assert!(Path::parse(&format!("a{}", opening.repeat(500))).is_err());
}

#[test]
fn many_results_are_refused() {
    let error = "failed to find results: the path leads to more than 10000 values";
    for path in ["a[*]", "a.*", "..b", "...*", "..", "a[*,*]", "a[0:10001]", "a[?(@.b)]"] {
        assert_eq!(find(path, &many(10_001)).unwrap_err(), error, "{path}");
    }
    assert_eq!(find("a[*]", &many(10_000)).unwrap().as_array().map(Vec::len), Some(10_000));
    assert_eq!(find("a..needle", &many(50_000)), Ok(json!([])));
    assert_eq!(find("one..needle", &many(100_001)), Ok(json!([1])));
}

#[test]
fn much_work_is_refused() {
    let error = "failed to find results: the path looks at more than 200000 values";
    for path in ["...*", "..b", "..", "a[?(@.b==1)]", "a[?(@.b)]"] {
        assert_eq!(find(path, &many(300_000)).unwrap_err(), error, "{path}");
    }
    let steps = format!("a{}", "[*]...*".repeat(500));
    assert!(find(&steps, &many(9_000)).is_err());
    let unions = format!("a[{}]", vec!["'*'"; 900].join(","));
    assert!(find(&unions, &json!({"a": vec![1; 9_000]})).is_err());
}

#[test]
fn repeated_descent_ends() {
    let wide: Value = (0..100).map(|n| json!({"a": {"a": n}})).collect();
    for path in ["..a..a..a..a..a..a..a", ".....", "...a...a...a", "..['a','a']..['a','a']..a"] {
        let _ = find(path, &wide);
        let _ = find(path, &nested(100));
        let _ = find(&path.repeat(50), &nested(100));
    }
}

#[test]
fn deep_data_does_not_overflow_the_stack() {
    // Deeper than JSON text can be; deeper still, and dropping the value would overflow.
    let deep = nested(1_000);
    assert_eq!(find("..needle", &deep), Ok(json!([1])));
    assert_eq!(find("...*", &deep).unwrap().as_array().map(Vec::len), Some(1_001));
}

#[test]
fn long_keys_do_not_multiply() {
    let key = "k".repeat(100_000);
    let value = json!({"a": {key: vec![json!({"x": 1}); 5_000]}});
    assert_eq!(find("a..x", &value).unwrap().as_array().map(Vec::len), Some(5_000));
}

#[test]
fn an_index_costs_nothing() {
    assert_eq!(
        find("a[1000000000]", &json!({"a": [1, 2]})).unwrap_err(),
        "failed to find results: array index out of bounds: index 1000000000, length 2"
    );
}
