//! Time spans in specs: `500ms`, `2s`, `1m30s`, `1h`.

use std::time::Duration;

/// A span that does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a time span: write numbers with a unit, such as 500ms, 2s, 1m30s or 1h")]
pub struct SpanError {
    found: String,
}

/// Reads a span written as Kubernetes writes durations (the pattern of the schema).
pub fn parse(text: &str) -> Result<Duration, SpanError> {
    let error = || SpanError { found: text.chars().take(40).collect() };
    let span: jiff::SignedDuration = text.parse().map_err(|_| error())?;
    if text.trim() != text || text.starts_with('-') {
        return Err(error());
    }
    Duration::try_from(span).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_kubernetes_writes_them() {
        for (text, millis) in
            [("500ms", 500), ("2s", 2000), ("1m", 60_000), ("1m30s", 90_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_says_how_to_write_one() {
        for text in ["", "5", "5x", "-5s", " 5s"] {
            assert!(parse(text).unwrap_err().to_string().contains("1m30s"), "{text}");
        }
    }
}
