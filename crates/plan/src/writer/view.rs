//! What the worker shows of a writer's place in git, and what it is told to write.

use std::collections::BTreeMap;

use portolan_api::record::{Record, RecordedFile};
use serde::{Deserialize, Serialize};

/// Where a writer writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The branch that is written.
    pub branch: String,
    /// The branch it starts at and is meant for; absent: the branch is its own goal.
    pub base: Option<String>,
    /// The directory; `.` is the root.
    pub path: String,
    /// `<cluster>/<namespace>/<name>` of the writer.
    pub writer: String,
    /// Requests from the branch to the goal that were closed without being merged: their heads are
    /// looked at too.
    pub declined: Vec<RequestHead>,
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHead {
    /// Number on the forge.
    pub number: i64,
    /// Full name of the reference by which git gives it out.
    pub reference: String,
    /// The commit.
    pub commit: String,
}

impl Place {
    /// The branch that is to hold the content in the end.
    pub fn goal(&self) -> &str {
        self.base.as_deref().unwrap_or(&self.branch)
    }
}

/// What git shows of a writer's place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Whether the repository has no branch at all.
    pub empty: bool,
    /// The tip of the goal; absent where the branch does not exist.
    pub goal: Option<Tip>,
    /// The tip of the branch, where it is not the goal itself.
    pub branch: Option<Tip>,
    /// Whether the branch's tip is in the history of the goal's tip.
    pub branch_in_goal: bool,
    /// Files of the branch's record that the goal changed since the two parted.
    pub goal_changed: Vec<String>,
    /// Whether the goal, joined with the branch, would be as it is: a request changes nothing.
    pub branch_adds_nothing: bool,
    /// What is in the way of the path: a file, symlink or submodule where a directory has to be.
    pub obstacle: Option<String>,
}

/// The tip of a branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// Commit id.
    pub commit: String,
    /// Message of the commit.
    pub message: String,
    /// The files below the path, without those below any `.portolan/`, by path relative to it.
    pub files: BTreeMap<String, RecordedFile>,
    /// The record at the path.
    pub record: Option<Record>,
    /// Records at overlapping paths: path and record.
    pub overlapping: Vec<(String, Record)>,
    /// Why the record at the path does not read, where it does not.
    pub unreadable: Option<String>,
}

/// What the histories of goal and branch tell of this writer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The writer's record with the highest sequence in the goal's first-parent history.
    pub in_goal: Option<FoundRecord>,
    /// The writer's record with the highest sequence on the branch, since it left the goal.
    pub on_branch: Option<FoundRecord>,
    /// The writer's records with the highest sequence on the heads of declined requests, by number.
    pub on_requests: Vec<(i64, FoundRecord)>,
    /// The goal's commit that brought the content that is there now.
    pub brought: Option<Committed>,
}

/// A record and the commit that brought it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRecord {
    /// The record.
    pub record: Record,
    /// The commit by which it came to the branch.
    pub commit: Committed,
    /// The first commit after it that changed the directory.
    pub changed_by: Option<Committed>,
}

/// A commit, as messages name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Commit id.
    pub id: String,
    /// Name of the author.
    pub author: String,
    /// First line of the message.
    pub subject: String,
}

impl Committed {
    /// The beginning of the id, as people write it.
    pub fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}

/// A commit to write. Complete: it leaves the worker no choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The branch that is moved.
    pub branch: String,
    /// The directory; `.` is the root.
    pub path: String,
    /// The commits it builds on.
    pub start: Start,
    /// Files to put, by path relative to the directory; the record among them.
    pub put: BTreeMap<String, PutFile>,
    /// Files to remove, relative to the directory.
    pub remove: Vec<String>,
    /// Message of the commit, trailers included.
    pub message: String,
    /// Message of the merge that joins branch and base, where there is one.
    pub merge_message: String,
    /// Author and committer.
    pub author: Signature,
}

/// The commits an edit builds on. The push moves the branch from exactly these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// The branch becomes a root commit of its own.
    Root,
    /// The branch does not exist and starts at this commit, or exists and is this commit.
    On {
        /// The parent.
        parent: String,
        /// The branch's tip now; absent where it does not exist.
        branch: Option<String>,
    },
    /// A merge of the base's tip (first parent) and the branch's comes first.
    Join {
        /// Tip of the base.
        base: String,
        /// Tip of the branch.
        branch: String,
    },
}

/// A file to put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutFile {
    /// git file mode: `100644`, `100755` or `120000`.
    pub mode: String,
    /// Content, or the target of a symlink.
    #[serde(with = "bytes_as_text")]
    pub content: Vec<u8>,
}

/// Who made a commit, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Name.
    pub name: String,
    /// Email address.
    pub email: String,
    /// Seconds since the epoch.
    pub seconds: i64,
}

/// Bytes in JSON: as text where they are UTF-8, else as a list of numbers.
mod bytes_as_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Form<'a> {
        Text(std::borrow::Cow<'a, str>),
        Bytes(Vec<u8>),
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Form::Text(text.into()).serialize(serializer),
            Err(_) => Form::Bytes(bytes.into()).serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        Ok(match Form::deserialize(deserializer)? {
            Form::Text(text) => text.into_owned().into_bytes(),
            Form::Bytes(bytes) => bytes,
        })
    }
}
