//! What commit messages say: our trailers, and how forges name requests.

use serde::{Deserialize, Serialize};

/// Longest part of a message that is read.
const MAX: usize = 16 << 10;

/// What a commit message says beside its subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Trailer `Portolan-Passage`.
    pub passage: Option<String>,
    /// Trailer `Portolan-Writer`.
    pub writer: Option<String>,
    /// Number of the request by which the commit came.
    pub request: Option<u64>,
    /// The branch that a merge names.
    pub merged_branch: Option<String>,
}

/// Reads a message.
pub fn notes(message: &str) -> Notes {
    let end = (0..=message.len().min(MAX)).rev().find(|end| message.is_char_boundary(*end));
    let message = &message[..end.unwrap_or(0)];
    let subject = message.lines().next().unwrap_or_default();
    let last = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let trailer = |key: &str| {
        let found = last.lines().rev().find_map(|line| line.strip_prefix(key))?;
        Some(found.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Notes {
        passage: trailer("Portolan-Passage:"),
        writer: trailer("Portolan-Writer:"),
        request: request(subject, message),
        merged_branch: merged_branch(subject),
    }
}

/// `Merge pull request #7 from …` (GitHub), `Merge pull request 'title' (#7) from …` (Gitea),
/// `title (#7)` (squashes), `See merge request group/project!7` (GitLab).
fn request(subject: &str, message: &str) -> Option<u64> {
    if let Some(rest) = subject.strip_prefix("Merge pull request ") {
        if let Some((number, _)) = rest.strip_prefix('#').and_then(digits) {
            return Some(number);
        }
        let after = |(start, open): (usize, &str)| digits(&rest[start + open.len()..]);
        let found = rest.rmatch_indices("(#").find_map(after);
        return found.filter(|(_, rest)| rest.starts_with(')')).map(|(number, _)| number);
    }
    let at_end = subject.trim_end().strip_suffix(')').and_then(|rest| rest.rsplit_once("(#"));
    if let Some((number, "")) = at_end.and_then(|(_, number)| digits(number)) {
        return Some(number);
    }
    let line = message.lines().rev().find_map(|line| line.strip_prefix("See merge request "))?;
    digits(line.rsplit_once('!')?.1).map(|(number, _)| number)
}

/// The number at the beginning of a text, and what comes after it.
fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..end].parse().ok()?;
    Some((number, &text[end..]))
}

/// `Merge branch 'x' into y` (git, GitLab), `Merge pull request … from x into y` (Gitea) and
/// `… from owner/x` (GitHub).
fn merged_branch(subject: &str) -> Option<String> {
    let name = if let Some(rest) = subject.strip_prefix("Merge branch '") {
        rest.split('\'').next()?.to_owned()
    } else if let Some(rest) = subject.strip_prefix("Merge remote-tracking branch '") {
        let name = rest.split('\'').next()?;
        name.split_once('/').map_or(name, |(_, name)| name).to_owned()
    } else if let Some(rest) = subject.strip_prefix("Merge pull request ") {
        let (before, from) = rest.rsplit_once(" from ")?;
        let from = from.split(" into ").next()?;
        // GitHub puts the owner of the branch before it.
        let is_github = before.starts_with('#');
        let name = if is_github { from.split_once('/').map(|(_, name)| name) } else { None };
        name.unwrap_or(from.rsplit_once(':').map_or(from, |(_, name)| name)).to_owned()
    } else {
        return None;
    };
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Merge pull request #7 from team/staging/shop", Some(7), Some("staging/shop"))]
    #[case(
        "Merge pull request 'Shop (#3) again' (#7) from staging-shop into staging",
        Some(7),
        Some("staging-shop")
    )]
    #[case("Write apps/shop for shop (#12)", Some(12), None)]
    #[case("Fix #12 (really)", None, None)]
    #[case("Fix (#x)", None, None)]
    #[case("Fix (#99999999999999999999999999)", None, None)]
    #[case(
        "Merge branch 'staging-shop' into 'staging'\n\nSee merge request team/config!9",
        Some(9),
        Some("staging-shop")
    )]
    #[case("Merge remote-tracking branch 'origin/staging-shop'", None, Some("staging-shop"))]
    #[case("Merge pull request ", None, None)]
    #[case("", None, None)]
    fn forges(#[case] text: &str, #[case] request: Option<u64>, #[case] branch: Option<&str>) {
        let notes = notes(text);
        assert_eq!((notes.request, notes.merged_branch.as_deref()), (request, branch));
    }

    #[test]
    fn only_the_last_paragraph_has_trailers() {
        let text = "s\n\nPortolan-Writer: evil\n\nPortolan-Passage: 1\nPortolan-Writer: a/b/c\n";
        let notes = notes(text);
        assert_eq!(notes.writer.as_deref(), Some("a/b/c"));
        assert_eq!(notes.passage.as_deref(), Some("1"));
        assert_eq!(super::notes("s\n\nPortolan-Writer: a\n\nmore").writer, None);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert_eq!(notes(&"ä".repeat(20_000)), Notes::default());
    }
}
