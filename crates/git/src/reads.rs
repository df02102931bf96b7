//! What is read from a repository: the tree at a place, and a tarball of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Full name of the reference, or a commit id, as [`Resolved`](crate::Resolved) gives it.
    pub reference: String,
    /// The commit it led to.
    pub commit: String,
    /// The directory that matters; `.` for all.
    pub path: String,
    /// gitignore patterns, relative to the repository; what matches is not there.
    pub ignore: Vec<String>,
    /// What was seen last.
    pub last: Option<Seen>,
}

/// What was seen of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The commit in which the tree changed.
    pub revision: String,
    /// The tree.
    pub tree: String,
}

/// What is at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// git tree id of the directory, without what is ignored.
    pub tree: String,
    /// The newest first-parent commit since the last look that changed the tree; where the history
    /// does not reach that far, the commit that was looked at. Of an equal tree, what was seen last.
    pub revision: String,
    /// The commit of `revision`; absent only where the tree is the one seen last and the commit is
    /// not at hand.
    pub commit: Option<CommitInfo>,
}

/// A commit, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// `Name <email>` of the author.
    pub author: String,
    /// Commit time, as RFC 3339 in UTC.
    pub time: String,
    /// First line of the message.
    pub subject: String,
}

/// A stretch of first-parent history to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// Full name of the reference, or a commit id.
    pub reference: String,
    /// The newest commit.
    pub commit: String,
    /// The commit before the oldest; none: only the newest.
    pub since: Option<String>,
    /// Most commits that are told.
    pub limit: usize,
}

/// A tarball to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Full name of a reference that has, or had, the commit in its history; or a commit id.
    pub reference: String,
    /// The commit.
    pub commit: String,
    /// The directory; `.` for all.
    pub path: String,
    /// gitignore patterns, relative to the repository.
    pub ignore: Vec<String>,
    /// The file to write. It appears at once and whole, or not at all.
    pub to: PathBuf,
}

/// A tarball that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// `sha256:<hex>` of its bytes: same tree and path, same bytes.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// git tree id of the directory, without what is ignored.
    pub tree: String,
}
