//! Resource quantities: `500m` is `0.5`.

use serde_json::Value;

/// Whether two values are the same amount; false where one is no quantity.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (amount(a), amount(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// An amount in thousandths of a billionth, so that all suffixes from `n` to `E` are whole.
fn amount(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => parse(&number.to_string()),
        Value::String(text) => parse(text),
        _ => None,
    }
}

fn parse(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (scale, divisor) = scale(suffix)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 9 || whole.len() > 19 || (whole.len() + fraction.len()) == 0 {
        return None;
    }
    let negative = whole.starts_with('-');
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    if !digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    let billionths = whole.checked_mul(1_000_000_000)?.checked_add(fraction)?;
    let amount = billionths.checked_mul(scale)?.checked_div(divisor)?;
    Some(if negative { -amount } else { amount })
}

/// Multiplier and divisor of a suffix, above a base unit of 1e-9.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    const DECIMAL: [&str; 6] = ["k", "M", "G", "T", "P", "E"];
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    const SMALL: [&str; 3] = ["m", "u", "n"];
    let power = |base: i128, list: &[&str]| -> Option<i128> {
        let index = u32::try_from(list.iter().position(|s| *s == suffix)?).ok()?;
        Some(base.pow(index + 1))
    };
    if suffix.is_empty() {
        return Some((1, 1));
    }
    if let Some(exponent) = suffix.strip_prefix(['e', 'E']).filter(|rest| !rest.is_empty()) {
        let exponent: i32 = exponent.parse().ok().filter(|e| (-9..=18).contains(e))?;
        let power = 10_i128.pow(exponent.unsigned_abs());
        return Some(if exponent < 0 { (1, power) } else { (power, 1) });
    }
    power(1000, &DECIMAL)
        .or_else(|| power(1024, &BINARY))
        .map(|scale| (scale, 1))
        .or_else(|| power(1000, &SMALL).map(|divisor| (1, divisor)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts() {
        for (a, b) in [
            ("500m", "0.5"),
            ("1Gi", "1073741824"),
            ("1k", "1000"),
            ("1e3", "1000"),
            ("1E", "1e18"),
            ("100u", "0.0001"),
            ("-1", "-1000m"),
            ("+1", "1"),
            (".5", "500m"),
        ] {
            assert!(equal(&json!(a), &json!(b)), "{a} = {b}");
        }
        assert!(!equal(&json!("1Ki"), &json!("1k")));
    }

    #[test]
    fn what_is_no_quantity_equals_nothing() {
        for text in ["", "abc", "1x", "1.2.3", "--1", "99999999999999999999"] {
            assert!(!equal(&json!(text), &json!(text)), "{text}");
        }
    }
}
