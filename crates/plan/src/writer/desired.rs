//! What a writer is to have at its path, and where that comes from.

use std::collections::BTreeMap;

use portolan_api::native::commit_of;
use portolan_api::native::git_writer::WriterProvenance;
use portolan_api::record::{
    self, COMMITS, EditedFiles, Hop, Record, RecordError, RecordedFile, SourceCommit, blob_id,
    content_digest, is_ours,
};

use super::passage;

/// Most files of one writer.
const MAX_FILES: usize = 10_000;
/// Most bytes of one writer's files.
const MAX_BYTES: usize = 64 << 20;

/// What a writer is to have at its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The files, by path relative to the directory.
    pub files: BTreeMap<String, DesiredFile>,
    /// Files to put beside the record, that do not count as content.
    pub extra: BTreeMap<String, DesiredFile>,
    /// Digest of the content.
    pub digest: String,
    /// Passage, provenance and hops for the record.
    pub carried: Carried,
}

/// A file as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredFile {
    /// git file mode.
    pub mode: String,
    /// Content, or the target of a symlink.
    pub content: Vec<u8>,
    /// git blob id of the content.
    pub blob: String,
}

impl DesiredFile {
    /// A file with its blob id.
    pub fn new(mode: &str, content: Vec<u8>) -> Self {
        Self { mode: mode.into(), blob: blob_id(&content), content }
    }

    fn recorded(&self) -> RecordedFile {
        RecordedFile { mode: self.mode.clone(), blob: self.blob.clone() }
    }
}

/// What a record carries from hand to hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Id of the passage.
    pub passage: String,
    /// The passage it came from, where a person edited the files on the way.
    pub parent: Option<String>,
    /// Where the content comes from.
    pub provenance: WriterProvenance,
    /// The way so far.
    pub hops: Vec<Hop>,
    /// The last commits of the source, newest first.
    pub commits: Vec<SourceCommit>,
}

impl From<&Record> for Carried {
    fn from(record: &Record) -> Self {
        Self {
            passage: record.passage.clone(),
            parent: record.parent.clone(),
            provenance: record.provenance.clone(),
            hops: record.hops.clone(),
            commits: record.commits.clone(),
        }
    }
}

impl Carried {
    /// Puts commits of the source before those that the record in the goal has: what came since.
    pub fn add_commits(&mut self, new: Vec<SourceCommit>, before: Option<&Record>) {
        let old = before.map(|record| record.commits.clone()).unwrap_or_default();
        let mut commits: Vec<SourceCommit> = Vec::new();
        for commit in new.into_iter().chain(old) {
            if commits.len() < COMMITS && commits.iter().all(|other| other.id != commit.id) {
                commits.push(commit);
            }
        }
        self.commits = commits;
    }
}

/// Where a promoted tree was taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Environment it comes from.
    pub environment: String,
    /// Cluster that carries it on.
    pub cluster: String,
    /// Revision of the tree.
    pub revision: String,
    /// Verification that vouches for it, `<namespace>/<name>`.
    pub verification: Option<String>,
}

/// Why content cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DesiredError {
    /// A path that no writer may write.
    #[error(
        "{path:?} is not a path a writer may write: use a relative path without empty, '.', '..', \
         '.git' and '.portolan' parts, at most 1024 bytes"
    )]
    Path {
        /// The path as written.
        path: String,
    },
    /// One path is a file and a directory.
    #[error("{path:?} is a file and a directory at once")]
    FileAndDirectory {
        /// The path.
        path: String,
    },
    /// There is nothing to write.
    #[error("there are no files at {place:?}: nothing would be written, and nothing is removed")]
    Empty {
        /// Where files were looked for.
        place: String,
    },
    /// There are too many files or bytes.
    #[error("{what} exceed what one writer may write ({limit})")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The tree's record does not read.
    #[error("{place}/{}: {error}", record::FILE)]
    Record {
        /// Directory of the tree.
        place: String,
        /// Why.
        error: RecordError,
    },
}

/// Content that stands in the spec: the first writer makes the passage.
pub fn from_files(
    files: &BTreeMap<String, String>,
    provenance: &WriterProvenance,
) -> Result<Desired, DesiredError> {
    let files: BTreeMap<String, DesiredFile> = files
        .iter()
        .map(|(path, text)| (path.clone(), DesiredFile::new("100644", text.clone().into_bytes())))
        .collect();
    check(&files, "spec.content.files")?;
    let digest = digest_of(&files);
    let carried = Carried {
        passage: record::passage_id(provenance, &digest),
        parent: None,
        provenance: provenance.clone(),
        ..Carried::default()
    };
    Ok(Desired { files, extra: BTreeMap::new(), digest, carried })
}

