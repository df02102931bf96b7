//! Outputs as status shows them: YAML text, its beginning and its digest (section 7.4).
//!
//! The text is what Go's yaml.v3 prints, because people compare digests: block style, four spaces,
//! sorted keys, strings quoted only where a reader would take them for something else.

use std::fmt::Write as _;

use portolan_api::digest;
use serde_json::Value;

/// Longest preview, in bytes.
const PREVIEW: usize = 1024;

/// Indentation below a key.
const INDENT: usize = 4;

/// The first 1024 bytes of a value's YAML, and the digest of all of it.
pub(super) fn preview(value: &Value) -> (String, String) {
    let mut text = String::new();
    write(&mut text, value, 0, Place::Root);
    let digest = digest::of_bytes(text.as_bytes());
    let mut end = text.len().min(PREVIEW);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    (text, digest)
}

/// Where a value stands, as far as its first line depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    AfterKey,
    AfterDash,
}

/// Writes a value whose lines begin at `indent`.
fn write(text: &mut String, value: &Value, indent: usize, place: Place) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            open(text, place);
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 || place != Place::AfterDash {
                    pad(text, indent);
                }
                text.push_str(&scalar(key, indent));
                text.push(':');
                write(text, value, (indent + INDENT) / INDENT * INDENT, Place::AfterKey);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            open(text, place);
            for (index, value) in list.iter().enumerate() {
                if index > 0 || place != Place::AfterDash {
                    pad(text, indent);
                }
                text.push('-');
                write(text, value, indent + 2, Place::AfterDash);
            }
        }
        value => {
            if place != Place::Root {
                text.push(' ');
            }
            text.push_str(&leaf(value, indent));
            text.push('\n');
        }
    }
}

/// What stands between a key or a dash and a collection.
fn open(text: &mut String, place: Place) {
    match place {
        Place::Root => {}
        Place::AfterKey => text.push('\n'),
        Place::AfterDash => text.push(' '),
    }
}

fn pad(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn leaf(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) => scalar(text, indent),
        Value::Object(_) => "{}".into(),
        Value::Array(_) => "[]".into(),
        other => other.to_string(),
    }
}

/// A string, plain where that reads back as the same string.
fn scalar(text: &str, indent: usize) -> String {
    if needs_double_quotes(text) {
        return double_quoted(text);
    }
    if text.contains('\n') {
        return literal(text, indent);
    }
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Strings that a plain scalar would turn into something else, and those with characters that only
/// double quotes can express.
fn needs_double_quotes(text: &str) -> bool {
    let special = text.chars().any(|c| c.is_control() && c != '\n');
    let blank_edges =
        text.contains('\n') && (text.contains(" \n") || text.starts_with([' ', '\n']));
    text.is_empty() || special || blank_edges || is_other_type(text)
}

/// Whether a YAML 1.1 or 1.2 reader takes the text for a number, bool, null or time.
fn is_other_type(text: &str) -> bool {
    const WORDS: [&str; 12] =
        ["null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan", "~"];
    let lower = text.to_ascii_lowercase();
    if WORDS.contains(&lower.as_str()) || ["-.inf", "+.inf", "<<"].contains(&lower.as_str()) {
        return true;
    }
    let unsigned = lower.strip_prefix(['+', '-']).unwrap_or(&lower);
    let digits = unsigned.replace('_', "");
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)].iter().any(|(prefix, radix)| {
        digits
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(*radix)))
    });
    let starts = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = starts && digits.parse::<f64>().is_ok();
    radix || number || is_sexagesimal(unsigned) || is_date(text)
}

fn is_sexagesimal(text: &str) -> bool {
    text.contains(':')
        && text.split(':').all(|part| {
            !part.is_empty() && part.len() <= 2 && part.chars().all(|c| c.is_ascii_digit())
        })
}

fn is_date(text: &str) -> bool {
    let date = text.get(..10).unwrap_or_default();
    date.parse::<jiff::civil::Date>().is_ok()
        && (text.len() == 10 || text[10..].starts_with(['T', 't', ' ']))
}

