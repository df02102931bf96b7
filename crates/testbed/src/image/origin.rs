//! Where an image comes from: the commit, its time, and the labels that tell it.

use std::collections::BTreeMap;
use std::process::Command;

use jiff::Timestamp;

use crate::manifests::project;
use crate::tools::output;

/// The time of an image that no commit dates.
pub(super) const EPOCH: &str = "1970-01-01T00:00:00Z";

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// When it was made, in RFC 3339: `SOURCE_DATE_EPOCH`, else the time of the commit.
    pub created: String,
    /// The commit, with `-dirty` behind it when files differ.
    pub revision: Option<String>,
    /// Where the repository is.
    pub source: Option<String>,
}

impl Origin {
    /// The origin of this project's programs, as far as git knows it.
    pub fn read() -> Self {
        let commit = git(&["log", "-1", "--format=%H %ct"]);
        let (revision, seconds) = commit.as_deref().and_then(|line| line.split_once(' ')).unzip();
        let dirty = git(&["status", "--porcelain"]).is_none_or(|files| !files.is_empty());
        let mark = if dirty { "-dirty" } else { "" };
        let named = std::env::var("SOURCE_DATE_EPOCH").ok();
        Self {
            created: time(named.as_deref().or(seconds)),
            revision: revision.map(|revision| format!("{revision}{mark}")),
            source: git(&["config", "--get", "remote.origin.url"]).filter(|url| is_public(url)),
        }
    }

    /// The labels of an image, as OCI names them.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let known = [
            ("title", Some("portolan")),
            ("version", Some(env!("CARGO_PKG_VERSION"))),
            ("licenses", Some(env!("CARGO_PKG_LICENSE"))),
            ("revision", self.revision.as_deref()),
            ("source", self.source.as_deref()),
        ];
        let known = known.into_iter().filter_map(|(key, value)| Some((key, value?)));
        known.map(|(key, v)| (format!("org.opencontainers.image.{key}"), v.to_owned())).collect()
    }
}

/// Seconds since the epoch as RFC 3339.
fn time(seconds: Option<&str>) -> String {
    let seconds = seconds.and_then(|text| text.trim().parse().ok());
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| EPOCH.to_owned(), |time| time.to_string())
}

/// A url that others can use, without a login in it.
fn is_public(url: &str) -> bool {
    url.starts_with("https://") && !url.contains('@')
}

fn git(args: &[&str]) -> Option<String> {
    let text = output(Command::new("git").arg("-C").arg(project("")).args(args)).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_commits_or_the_epoch() {
        assert_eq!(time(Some("1700000000")), "2023-11-14T22:13:20Z");
        assert_eq!(time(Some("soon")), EPOCH);
        assert_eq!(time(None), EPOCH);
    }

    #[test]
    fn no_login_and_no_folder_is_told() {
        assert!(is_public("https://git.example/portolan"));
        for url in ["https://me:secret@git.example/portolan", "/home/me/portolan", "git@host:a"] {
            assert!(!is_public(url), "{url}");
        }
    }

    #[test]
    fn labels_are_those_of_oci() {
        let origin = Origin { created: EPOCH.into(), revision: Some("4c1d".into()), source: None };
        let labels = origin.labels();
        let keys: Vec<&str> = labels.keys().filter_map(|key| key.rsplit('.').next()).collect();
        assert_eq!(keys, ["licenses", "revision", "title", "version"]);
        assert_eq!(labels["org.opencontainers.image.revision"], "4c1d");
    }
}
