//! Foreign text made fit for a terminal.

/// `text` on one line, without control characters and without characters that do not show or turn the
/// direction of what follows; cut with a mark after `limit` characters.
pub fn clean(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            blank = length > 0;
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        let needed = 1 + usize::from(blank);
        if length + needed > limit {
            out.push('…');
            return out;
        }
        if blank {
            out.push(' ');
        }
        out.push(c);
        length += needed;
        blank = false;
    }
    out
}

/// The beginning of an id, as people write it.
pub fn short(id: &str) -> String {
    let id = id.rsplit(':').next().unwrap_or(id);
    clean(&id.chars().take(12).collect::<String>(), 12)
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_one_bounded_line_of_characters_that_show() {
        assert_eq!(clean(" a\n\u{1b}[31m b\u{9b}\u{202e}c\u{200b} ", 100), "a [31m b c");
        assert_eq!(clean("äöü", 2), "äö…");
        assert_eq!(clean("a b", 2), "a…");
        assert_eq!(clean("", 5), "");
    }

    #[test]
    fn ids_are_shortened() {
        assert_eq!(short("main@sha1:0123456789abcdef"), "0123456789ab");
        assert_eq!(short("\u{1b}[2J"), "[2J");
    }
}
