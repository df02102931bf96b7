//! Names that go to git: references, commit ids, paths. Checked before anything else happens (threats T-01, T-22).

use crate::Error;

/// Longest name of a reference, in bytes.
const MAX_REF: usize = 255;
/// Longest path of a directory, in bytes.
const MAX_PATH: usize = 1024;
/// What git forbids in a name, and what only an attack on a shell would put there.
const FORBIDDEN: &str = "~^:?*[\\$`;|<>\"'";

/// Checks the name of a branch or tag, without `refs/heads/` (the rules of `git check-ref-format`, and a few more).
pub(crate) fn check_short(what: &str, name: &str) -> Result<(), Error> {
    if name.starts_with('-') || name == "@" || name == "HEAD" {
        return Err(Error::invalid(what, format!("{:?} is not a name git allows", shown(name))));
    }
    check_full(what, &format!("refs/heads/{name}"))
}

/// Checks that two branches can be in one repository: git has no `a/b` where it has `a`.
pub(crate) fn check_beside(branch: &str, base: &str) -> Result<(), Error> {
    let is_below =
        |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
    if is_below(branch, base) || is_below(base, branch) {
        let other = branch.replace('/', "-");
        let problem =
            format!("git cannot have {branch} beside {base}: name it {other}, for example");
        return Err(Error::invalid("branch", problem));
    }
    Ok(())
}

/// Checks the full name of a reference.
pub(crate) fn check_full(what: &str, name: &str) -> Result<(), Error> {
    let bad = |problem: &str| Err(Error::invalid(what, format!("{:?} {problem}", shown(name))));
    if name.len() > MAX_REF {
        return bad("is longer than 255 bytes");
    }
    if !name.starts_with("refs/") {
        return bad("is no full name: it starts with refs/");
    }
    let forbidden =
        |c: char| c.is_control() || c.is_whitespace() || is_invisible(c) || FORBIDDEN.contains(c);
    if name.contains(forbidden) {
        return bad("has a character that no reference may have");
    }
    let part_is_bad = |part: &str| {
        part.is_empty()
            || part.starts_with('.')
            || part.to_ascii_lowercase().ends_with(".lock")
            || part == "@"
    };
    if name.contains("..")
        || name.contains("@{")
        || name.ends_with('.')
        || name.split('/').any(part_is_bad)
    {
        return bad("is not a name git allows");
    }
    Ok(())
}

/// Checks a commit id: the whole of it, in hex.
pub(crate) fn check_commit(commit: &str) -> Result<(), Error> {
    let hex = commit.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    match commit.len() {
        40 if hex => Ok(()),
        64 if hex => Err(Error::NotSupported { what: "a repository with SHA-256 ids".into() }),
        _ => Err(Error::invalid(
            "commit",
            format!(
                "{:?} is no commit id: write all of its 40 lower-case hex digits",
                shown(commit)
            ),
        )),
    }
}

/// Checks a directory: `.`, or a relative path that stays inside and out of git's own.
pub(crate) fn check_path(path: &str) -> Result<(), Error> {
    let part_is_bad = |part: &str| ["", ".", ".."].contains(&part) || is_git(part);
    let bad = path != "."
        && (path.len() > MAX_PATH
            || path.contains(|c: char| c.is_control() || c == '\\')
            || path.split('/').any(part_is_bad));
    if bad {
        let problem = format!(
            "{:?} is no path we go to: write a relative one without empty, '.', '..' and '.git' parts, \
             at most 1024 bytes",
            shown(path)
        );
        return Err(Error::invalid("path", problem));
    }
    Ok(())
}

/// The parts of a checked directory; none for `.`.
pub(crate) fn parts(path: &str) -> Vec<&[u8]> {
    if path == "." { Vec::new() } else { path.split('/').map(str::as_bytes).collect() }
}

/// Whether some file system takes a name for git's own.
pub(crate) fn is_git(part: &str) -> bool {
    let visible: String = part.chars().filter(|c| !is_invisible(*c)).collect();
    let bare = visible.trim_end_matches([' ', '.']).to_ascii_lowercase();
    bare == ".git" || bare.starts_with("git~") || bare.starts_with(".git:")
}

/// Characters that do not show, or turn the direction of what follows.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// T-22.
    #[rstest]
    #[case("main", true)]
    #[case("staging/app", true)]
    #[case("team/äpp-1.0", true)]
    #[case("-oProxyCommand=x", false)]
    #[case("../../x", false)]
    #[case("a..b", false)]
    #[case("a@{1}", false)]
    #[case("@", false)]
    #[case("HEAD", false)]
    #[case("a/@/b", false)]
    #[case("x.lock", false)]
    #[case("x.LOCK/y", false)]
    #[case(".hidden", false)]
    #[case("a/.b", false)]
    #[case("a//b", false)]
    #[case("/a", false)]
    #[case("a/", false)]
    #[case("a.", false)]
    #[case("a b", false)]
    #[case("a\nb", false)]
    #[case("a\r", false)]
    #[case("a\u{7f}", false)]
    #[case("a\u{202e}b", false)]
    #[case("a\u{200b}b", false)]
    #[case("a~1", false)]
    #[case("a^", false)]
    #[case("a:b", false)]
    #[case("a?", false)]
    #[case("a*", false)]
    #[case("a[", false)]
    #[case("a\\b", false)]
    #[case("", false)]
    #[case("$(id)", false)]
    #[case("`id`", false)]
    fn branch_names(#[case] name: &str, #[case] good: bool) {
        assert_eq!(check_short("branch", name).is_ok(), good);
    }

    #[test]
    fn a_name_has_a_length() {
        assert!(check_short("branch", &"x".repeat(244)).is_ok());
        assert!(check_short("branch", &"x".repeat(300)).is_err());
    }

    #[rstest]
    #[case("refs/heads/main", true)]
    #[case("refs/pull/1/head", true)]
    #[case("main", false)]
    #[case("refs/../../x", false)]
    #[case("refs/", false)]
    fn full_names(#[case] name: &str, #[case] good: bool) {
        assert_eq!(check_full("name", name).is_ok(), good);
    }

    #[test]
    fn branches_that_git_cannot_have_together() {
        assert!(check_beside("staging/app", "staging").is_err());
        assert!(check_beside("staging", "staging/app").is_err());
        assert!(check_beside("staging-app", "staging").is_ok());
        assert!(check_beside("staging", "staging").is_ok());
    }

    #[test]
    fn commit_ids() {
        assert!(check_commit(&"a1".repeat(20)).is_ok());
        assert!(matches!(check_commit(&"a1".repeat(32)), Err(Error::NotSupported { .. })));
        for bad in ["", "HEAD", "a1", "A1".repeat(20).as_str(), "--upload-pack=x", &"g".repeat(40)]
        {
            assert!(matches!(check_commit(bad), Err(Error::Invalid { .. })), "{bad}");
        }
    }

    /// T-01.
    #[rstest]
    #[case(".", true)]
    #[case("apps/app", true)]
    #[case("../x", false)]
    #[case("/etc/passwd", false)]
    #[case("a/../../b", false)]
    #[case("a//b", false)]
    #[case("a/.", false)]
    #[case("", false)]
    #[case("a\\..\\b", false)]
    #[case("a\0", false)]
    #[case(".git/config", false)]
    #[case(".GIT/hooks", false)]
    #[case("git~1/x", false)]
    #[case(".g\u{200c}it/x", false)]
    fn paths(#[case] path: &str, #[case] good: bool) {
        assert_eq!(check_path(path).is_ok(), good);
    }
}
