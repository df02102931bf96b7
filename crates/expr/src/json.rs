//! Compact JSON text of a value, as Go prints it, with a bound on its length.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Which characters of a string are written as `\uXXXX` although JSON would allow them raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// What Go's `encoding/json` escapes: Cartographer embeds values in strings this way.
    Go,
    /// What a YAML reader refuses or folds inside double quotes.
    Yaml,
}

/// The text did not fit the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Writes `value` without any space, at most `limit` bytes.
pub(crate) fn compact(value: &Value, escape: Escape, limit: usize) -> Result<String, TooLong> {
    let mut out = Bounded { text: Vec::new(), limit };
    let mut serializer = Serializer::with_formatter(&mut out, Compact(escape));
    // Writing is the only thing that can fail: a Value has string keys and finite numbers.
    value.serialize(&mut serializer).map_err(|_| TooLong)?;
    String::from_utf8(out.text).map_err(|_| TooLong)
}

/// What a person calls the JSON type of `value`.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

struct Bounded {
    text: Vec<u8>,
    limit: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Compact(Escape);

impl Compact {
    fn escapes(&self, character: char) -> bool {
        match self.0 {
            Escape::Go => matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'),
            Escape::Yaml => matches!(
                character,
                '\u{7f}'
                    ..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            ),
        }
    }
}

impl Formatter for Compact {
    /// Go prints a whole number without a fraction, and takes an exponent from 1e21 upward.
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{value:e}");
            let text = if text.contains("e-") { text } else { text.replace('e', "e+") };
            return writer.write_all(text.as_bytes());
        }
        write!(writer, "{value}")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, character)) = rest.char_indices().find(|(_, c)| self.escapes(*c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            write!(writer, "\\u{:04x}", u32::from(character))?;
            rest = &rest[at + character.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
            CharEscape::Solidus => writer.write_all(b"/"),
            // The Go release that Cartographer was built with has no short form of these.
            CharEscape::Backspace => writer.write_all(b"\\u0008"),
            CharEscape::FormFeed => writer.write_all(b"\\u000c"),
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!({"b": 1, "a": [true, null]}), r#"{"a":[true,null],"b":1}"#)]
    #[case(json!("<a> & </a>"), r#""\u003ca\u003e \u0026 \u003c/a\u003e""#)]
    #[case(json!("\u{8}\u{c}\n\r\t\"\\\u{1}\u{2028}é"), r#""\u0008\u000c\n\r\t\"\\\u0001\u2028é""#)]
    #[case(json!(9_007_199_254_740_993_u64), "9007199254740993")]
    #[case(json!(5.0), "5")]
    #[case(json!(-0.5), "-0.5")]
    #[case(json!(1e20), "100000000000000000000")]
    #[case(json!(1e21), "1e+21")]
    #[case(json!(1.5e-7), "1.5e-7")]
    #[case(json!(0.000_001), "0.000001")]
    #[case(json!({"<": 1}), r#"{"\u003c":1}"#)]
    fn prints_like_go(#[case] value: Value, #[case] expected: &str) {
        assert_eq!(compact(&value, Escape::Go, 1000).unwrap(), expected);
    }

    #[test]
    fn escapes_what_yaml_cannot_hold() {
        let text = compact(&json!("<\u{7f}\u{85}\u{feff}>"), Escape::Yaml, 100).unwrap();
        assert_eq!(text, r#""<\u007f\u0085\ufeff>""#);
    }

    #[test]
    fn stops_at_the_limit() {
        assert_eq!(compact(&json!("aaaa"), Escape::Go, 6).unwrap(), "\"aaaa\"");
        assert_eq!(compact(&json!("aaaa"), Escape::Go, 5), Err(TooLong));
    }
}
