//! The record file `<path>/.portolan/passage` and the passage it tells of (native-kinds, section 4).
//!
//! A record says which writer made the files beside it, from what, and through which hands they
//! came. It survives squash and rebase because it is a file. Records inform; without a signature
//! they never authorise anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha1::{Digest, Sha1};

use crate::digest;
use crate::native::git_writer::WriterProvenance;

/// Folder of the record and of anything else that is about a directory, not of it.
pub const FOLDER: &str = ".portolan";
/// The record's path relative to the directory it is about.
pub const FILE: &str = ".portolan/passage";

/// What one writer wrote in one directory of one branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// `<cluster>/<namespace>/<name>` of the GitWriter. Belongs to the branch.
    pub writer: String,
    /// Counts the writes of this writer to this branch. Belongs to the branch.
    pub sequence: u64,
    /// Id of the passage: the same in every environment the content reaches unchanged.
    pub passage: String,
    /// The passage this one came from, where a person edited the files on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Where the content comes from; carried by promotions.
    pub provenance: WriterProvenance,
    /// The last commits of the source that led here, newest first; carried by promotions, so that
    /// people see in every environment what a change is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<SourceCommit>,
    /// Digest over `files`.
    pub digest: String,
    /// The files that were written, by path relative to the directory.
    pub files: BTreeMap<String, RecordedFile>,
    /// The way so far; each promotion appends one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<Hop>,
}

/// A file as git keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedFile {
    /// git file mode: `100644`, `100755` or `120000`.
    pub mode: String,
    /// git blob id.
    pub blob: String,
}

/// Most commits of the source that a record keeps.
pub const COMMITS: usize = 20;

/// A commit of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCommit {
    /// Commit id.
    pub id: String,
    /// Name of its author.
    pub author: String,
    /// First line of its message.
    pub subject: String,
    /// Commit time, as RFC 3339 in UTC.
    pub time: String,
}

/// One step of the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Environment the content came from.
    pub environment: String,
    /// Cluster that carried it on.
    pub cluster: String,
    /// Commit it was taken from.
    pub revision: String,
    /// Verification that vouched for it, `<namespace>/<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<String>,
    /// What a person changed before it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<EditedFiles>,
}

/// What a person changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditedFiles {
    /// Files that differ from the record, those not in it included.
    pub files: Vec<String>,
    /// Commit in which they were found so.
    pub commit: String,
}

/// A record that does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record does not read: {0}")]
pub struct RecordError(String);

impl Record {
    /// Reads a record file.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        serde_json::from_slice(bytes).map_err(|error| RecordError(error.to_string()))
    }

    /// The record as the bytes of its file: JSON for programs, indented for people.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// Digest over files: sorted paths, modes and blobs; nothing below `.portolan/`.
pub fn content_digest(files: &BTreeMap<String, RecordedFile>) -> String {
    let mut text = String::new();
    for (path, file) in files.iter().filter(|(path, _)| !is_ours(path)) {
        for part in [&file.mode, &file.blob, path] {
            text.push_str(part);
            text.push('\0');
        }
    }
    digest::of_bytes(text.as_bytes())
}

/// Whether a path relative to a directory is about it rather than of it.
pub fn is_ours(path: &str) -> bool {
    path.split('/').any(|part| part == FOLDER)
}

/// Id of a passage: SHA-256 over the canonical provenance and the content's digest, in hex.
pub fn passage_id(provenance: &WriterProvenance, content_digest: &str) -> String {
    let canonical = json!({"content": content_digest, "provenance": provenance});
    digest::hex(canonical.to_string().as_bytes())
}

/// Id that git gives a blob (SHA-1 repositories).
pub fn blob_id(content: &[u8]) -> String {
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", content.len()));
    hasher.update(content);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> RecordedFile {
        RecordedFile { mode: "100644".into(), blob: blob_id(content.as_bytes()) }
    }

    fn record() -> Record {
        Record {
            writer: "build/dev/app".into(),
            sequence: 3,
            files: [("a.yaml".to_owned(), file("a"))].into(),
            hops: vec![Hop { environment: "staging".into(), ..Hop::default() }],
            ..Record::default()
        }
    }

    #[test]
    fn blob_ids_are_gits() {
        assert_eq!(blob_id(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(blob_id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    }

    #[test]
    fn what_is_written_reads_back() {
        assert_eq!(Record::read(&record().write()), Ok(record()));
    }

    #[test]
    fn the_digest_knows_paths_modes_and_content_but_not_the_folder_of_the_record() {
        let base: BTreeMap<_, _> = [("a".to_owned(), file("1"))].into();
        let digest = content_digest(&base);
        let mut with_record = base.clone();
        with_record.insert(FILE.into(), file("x"));
        with_record.insert("sub/.portolan/note".into(), file("x"));
        assert_eq!(content_digest(&with_record), digest);

        let mut renamed = BTreeMap::new();
        renamed.insert("b".to_owned(), file("1"));
        assert_ne!(content_digest(&renamed), digest);
        let mut executable = base.clone();
        executable.insert("a".into(), RecordedFile { mode: "100755".into(), ..file("1") });
        assert_ne!(content_digest(&executable), digest);
        assert_ne!(content_digest(&[("a".to_owned(), file("2"))].into()), digest);
    }

    #[test]
    fn a_passage_is_its_provenance_and_content() {
        let none = WriterProvenance::default();
        let some = WriterProvenance { image: Some("r/a@sha256:1".into()), ..none.clone() };
        assert_eq!(passage_id(&none, "sha256:1"), passage_id(&none, "sha256:1"));
        assert_ne!(passage_id(&none, "sha256:1"), passage_id(&some, "sha256:1"));
        assert_ne!(passage_id(&none, "sha256:1"), passage_id(&none, "sha256:2"));
    }

    #[test]
    fn a_broken_record_is_an_error() {
        assert!(Record::read(b"{").is_err());
        assert!(Record::read(b"kind: ConfigMap").is_err());
    }
}
