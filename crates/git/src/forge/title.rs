//! How a title says that a request is a draft.

/// Beginnings of a draft's title, in any case, as Gitea and Forgejo have them by default.
const MARKS: [&str; 2] = ["WIP:", "[WIP]"];

/// A title without the mark of a draft, and whether it had one.
pub(super) fn plain(title: &str) -> (&str, bool) {
    let marked = MARKS.iter().find_map(|mark| {
        let (begin, rest) = title.split_at_checked(mark.len())?;
        begin.eq_ignore_ascii_case(mark).then_some(rest)
    });
    match marked {
        Some(rest) => (rest.trim_start(), true),
        None => (title, false),
    }
}

/// A title with the mark of a draft.
pub(super) fn marked(title: &str) -> String {
    if plain(title).1 { title.to_owned() } else { format!("WIP: {title}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("WIP: app", "app", true)]
    #[case("wip:app", "app", true)]
    #[case("[Wip] app", "app", true)]
    #[case("WIPe the table", "WIPe the table", false)]
    #[case("äöü", "äöü", false)]
    #[case("W", "W", false)]
    fn titles(#[case] title: &str, #[case] rest: &str, #[case] draft: bool) {
        assert_eq!(plain(title), (rest, draft));
        assert_eq!(plain(&marked(title)), (rest, true));
    }
}
