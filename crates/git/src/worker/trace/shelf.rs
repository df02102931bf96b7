//! The records that were read, once each and without what a story does not need.

use std::collections::HashMap;

use git2::Oid;
use portolan_api::record::{COMMITS, Record};

use crate::wire::Failure;
use crate::worker::objects::Objects;
use crate::worker::records::{self, Found};
use crate::worker::tree::Entry;

/// Bytes of record files that are read, and of records that are kept.
const MAX_READ: u64 = 1 << 30;
const MAX_KEPT: usize = 64 << 20;
/// What a record that is too large to be read counts.
const LARGE: u64 = 16 << 20;
/// Hops of a record that are kept, and files of an edit.
const HOPS: usize = 64;
const FILES: usize = 50;
/// Longest text of a record, in bytes.
const TEXT: usize = 2048;

/// The records that were read.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) records: Vec<Record>,
    known: HashMap<Oid, Result<usize, String>>,
    read: u64,
    kept: usize,
    pub(super) is_full: bool,
}

impl Shelf {
    /// The index of the record that an entry of a directory is, or why it does not read.
    pub(super) fn index(
        &mut self,
        objects: &Objects<'_>,
        directory: Oid,
        entry: &Entry,
    ) -> Result<Result<usize, String>, Failure> {
        if let Some(known) = self.known.get(&entry.id) {
            return Ok(known.clone());
        }
        let index = self.put(objects, directory, entry)?;
        self.known.insert(entry.id, index.clone());
        Ok(index)
    }

    fn put(
        &mut self,
        objects: &Objects<'_>,
        directory: Oid,
        entry: &Entry,
    ) -> Result<Result<usize, String>, Failure> {
        if !objects.has(entry.id) {
            return Ok(Err("it is not in this clone, which leaves out file contents".into()));
        }
        self.read = self.read.saturating_add(objects.size(entry.id)?.min(LARGE));
        if self.read > MAX_READ || self.kept > MAX_KEPT {
            self.is_full = true;
            return Ok(Err("there are too many records to read them all".into()));
        }
        Ok(match records::of(objects, directory)? {
            Found::Record(mut record) => {
                self.kept += slim(&mut record);
                self.records.push(*record);
                Ok(self.records.len() - 1)
            }
            Found::Unreadable(why) => Err(why),
            Found::Nothing => Err("it is not there".into()),
        })
    }
}

/// Takes away what a story does not need, and says about how many bytes are left.
fn slim(record: &mut Record) -> usize {
    record.files.clear();
    let early = record.hops.len().saturating_sub(HOPS);
    record.hops.drain(..early);
    record.commits.truncate(COMMITS);
    let mut kept = 0;
    let mut text = |text: &mut String| {
        let end = (0..=TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        kept += text.len() + size_of::<String>();
    };
    let provenance = &mut record.provenance;
    let optional = [
        &mut record.parent,
        &mut provenance.workload,
        &mut provenance.image,
        &mut provenance.supply_chain,
    ];
    [&mut record.writer, &mut record.passage, &mut record.digest].into_iter().for_each(&mut text);
    optional.into_iter().flatten().for_each(&mut text);
    if let Some(source) = &mut provenance.source {
        [&mut source.url, &mut source.revision].into_iter().for_each(&mut text);
    }
    for commit in &mut record.commits {
        [&mut commit.id, &mut commit.author, &mut commit.subject, &mut commit.time]
            .into_iter()
            .for_each(&mut text);
    }
    for hop in &mut record.hops {
        [&mut hop.environment, &mut hop.cluster, &mut hop.revision]
            .into_iter()
            .chain(&mut hop.verification)
            .for_each(&mut text);
        if let Some(edited) = &mut hop.edited {
            edited.files.truncate(FILES);
            edited.files.iter_mut().chain([&mut edited.commit]).for_each(&mut text);
        }
    }
    kept + size_of::<Record>()
}

#[cfg(test)]
mod tests {
    use portolan_api::record::{EditedFiles, Hop};

    use super::*;

    #[test]
    fn of_a_giant_record_little_is_kept() {
        let edited = EditedFiles { files: vec!["f".repeat(5000); 60], commit: "c".into() };
        let hop = Hop { environment: "e".repeat(10_000), edited: Some(edited), ..Hop::default() };
        let mut record =
            Record { writer: "ä".repeat(10_000), hops: vec![hop; 70], ..Record::default() };
        record.hops[69].cluster = "last".into();
        let kept = slim(&mut record);
        assert!(kept < 8 << 20, "{kept}");
        assert_eq!(record.hops.len(), HOPS);
        assert_eq!(record.hops[HOPS - 1].cluster, "last");
        assert_eq!(record.writer.len(), TEXT);
    }
}
