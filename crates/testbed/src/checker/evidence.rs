//! What the checker looks at, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::record::{Record, RecordedFile};
use serde_json::Value;

use crate::forge::Request;

/// Everything the checker looks at.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The commits of the configuration repository that any branch or request reaches, by id.
    pub commits: BTreeMap<String, Commit>,
    /// The environments, in the order of the way.
    pub environments: Vec<Environment>,
    /// The requests of the configuration repository.
    pub requests: Vec<Request>,
    /// The applications' sources.
    pub sources: Vec<Source>,
    /// The objects that Portolan stamps or applies, of every cluster, by the cluster's name.
    pub objects: BTreeMap<String, Vec<Value>>,
}

/// A commit of the configuration repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// Ids of its parents.
    pub parents: Vec<String>,
    /// Its message.
    pub message: String,
    /// The directories that have a record in any commit, as they are in this one.
    pub directories: BTreeMap<String, Directory>,
}

/// A directory of one writer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Its files by path below it, without the record.
    pub files: BTreeMap<String, RecordedFile>,
    /// Its record.
    pub record: Option<Record>,
}

/// A branch that a cluster follows.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The branch, which is also the environment's name.
    pub branch: String,
    /// The branch's tip; empty where there is no such branch.
    pub tip: String,
    /// What the cluster runs, by the directory it comes from; nothing where no cluster is looked at.
    pub deployed: BTreeMap<String, Deployed>,
    /// The last commit that the cluster vouched for, by the directory; nothing where none passed.
    pub verified: BTreeMap<String, String>,
}

/// What a cluster runs of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployed {
    /// The commit that is live and healthy.
    pub revision: String,
    /// The image that runs.
    pub image: String,
}

/// An application's source.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The directory that it is written to.
    pub directory: String,
    /// Its commits, oldest first.
    pub commits: Vec<String>,
    /// The digest of the image that the registry has for a commit.
    pub images: BTreeMap<String, String>,
}

impl Evidence {
    /// The commits of a branch from its beginning to its tip, by first parents.
    pub(super) fn history(&self, tip: &str) -> Vec<&Commit> {
        let mut history = Vec::new();
        let mut next = self.commits.get(tip);
        while let Some(commit) = next {
            history.push(commit);
            next = self.commits.get(commit.parents.first().map_or("", String::as_str));
        }
        history.reverse();
        history
    }

    /// Ids of all commits that a commit reaches, itself included.
    pub(super) fn reached(&self, from: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(id) = waiting.pop() {
            let Some(commit) = self.commits.get(id) else { continue };
            if reached.insert(commit.id.as_str()) {
                waiting.extend(commit.parents.iter().map(String::as_str));
            }
        }
        reached
    }

    /// A directory in the first parent of a commit.
    pub(super) fn before(&self, commit: &Commit, directory: &str) -> Option<&Directory> {
        self.commits.get(commit.parents.first()?)?.directories.get(directory)
    }
}

impl Commit {
    /// What a writer wrote in it: the directory with its record. Merges only pass a record on, and
    /// commits of people do not say that they wrote it.
    pub(super) fn written(&self) -> Option<(&str, &Record)> {
        if self.parents.len() > 1 {
            return None;
        }
        self.directories.iter().find_map(|(path, directory)| {
            let record = directory.record.as_ref()?;
            let trailers = [
                format!("Portolan-Writer: {}", record.writer),
                format!("Portolan-Passage: {}", record.passage),
            ];
            let told = |trailer: &String| self.message.lines().any(|line| line == trailer);
            trailers.iter().all(told).then_some((path.as_str(), record))
        })
    }
}

/// The first twelve characters of an id.
pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
