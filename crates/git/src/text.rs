//! Foreign text made fit for a message: bounded, without control characters, without secrets.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest piece of a server's words in a message, in bytes.
pub(crate) const WORDS: usize = 1024;
/// How much of a secret may not be repeated.
const PREFIX: usize = 12;

/// `text` on one line, without control characters, cut with a mark after `limit` bytes.
pub(crate) fn shown(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    if out.len() <= limit {
        return out;
    }
    let end = (0..=limit).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
    out.truncate(end);
    out.push('…');
    out
}

/// Bytes of a name in git as text: what is not printable UTF-8 is escaped.
pub(crate) fn name(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Takes secrets out of text: whole or their beginning, plain, in base64 or percent-encoded.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Vec<String>);

impl Redactor {
    /// Guards these secrets.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles = Vec::new();
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            for form in [secret.to_owned(), STANDARD.encode(secret), percent_encoded(secret)] {
                let prefix: String = form.chars().take(PREFIX).collect();
                needles.push(form);
                needles.push(prefix);
            }
        }
        // Whole secrets first, so that nothing of them stays behind their beginning.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        needles.dedup();
        Self(needles)
    }

    /// Guards this whole text too.
    pub(crate) fn and(mut self, text: &str) -> Self {
        self.0.insert(0, text.to_owned());
        self
    }

    /// The text without what is guarded.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, needle| text.replace(needle.as_str(), "***"))
    }
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode =
        |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_one_bounded_line() {
        assert_eq!(shown(" a\n\n\tb\u{1b}[31m ", 100), "a b [31m");
        assert_eq!(shown("äää", 3), "ä…");
        assert_eq!(name(b"a\xff\nb"), "a\\xff\\nb");
    }

    #[test]
    fn secrets_are_taken_out_in_every_form() {
        let redactor = Redactor::new(["p@ss word+1234567890", "me:p@ss word+1234567890"]);
        for text in [
            "you sent p@ss word+1234567890",
            "you sent p@ss word+12…",
            "Basic bWU6cEBzcyB3b3JkKzEyMzQ1Njc4OTA=",
            "cEBzcyB3b3JkKzEyMzQ1Njc4OTA=",
            "p%40ss%20word%2B1234567890",
        ] {
            let clean = redactor.clean(text);
            assert!(
                clean.contains("***") && !clean.contains("1234") && !clean.contains("bWU6cEBz"),
                "{clean}"
            );
        }
        assert_eq!(redactor.clean("denied"), "denied");
        assert_eq!(Redactor::new([""]).clean("text"), "text");
    }
}
