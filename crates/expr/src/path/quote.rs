//! Literals in filters: strings in either quotes, numbers, booleans.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Reads a literal; `None` is text that is a path.
pub(super) fn literal(text: &str) -> Option<Result<Value, String>> {
    match text.chars().next()? {
        '\'' | '"' => Some(string(text).map(Value::String)),
        '+' | '-' | '0'..='9' => {
            Some(number(text).map(Value::Number).ok_or(format!("cannot parse number {text}")))
        }
        _ => match text {
            "true" => Some(Ok(Value::Bool(true))),
            "false" => Some(Ok(Value::Bool(false))),
            _ => None,
        },
    }
}

/// How long the quoted string is that `text` starts with, quotes included.
pub(super) fn closing(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    let (_, quote) = characters.next()?;
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            end if end == quote => return Some(at + quote.len_utf8()),
            _ => {}
        }
    }
    None
}

fn string(text: &str) -> Result<String, String> {
    if closing(text) != Some(text.len()) {
        return Err("unterminated quoted string".to_owned());
    }
    unquote(&text[1..text.len() - 1]).ok_or(format!("unquote string {text} error invalid syntax"))
}

/// The escapes of Go, apart from octal ones, which nobody writes.
fn unquote(content: &str) -> Option<String> {
    let mut value = String::with_capacity(content.len());
    let mut rest = content.chars();
    while let Some(character) = rest.next() {
        let plain = match character {
            '\\' => match rest.next()? {
                'a' => '\u{7}',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                'x' => hexadecimal(&mut rest, 2)?,
                'u' => hexadecimal(&mut rest, 4)?,
                'U' => hexadecimal(&mut rest, 8)?,
                same @ ('\\' | '\'' | '"') => same,
                _ => return None,
            },
            other => other,
        };
        value.push(plain);
    }
    Some(value)
}

fn hexadecimal(rest: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let digit = |code: u32, c: char| Some(code.checked_mul(16)? + c.to_digit(16)?);
    let code = (0..digits).try_fold(0, |code, _| digit(code, rest.next()?))?;
    char::from_u32(code)
}

fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let integer = text.parse::<i64>().ok().map(Number::from);
    integer.or_else(|| Number::from_f64(text.parse().ok()?))
}

/// Writes a literal so that [`literal`] reads it again, and so that it can stand anywhere in a
/// filter: what would end the filter or one of its sides is escaped.
pub(super) fn print(out: &mut impl std::fmt::Write, value: &Value) -> std::fmt::Result {
    match value {
        Value::String(text) => {
            out.write_char('"')?;
            for character in text.chars() {
                match character {
                    '"' | '\\' | '\'' | ')' | '!' | '<' | '=' | '>' => {
                        write!(out, "\\u{:04x}", u32::from(character))?;
                    }
                    control if control.is_control() => {
                        write!(out, "\\u{:04x}", u32::from(control))?;
                    }
                    plain => out.write_char(plain)?,
                }
            }
            out.write_char('"')
        }
        Value::Number(number) if number.is_f64() => {
            let mut text = String::new();
            write!(text, "{}", number.as_f64().unwrap_or_default())?;
            let fraction = if text.contains('.') { "" } else { ".0" };
            write!(out, "{text}{fraction}")
        }
        other => write!(out, "{other}"),
    }
}
