//! The files and the records below a directory.

use std::collections::BTreeMap;

use git2::Oid;
use portolan_api::record::{FOLDER, Record, RecordedFile};

use super::objects::Objects;
use super::tree::{Entry, Kind};
use crate::error::Error;
use crate::wire::Failure;

/// Longest record.
const MAX_RECORD: u64 = 16 << 20;
/// Name of the record in its folder.
const PASSAGE: &[u8] = b"passage";
/// Deepest directory.
const MAX_DEPTH: usize = 128;

/// What stands where a directory's record would be.
pub(super) enum Found {
    Nothing,
    Record(Box<Record>),
    Unreadable(String),
}

/// The record's entry of a directory.
pub(super) fn entry(objects: &Objects<'_>, directory: Oid) -> Result<Option<Entry>, Failure> {
    objects.at(directory, &[FOLDER.as_bytes(), PASSAGE])
}

/// The record of a directory.
pub(super) fn of(objects: &Objects<'_>, directory: Oid) -> Result<Found, Failure> {
    let Some(entry) = entry(objects, directory)? else { return Ok(Found::Nothing) };
    if !matches!(entry.kind(), Kind::File | Kind::Program) {
        return Ok(Found::Unreadable(format!("it is a {}", entry.kind().word())));
    }
    if objects.size(entry.id)? > MAX_RECORD {
        return Ok(Found::Unreadable("it is too long".into()));
    }
    Ok(match Record::read(&objects.blob(entry.id)?) {
        Ok(record) => Found::Record(Box::new(record)),
        Err(error) => Found::Unreadable(error.to_string()),
    })
}

/// What is below a directory.
#[derive(Default)]
pub(super) struct Below {
    /// Files by path relative to it, but for those below a `.portolan`. Names that are no text are
    /// nobody's to write, and so are left out.
    pub(super) files: BTreeMap<String, RecordedFile>,
    /// Directories further down that have a record, and theirs.
    pub(super) records: Vec<(String, Record)>,
}

/// Goes through everything below a directory.
pub(super) fn walk(objects: &Objects<'_>, directory: Oid, most: usize) -> Result<Below, Failure> {
    let mut below = Below::default();
    let mut entries = 0;
    let mut open = vec![(String::new(), directory, 0)];
    while let Some((path, id, depth)) = open.pop() {
        for entry in objects.tree(id)? {
            entries += 1;
            if entries > most || depth > MAX_DEPTH {
                let what = "the directory of the writer".to_owned();
                return Err(Error::TooLarge { what, limit: format!("{most} files") }.into());
            }
            let Ok(name) = std::str::from_utf8(&entry.name) else { continue };
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            if name == FOLDER {
                continue;
            }
            if entry.is_tree() {
                if let Some(record) = nested(objects, entry.id)? {
                    below.records.push((path.clone(), record));
                }
                open.push((path, entry.id, depth + 1));
            } else {
                let mode = entry.kind().mode().to_owned();
                below.files.insert(path, RecordedFile { mode, blob: entry.id.to_string() });
            }
        }
    }
    below.records.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(below)
}

/// The record of a directory that is not the writer's. One that does not read is somebody's all the
/// same.
pub(super) fn nested(objects: &Objects<'_>, directory: Oid) -> Result<Option<Record>, Failure> {
    Ok(match of(objects, directory)? {
        Found::Nothing => None,
        Found::Record(record) => Some(*record),
        Found::Unreadable(why) => Some(Record {
            writer: format!("(its record does not read: {why})"),
            ..Record::default()
        }),
    })
}
