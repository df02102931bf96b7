//! Whether a tip holds a content.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::record::{Record, RecordedFile};

use super::desired::Desired;
use super::view::Tip;

/// Whether a tip holds the content: every desired file as desired, nothing left of what the writer
/// once wrote and does not want any more; with `exclusive`, nothing of others.
pub(super) fn holds(tip: &Tip, desired: &Desired, writer: &str, exclusive: bool) -> bool {
    let present = desired.files.iter().all(|(path, file)| {
        tip.files.get(path).is_some_and(|found| found.mode == file.mode && found.blob == file.blob)
    });
    present && removals(tip, desired, &[writer], exclusive).is_empty()
}

/// Files of a tip that have to go: those that the record of one of these writers lists, and all
/// others where the directory is exclusive.
pub(super) fn removals(
    tip: &Tip,
    desired: &Desired,
    writers: &[&str],
    exclusive: bool,
) -> BTreeSet<String> {
    let ours = tip
        .record
        .iter()
        .filter(|record| writers.contains(&record.writer.as_str()))
        .flat_map(|record| record.files.keys());
    let others = tip.files.keys().filter(|_| exclusive);
    ours.chain(others)
        .filter(|path| !desired.files.contains_key(*path) && tip.files.contains_key(*path))
        .cloned()
        .collect()
}

/// Files of a tip that are not as its own record of this writer says: what a person changed.
pub(super) fn edits(tip: &Tip, writer: &str) -> Vec<String> {
    edited(tip.record.as_ref(), &tip.files, writer)
}

/// Files that are not as a record of this writer says.
pub(super) fn edited(
    record: Option<&Record>,
    files: &BTreeMap<String, RecordedFile>,
    writer: &str,
) -> Vec<String> {
    let record = record.iter().filter(|record| record.writer == writer);
    record
        .flat_map(|record| &record.files)
        .filter(|(path, file)| files.get(*path) != Some(file))
        .map(|(path, _)| path.clone())
        .collect()
}

/// What a write that replaces edits says of them.
pub(super) fn replaces(edited: &[String]) -> Option<String> {
    (!edited.is_empty()).then(|| format!("Replaces a person's edit of {}.", edited.join(", ")))
}
