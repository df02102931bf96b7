//! Elements of lists, with the bounds of Go.

use serde_json::Value;

use super::error::FindFault;
use super::step::Slice;
use crate::json;

fn list(value: &Value) -> Result<&[Value], FindFault> {
    match value {
        Value::Null => Ok(&[]),
        Value::Array(items) => Ok(items),
        other => Err(FindFault::NotAList { kind: json::kind(other) }),
    }
}

fn length(items: &[Value]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

/// A negative index counts from the end.
fn from_start(index: i64, length: i64) -> i64 {
    if index < 0 { index.saturating_add(length) } else { index }
}

/// The element at an index; null has none.
pub(super) fn element(value: &Value, index: i64) -> Result<Option<&Value>, FindFault> {
    if value.is_null() {
        return Ok(None);
    }
    let items = list(value)?;
    let index = from_start(index, length(items));
    let found = usize::try_from(index).ok().and_then(|nth| items.get(nth));
    let fault = FindFault::OutOfBounds { index, length: items.len() };
    found.map(Some).ok_or(fault)
}

/// The elements between two bounds.
pub(super) fn slice<'v>(
    value: &'v Value,
    bounds: &Slice,
) -> Result<impl Iterator<Item = &'v Value>, FindFault> {
    let items = list(value)?;
    let length = length(items);
    let start = from_start(bounds.start.unwrap_or(0), length);
    let end = from_start(bounds.end.unwrap_or(length), length);
    let step = usize::try_from(bounds.step.unwrap_or(1)).unwrap_or(0);
    let outside = |index| FindFault::OutOfBounds { index, length: items.len() };
    // A slice of no elements is fine anywhere, also outside the list.
    let (from, to) = if start == end || value.is_null() {
        (0, 0)
    } else if start < 0 || start >= length {
        return Err(outside(start));
    } else if end < 0 || end > length {
        return Err(outside(end - 1));
    } else if start > end {
        return Err(FindFault::StartAfterEnd { start, end });
    } else if step == 0 {
        return Err(FindFault::BadStep);
    } else {
        let nth = |bound| usize::try_from(bound).unwrap_or(0);
        (nth(start), nth(end))
    };
    Ok(items[from..to].iter().step_by(step.max(1)))
}
