//! How a promotion carries a passage on.

use std::collections::BTreeMap;

use portolan_api::native::git_writer::WriterProvenance;
use portolan_api::record::{self, Hop, Record, RecordedFile};

use super::desired::{Carried, edited};

/// The passage of a promoted tree: the record's where the files are as it says, else a new one whose
/// parent it is, with a hop that names what was edited.
pub(super) fn carry(
    record: Option<Record>,
    files: BTreeMap<String, RecordedFile>,
    digest: &str,
    own: &WriterProvenance,
    hop: Hop,
) -> Carried {
    let Some(record) = record else {
        return Carried {
            passage: record::passage_id(own, digest),
            parent: None,
            provenance: own.clone(),
            hops: vec![hop],
            commits: Vec::new(),
        };
    };
    let mut hops = record.hops.clone();
    if record.digest == digest {
        hops.push(hop);
        return Carried {
            passage: record.passage,
            parent: record.parent,
            provenance: record.provenance,
            hops,
            commits: record.commits,
        };
    }
    let changes = edited(&record, &files, &hop.revision);
    hops.push(Hop { edited: Some(changes), ..hop });
    Carried {
        passage: record::passage_id(&record.provenance, digest),
        parent: Some(record.passage),
        provenance: record.provenance,
        hops,
        commits: record.commits,
    }
}
