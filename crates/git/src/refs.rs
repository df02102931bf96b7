//! What a repository points to, and which of it a source follows.

use std::collections::BTreeMap;

use portolan_api::native::git_source::GitSourceRef;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::names;

/// Prefix of branches.
pub(crate) const HEADS: &str = "refs/heads/";
/// Prefix of tags.
pub(crate) const TAGS: &str = "refs/tags/";

/// The references of a repository: full name and the commit it leads to (for an annotated tag, the
/// commit that is tagged).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refs(BTreeMap<String, String>);

/// What to follow. Made from a spec, so that resolving it cannot fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Follow {
    /// The tip of this branch.
    Branch(String),
    /// This tag.
    Tag(String),
    /// The highest tag in this range.
    Semver(VersionReq),
    /// This commit.
    Commit(String),
    /// This full name.
    Name(String),
}

/// What a source follows, found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Full name of the reference; the commit id itself where a commit is followed.
    pub reference: String,
    /// The commit.
    pub commit: String,
}

impl Follow {
    /// Reads `spec.ref` of a GitSource.
    pub fn new(spec: &GitSourceRef) -> Result<Self, Error> {
        if let Some(branch) = &spec.branch {
            names::check_short("ref.branch", branch)?;
            return Ok(Self::Branch(branch.clone()));
        }
        if let Some(tag) = &spec.tag {
            names::check_short("ref.tag", tag)?;
            return Ok(Self::Tag(tag.clone()));
        }
        if let Some(range) = &spec.semver {
            return range_of(range).map(Self::Semver);
        }
        if let Some(commit) = &spec.commit {
            names::check_commit(commit)?;
            return Ok(Self::Commit(commit.clone()));
        }
        let Some(name) = &spec.name else {
            return Err(Error::invalid("ref", "it names nothing to follow"));
        };
        names::check_full("ref.name", name)?;
        Ok(Self::Name(name.clone()))
    }

    /// What is followed, for messages such as "tag in >=1.2 is not in the repository".
    pub fn describe(&self) -> String {
        match self {
            Self::Branch(name) => format!("branch {name}"),
            Self::Tag(name) => format!("tag {name}"),
            Self::Semver(range) => format!("a tag in {range}"),
            Self::Commit(commit) => format!("commit {commit}"),
            Self::Name(name) => name.clone(),
        }
    }
}

impl Refs {
    pub(crate) fn new(refs: BTreeMap<String, String>) -> Self {
        Self(refs)
    }

    /// The commit that a full name leads to.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them: full name and commit.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, commit)| (name.as_str(), commit.as_str()))
    }

    /// Whether there is no branch at all.
    pub fn is_empty(&self) -> bool {
        !self.0.keys().any(|name| name.starts_with(HEADS))
    }

    /// Finds what a source follows.
    pub fn resolve(&self, follow: &Follow) -> Option<Resolved> {
        let named = |reference: String| {
            let commit = self.get(&reference)?.to_owned();
            Some(Resolved { reference, commit })
        };
        match follow {
            Follow::Branch(branch) => named(format!("{HEADS}{branch}")),
            Follow::Tag(tag) => named(format!("{TAGS}{tag}")),
            Follow::Name(name) => named(name.clone()),
            Follow::Semver(range) => named(format!("{TAGS}{}", self.highest(range)?)),
            // Whether it is there turns out when it is fetched: servers do not list commits.
            Follow::Commit(commit) => {
                Some(Resolved { reference: commit.clone(), commit: commit.clone() })
            }
        }
    }

    /// The highest tag in the range; of several spellings of one version, the first by name.
    fn highest(&self, range: &VersionReq) -> Option<&str> {
        let tags = self.0.keys().filter_map(|name| name.strip_prefix(TAGS));
        let versions = tags.filter_map(|tag| {
            let version = Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()?;
            range.matches(&version).then_some((version, std::cmp::Reverse(tag)))
        });
        versions.max().map(|(_, tag)| tag.0)
    }
}

