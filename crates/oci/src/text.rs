//! Foreign text made fit for a message: one line, no control characters, bounded.

/// Longest piece of foreign text in a message, in characters.
const LIMIT: usize = 200;

/// `text` on one line, without control characters, cut with a mark when it is long.
pub(crate) fn shown(text: &str) -> String {
    let mut chars = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut out: String = chars.by_ref().take(LIMIT).collect();
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// A few alternatives as a phrase: `a`, `b` or `c`; empty when there are none.
pub(crate) fn alternatives(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", shown(name))).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_one_bounded_line() {
        assert_eq!(shown(" a\nb\u{1b}[31m "), "a b [31m");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), LIMIT + 1);
        assert_eq!(alternatives(&["a".into(), "b".into(), "c".into()]), "`a`, `b` or `c`");
        assert_eq!(alternatives(&[]), "");
    }
}
