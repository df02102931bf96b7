//! The way of one change, as programs read it: what `portolan trace --json` prints.

use jiff::Timestamp;
use serde::Serialize;

/// The way of one change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// Id of the passage that was asked for.
    pub passage: String,
    /// The passages this change is told by, oldest first: more than one where people edited it.
    pub chain: Vec<Link>,
    /// The directory in which it was written first.
    pub path: String,
    /// Workload, `<namespace>/<name>`.
    pub workload: Option<String>,
    /// Supply chain.
    pub supply_chain: Option<String>,
    /// Image by digest.
    pub image: Option<String>,
    /// Where it comes from.
    pub source: Option<Source>,
    /// Where it came to, in order of time.
    pub arrivals: Vec<Arrival>,
    /// Verdicts on commits that are on none of the branches.
    pub elsewhere: Vec<Verdict>,
    /// Records that do not read; what they would tell is missing.
    pub unreadable: Vec<Unreadable>,
    /// Why not all of the history was looked through, where it was not.
    pub cut: Option<String>,
}

/// One passage of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Its id.
    pub passage: String,
    /// The passage it came from.
    pub parent: Option<String>,
    /// The files a person edited between the two.
    pub edited_files: Vec<String>,
    /// The commit in which they were found so.
    pub edited_commit: Option<String>,
}

/// Where a change comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Url of the source repository.
    pub url: String,
    /// Revision in it.
    pub revision: String,
    /// Commits that came with this change, newest first.
    pub commits: Vec<SourceChange>,
    /// Whether there are more than the record keeps.
    pub more: bool,
}

/// A commit of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceChange {
    /// Commit id.
    pub id: String,
    /// Name of its author.
    pub author: String,
    /// First line of its message.
    pub subject: String,
    /// Commit time, where the record has one that reads.
    pub time: Option<Timestamp>,
}

/// A branch that the change reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Arrival {
    /// The branch; absent where it is gone and nothing names it.
    pub branch: Option<String>,
    /// Other branches with the same commit.
    pub also_on: Vec<String>,
    /// What the branch is for.
    pub role: Role,
    /// The directory.
    pub path: String,
    /// The passage that arrived.
    pub passage: String,
    /// The commit that brought it.
    pub commit: String,
    /// Its time.
    pub time: Timestamp,
    /// Seconds since the source commit.
    pub after: Option<i64>,
    /// Who put it there: of a squash or rebase, who merged.
    pub author: String,
    /// First line of its message.
    pub subject: String,
    /// The writer: `<cluster>/<namespace>/<name>`.
    pub writer: String,
    /// The writer's count of writes.
    pub sequence: u64,
    /// How it came.
    pub how: How,
    /// Number of the request by which it came, where a message names one.
    pub request: Option<u64>,
    /// What an environment said of it when it carried it on.
    pub verdict: Option<Verdict>,
    /// Whether the environment carries content on, and did not carry this on.
    pub went_no_further: bool,
    /// What people changed of it there.
    pub edits: Vec<Edit>,
    /// What became of it.
    pub fate: Option<Fate>,
}

/// What a branch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// A writer offers content on it for people to merge.
    Writer,
    /// It is what an environment runs.
    Environment,
}

/// How content came to a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// The writer's own commit.
    Direct,
    /// A merge commit.
    Merge,
    /// A commit of somebody else's with the same content: squashed, or copied.
    Squash,
    /// The writer's commit, made anew on top of the branch.
    Rebase,
    /// It had been there before, was taken away, and came again.
    Restored,
    /// It was there in the oldest commit at hand.
    Before,
}

/// What an environment said of content when it carried it on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The environment.
    pub environment: String,
    /// The cluster.
    pub cluster: String,
    /// The commit it took.
    pub revision: String,
    /// Verification that vouched for it, `<namespace>/<name>`.
    pub verification: Option<String>,
    /// What it found edited.
    pub edited_files: Vec<String>,
}

/// A person changed files of a written directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// The commit.
    pub commit: String,
    /// Its time.
    pub time: Timestamp,
    /// Its author.
    pub author: String,
    /// The files.
    pub files: Vec<String>,
}

/// What became of content on a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Fate {
    /// It is there.
    Current,
    /// It waits on a writer's branch.
    Waiting,
    /// It was merged from a writer's branch into another.
    Merged,
    /// Other content took its place.
    Replaced {
        /// The passage of that.
        passage: String,
        /// The commit that brought it.
        commit: String,
        /// Its time.
        time: Timestamp,
        /// Its author.
        author: String,
    },
    /// Somebody went back to what was before.
    Reverted {
        /// The passage that is there since; absent where nothing is.
        passage: Option<String>,
        /// The commit that did it.
        commit: String,
        /// Its time.
        time: Timestamp,
        /// Its author.
        author: String,
    },
    /// The record after it does not read.
    Lost {
        /// The commit in which that is so.
        commit: String,
        /// Its time.
        time: Timestamp,
        /// Its author.
        author: String,
    },
}

/// A record that does not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    /// The branch.
    pub branch: String,
    /// The directory.
    pub path: String,
    /// The commit.
    pub commit: String,
    /// Why.
    pub problem: String,
}
