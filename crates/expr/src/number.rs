//! Numeric comparison of JSON numbers, exact for integers.

use std::cmp::Ordering;

use serde_json::Number;

/// Compares by value: `1` equals `1.0`, and integers above 2^53 keep all their digits.
pub(crate) fn compare(left: &Number, right: &Number) -> Ordering {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(left), None) => integer_with_float(left, float(right)),
        (None, Some(right)) => integer_with_float(right, float(left)).reverse(),
        (None, None) => float(left).total_cmp(&float(right)),
    }
}

fn integer(number: &Number) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
}

/// JSON numbers are always finite; adding zero turns `-0.0` into `0.0`.
fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default() + 0.0
}

fn integer_with_float(left: i128, right: f64) -> Ordering {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, left has 65 bits")]
    let whole = right.trunc() as i128;
    left.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&(right.fract() + 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1", "1", Ordering::Equal)]
    #[case("1", "1.0", Ordering::Equal)]
    #[case("0", "-0.0", Ordering::Equal)]
    #[case("-0.0", "0.0", Ordering::Equal)]
    #[case("1", "1.5", Ordering::Less)]
    #[case("-1", "-1.5", Ordering::Greater)]
    #[case("1.5", "1", Ordering::Greater)]
    #[case("9007199254740993", "9007199254740992", Ordering::Greater)]
    #[case("18446744073709551615", "-1", Ordering::Greater)]
    #[case("18446744073709551615", "1e300", Ordering::Less)]
    #[case("1e-17", "2e-17", Ordering::Less)]
    fn compares_by_value(#[case] left: &str, #[case] right: &str, #[case] expected: Ordering) {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        assert_eq!(compare(&number(left), &number(right)), expected);
        assert_eq!(compare(&number(right), &number(left)), expected.reverse());
    }
}