fn is_plain(text: &str) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    let indicator = match first {
        '-' | '?' | ':' => text.chars().nth(1).is_none_or(|c| c == ' '),
        c => "#,[]{}&*!|>'\"%@`".contains(c),
    };
    !indicator
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("---")
        && !text.starts_with("...")
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Several lines as a literal block.
fn literal(text: &str, indent: usize) -> String {
    let trailing = text.len() - text.trim_end_matches('\n').len();
    let chomp = ["-", "", "+"][trailing.min(2)];
    let mut block = format!("|{chomp}\n");
    let body = &text[..text.len() - usize::from(trailing > 0)];
    let margin = " ".repeat(if indent == 0 { INDENT } else { indent });
    let lines: Vec<String> = body
        .split('\n')
        .map(|line| if line.is_empty() { String::new() } else { format!("{margin}{line}") })
        .collect();
    block.push_str(&lines.join("\n"));
    block
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: &Value, expected: &str) {
        assert_eq!(preview(value).0, expected);
        let read: Value = serde_saphyr::from_str(expected).unwrap();
        assert_eq!(read, *value, "{expected:?} reads back");
    }

    #[test]
    fn scalars() {
        check(&json!("https://git.example/a.git"), "https://git.example/a.git\n");
        check(&json!("5"), "\"5\"\n");
        check(&json!("true"), "\"true\"\n");
        check(&json!(""), "\"\"\n");
        check(&json!("1.5"), "\"1.5\"\n");
        check(&json!("0x1f"), "\"0x1f\"\n");
        check(&json!("1:30"), "\"1:30\"\n");
        check(&json!("2026-01-01"), "\"2026-01-01\"\n");
        check(&json!("a: b"), "'a: b'\n");
        check(&json!("it's"), "it's\n");
        check(&json!("# no"), "'# no'\n");
        check(&json!("'quoted'"), "'''quoted'''\n");
        check(&json!("tab\there"), "\"tab\\there\"\n");
        check(&json!("r/a@sha256:00"), "r/a@sha256:00\n");
        check(&json!(1_400_000), "1400000\n");
        check(&json!(true), "true\n");
        check(&Value::Null, "null\n");
    }

    #[test]
    fn collections_are_blocks_of_four() {
        check(
            &json!({"b": [1, {"x": 1, "z": 2}], "a": {"c": "d"}}),
            "a:\n    c: d\nb:\n    - 1\n    - x: 1\n      z: 2\n",
        );
        check(&json!({"a": {}, "b": []}), "a: {}\nb: []\n");
        check(&json!(["a", ["b", "c"]]), "- a\n- - b\n  - c\n");
        check(&json!([{"x": {"w": 1}}]), "- x:\n    w: 1\n");
        check(&json!({"a": [{"x": {"w": 1}, "z": 2}]}), "a:\n    - x:\n        w: 1\n      z: 2\n");
    }

    #[test]
    fn several_lines_are_literal() {
        check(&json!("a\nb\n"), "|\n    a\n    b\n");
        check(&json!("a\nb"), "|-\n    a\n    b\n");
        check(&json!({"k": "a\n\nb\n"}), "k: |\n    a\n\n    b\n");
        check(&json!({"k": ["a\nb"]}), "k:\n    - |-\n      a\n      b\n");
    }

    #[test]
    fn the_preview_is_cut_and_the_digest_is_of_the_whole() {
        let (text, digest) = preview(&json!("é".repeat(1000)));
        assert!(text.len() <= 1024 && text.ends_with('é'));
        assert_ne!(digest, preview(&json!("é".repeat(1001))).1);
        // The example of the reference.
        let expected = "sha256:87d44d7049a641ab2a679409d36a87450c5197849e2b0515b8838c53f4db541b";
        assert_eq!(preview(&json!("not-tested")).1, expected);
    }
}
