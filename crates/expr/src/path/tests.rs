mod dialect;
mod errors;
mod filters;
mod hostile;
mod properties;

use serde_json::Value;

use super::Path;
use crate::Context;

/// All results as one list, or the message of the error.
fn find(path: &str, value: &Value) -> Result<Value, String> {
    let path = Path::parse(path).map_err(|error| error.to_string())?;
    let found = path.find(value).map_err(|error| error.to_string())?;
    Ok(found.into_iter().cloned().collect())
}

#[track_caller]
fn check(path: &str, value: &Value, expected: Value) {
    assert_eq!(find(path, value), Ok(expected), "{path}");
    check_context(path, value);
}

#[track_caller]
fn check_error(path: &str, value: &Value, expected: &str) {
    assert_eq!(find(path, value), Err(expected.to_owned()), "{path}");
    check_context(path, value);
}

/// A context finds what its names put together in one map would.
#[track_caller]
fn check_context(path: &str, value: &Value) {
    let (Ok(path), Value::Object(map)) = (Path::parse(path), value) else {
        return;
    };
    let context = Context::from(map);
    let found = path.find_in(&context);
    let found: Result<Vec<Value>, _> =
        found.map(|found| found.into_iter().map(std::borrow::Cow::into_owned).collect());
    let expected = path.find(value).map(|found| found.into_iter().cloned().collect());
    assert_eq!(found, expected, "{path}");
    let one = path.one_in(&context).map(std::borrow::Cow::into_owned);
    assert_eq!(one, path.one(value).cloned(), "{path}");
}
