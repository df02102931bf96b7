//! What the branches of a repository show of records.

use portolan_api::record::Record;
use serde::{Deserialize, Serialize};

/// What the branches of a repository show of records.
///
/// Commits on first-parent lines form a forest. Of it only the commits that matter are here, as
/// [`Point`]s; each names the next older one on its line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The branches that were looked through.
    pub branches: Vec<Branch>,
    /// The commits that matter.
    pub points: Vec<Point>,
    /// The records that were read, without their files.
    pub records: Vec<Record>,
    /// How many commits were looked through.
    pub commits: usize,
    /// Why not all of the history was looked through, where it was not.
    pub cut: Option<String>,
}

/// A branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Its name, without `refs/heads/`.
    pub name: String,
    /// Index of its newest point.
    pub head: Option<usize>,
}

/// A commit that matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The commit.
    pub commit: Commit,
    /// Index of the next older point on the line.
    pub before: Option<usize>,
    /// Whether what was before is not at hand: what is here may have been there all along.
    pub is_oldest: bool,
    /// What differs from the commit's first parent.
    pub changes: Vec<Change>,
}

/// A commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// Commit time, in seconds since the epoch.
    pub time: i64,
    /// Name of the author.
    pub author: String,
    /// Name of who put it where it is: of a squash or rebase, who merged the request. Where the forge
    /// names itself there, the author.
    pub committer: String,
    /// First line of the message.
    pub subject: String,
    /// Whether it has more than one parent.
    pub is_merge: bool,
    /// Whether author and committer, or their times, differ: it was made anew from another commit.
    pub is_copy: bool,
    /// What its message says beside.
    pub notes: super::Notes,
}

/// What a commit changed in one directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The directory; `.` is the root.
    pub path: String,
    /// What.
    pub what: What,
    /// Of a merge: the commit of the merged branch that brought the same record there.
    pub merged: Option<Commit>,
}

/// What happened to a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// It appeared or changed: index of the record as it is now.
    Written(usize),
    /// It is there but does not read: why.
    Unreadable(String),
    /// It went away.
    Removed,
    /// It stayed, but files of its directory were changed.
    Edited(Vec<String>),
}

/// Commits to have among the points though they change no record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seek {
    /// Beginning of a commit id.
    pub commit: Option<String>,
    /// The branches to look through; all of them where empty.
    pub branches: Vec<String>,
}