/// Reads a range; also with blanks where commas belong.
fn range_of(text: &str) -> Result<VersionReq, Error> {
    let with_commas = || {
        // `>= 1.2 < 2` to `>=1.2, <2`: a blank separates unless it follows an operator.
        let words = text.split_whitespace();
        words.fold(String::new(), |done, word| {
            let joins = done.is_empty() || done.ends_with(['<', '>', '=', '~', '^', ',']);
            if joins { done + word } else { format!("{done}, {word}") }
        })
    };
    VersionReq::parse(text).or_else(|error| {
        VersionReq::parse(&with_commas()).map_err(|_| {
            let hint = "write a range such as >=1.2, <2";
            Error::invalid(
                "ref.semver",
                format!("{text:?} is no range of versions ({error}): {hint}"),
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn refs(names: &[&str]) -> Refs {
        let commits = (1..).map(|n: u32| format!("{n:040x}"));
        Refs::new(names.iter().map(|name| (*name).to_owned()).zip(commits).collect())
    }

    fn spec(set: impl FnOnce(&mut GitSourceRef)) -> GitSourceRef {
        let mut spec = GitSourceRef { branch: None, ..GitSourceRef::default() };
        set(&mut spec);
        spec
    }

    fn found(names: &[&str], spec: &GitSourceRef) -> Option<String> {
        refs(names).resolve(&Follow::new(spec).unwrap()).map(|found| found.reference)
    }

    #[test]
    fn branches_tags_and_names() {
        let names = ["refs/heads/main", "refs/tags/main", "refs/pull/1/head"];
        assert_eq!(found(&names, &GitSourceRef::default()).unwrap(), "refs/heads/main");
        let tag = spec(|spec| spec.tag = Some("main".into()));
        assert_eq!(found(&names, &tag).unwrap(), "refs/tags/main");
        let name = spec(|spec| spec.name = Some("refs/pull/1/head".into()));
        assert_eq!(found(&names, &name).unwrap(), "refs/pull/1/head");
        let missing = spec(|spec| spec.branch = Some("gone".into()));
        assert_eq!(found(&names, &missing), None);
        let commit = spec(|spec| spec.commit = Some("ab".repeat(20)));
        assert_eq!(found(&names, &commit).unwrap(), "ab".repeat(20));
    }

    #[rstest]
    #[case(">=1.2, <2", Some("v1.10.0"))]
    #[case(">=1.2 <2", Some("v1.10.0"))]
    #[case(">= 1.2 < 2", Some("v1.10.0"))]
    #[case("1.2.x", Some("1.2.3"))]
    #[case("~1.2", Some("1.2.3"))]
    #[case("*", Some("v2.0.0"))]
    #[case(">=2.1.0-rc.1", Some("v2.1.0-rc.2"))]
    #[case(">3", None)]
    fn the_highest_version_in_a_range(#[case] range: &str, #[case] tag: Option<&str>) {
        let tags = [
            "1.2.3",
            "v1.10.0",
            "v1.9.9",
            "v2.0.0",
            "v2.1.0-rc.2",
            "latest",
            "v3",
            "release-4.0.0",
        ];
        let names: Vec<String> = tags.iter().map(|tag| format!("refs/tags/{tag}")).collect();
        let names: Vec<&str> =
            names.iter().map(String::as_str).chain(["refs/heads/v9.0.0"]).collect();
        let found = found(&names, &spec(|spec| spec.semver = Some(range.into())));
        assert_eq!(found.as_deref(), tag.map(|tag| format!("refs/tags/{tag}")).as_deref());
    }

    #[test]
    fn two_spellings_of_a_version_have_one_answer() {
        let names = ["refs/tags/1.0.0", "refs/tags/v1.0.0"];
        let any = spec(|spec| spec.semver = Some("*".into()));
        assert_eq!(found(&names, &any).unwrap(), "refs/tags/1.0.0");
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        let refuse = |set: fn(&mut GitSourceRef)| Follow::new(&spec(set)).unwrap_err().to_string();
        assert!(refuse(|spec| spec.branch = Some("-x".into())).starts_with("ref.branch"));
        assert!(refuse(|spec| spec.semver = Some("one || two".into())).contains(">=1.2, <2"));
        assert!(refuse(|spec| spec.commit = Some("HEAD".into())).contains("40 lower-case hex"));
        assert!(refuse(|spec| spec.name = Some("heads/main".into())).contains("refs/"));
        assert!(refuse(|_| {}).contains("nothing to follow"));
    }

    #[test]
    fn a_repository_without_branches_is_empty() {
        assert!(refs(&["refs/tags/v1"]).is_empty());
        assert!(!refs(&["refs/heads/main"]).is_empty());
    }
}