/// Content that is promoted: every file below the tree's path but those below `.portolan/`, and
/// what `include` names there. The passage is carried on; where a person edited the files, a new one
/// begins that names its parent.
pub fn from_tree(
    tree: BTreeMap<String, DesiredFile>,
    place: &str,
    include: &[String],
    provenance: &WriterProvenance,
    origin: &Origin,
) -> Result<Desired, DesiredError> {
    let record = match tree.get(record::FILE) {
        None => None,
        Some(file) => Some(
            Record::read(&file.content)
                .map_err(|error| DesiredError::Record { place: place.into(), error })?,
        ),
    };
    let included = |path: &str| {
        path != record::FILE
            && include.iter().any(|wanted| path == format!("{}/{wanted}", record::FOLDER))
    };
    let (extra, files): (BTreeMap<_, _>, BTreeMap<_, _>) = tree
        .into_iter()
        .filter(|(path, _)| !is_ours(path) || included(path))
        .partition(|(path, _)| is_ours(path));
    check(&files, place)?;
    let digest = digest_of(&files);
    let hop = Hop {
        environment: origin.environment.clone(),
        cluster: origin.cluster.clone(),
        revision: origin.revision.clone(),
        verification: origin.verification.clone(),
        edited: None,
    };
    let carried = passage::carry(record, recorded(&files), &digest, provenance, hop);
    Ok(Desired { files, extra, digest, carried })
}

/// What a person changed of a recorded tree: files that differ, and those not in the record.
pub(super) fn edited(
    record: &Record,
    files: &BTreeMap<String, RecordedFile>,
    revision: &str,
) -> EditedFiles {
    let mut paths: Vec<String> = record
        .files
        .iter()
        .filter(|(path, file)| files.get(*path) != Some(file))
        .map(|(path, _)| path.clone())
        .collect();
    paths.extend(files.keys().filter(|path| !record.files.contains_key(*path)).cloned());
    paths.sort();
    EditedFiles { files: paths, commit: commit_of(revision).to_owned() }
}

/// The files as a record lists them.
pub(super) fn recorded(files: &BTreeMap<String, DesiredFile>) -> BTreeMap<String, RecordedFile> {
    files.iter().map(|(path, file)| (path.clone(), file.recorded())).collect()
}

fn digest_of(files: &BTreeMap<String, DesiredFile>) -> String {
    content_digest(&recorded(files))
}

fn check(files: &BTreeMap<String, DesiredFile>, place: &str) -> Result<(), DesiredError> {
    if files.is_empty() {
        return Err(DesiredError::Empty { place: place.into() });
    }
    if files.len() > MAX_FILES {
        return Err(DesiredError::TooLarge { what: "files", limit: MAX_FILES });
    }
    if files.values().map(|file| file.content.len()).sum::<usize>() > MAX_BYTES {
        return Err(DesiredError::TooLarge { what: "bytes", limit: MAX_BYTES });
    }
    for path in files.keys() {
        if !is_writable(path) {
            return Err(DesiredError::Path { path: path.chars().take(200).collect() });
        }
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        if let Some(parent) = parents.into_iter().find(|parent| files.contains_key(*parent)) {
            return Err(DesiredError::FileAndDirectory { path: parent.into() });
        }
    }
    Ok(())
}

/// Whether a writer may write a path: no way out of its directory, into git's own, or into what some
/// file system takes for it (threat T-01).
fn is_writable(path: &str) -> bool {
    let git = |part: &str| {
        let visible: String = part.chars().filter(|c| !is_invisible(*c)).collect();
        let bare = visible.trim_end_matches([' ', '.']).to_ascii_lowercase();
        bare == ".git" || bare.starts_with("git~") || bare.starts_with(".git:")
    };
    !path.is_empty()
        && path.len() <= 1024
        && !path.contains(['\\', '\0', '\n', '\r'])
        && !path.contains(char::is_control)
        && path.split('/').all(|part| !["", ".", ".."].contains(&part) && !git(part))
        && !is_ours(path)
        && path.get(1..2) != Some(":")
}

/// Characters that some file systems ignore in names.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
