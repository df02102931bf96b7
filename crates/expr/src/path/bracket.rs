//! Indices and slices between brackets.

use super::step::{Slice, Step};

/// Reads `n` or `start:end:step`; each number may be left out.
pub(super) fn numbers(content: &str) -> Result<Step, String> {
    let parts: Vec<&str> = content.split(':').collect();
    if parts.len() > 3 || !parts.iter().all(|part| is_number(part)) {
        return Err(format!("invalid array index {content}"));
    }
    let bound = |nth: usize| parts.get(nth).map_or(Ok(None), |part| number(part));
    Ok(match parts.len() {
        // `[]` is the first element.
        1 => Step::Index(bound(0)?.unwrap_or(0)),
        _ => Step::Slice(Slice { start: bound(0)?, end: bound(1)?, step: bound(2)? }),
    })
}

fn is_number(part: &str) -> bool {
    let digits = part.strip_prefix('-').unwrap_or(part);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(part: &str) -> Result<Option<i64>, String> {
    if part.is_empty() {
        return Ok(None);
    }
    part.parse().map(Some).map_err(|_| format!("array index {part} is not a number"))
}
