//! Sources: every commit is told by a record, or a newer one that is told has it; one image each.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::record::Record;

use super::evidence::{Evidence, Source, short};
use super::verdict::Verdict;

/// Checks all sources.
pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    for source in &evidence.sources {
        verdict.sources += source.commits.len();
        told(evidence, source, verdict);
        images(evidence, source, verdict);
    }
}

/// The last commit is what the first environment's branch tells of; those before it were told, or came
/// along with a later one.
fn told(evidence: &Evidence, source: &Source, verdict: &mut Verdict) {
    let Some(first) = evidence.environments.first() else { return };
    let directory = &source.directory;
    let (mut made_of, mut came_along) = (BTreeSet::new(), BTreeSet::new());
    let history = evidence.history(&first.tip);
    let records = history.iter().filter_map(|c| c.directories.get(directory)?.record.as_ref());
    for record in records {
        made_of.extend(revision(record));
        came_along.extend(record.commits.iter().map(|commit| commit.id.as_str()));
    }
    for (index, commit) in source.commits.iter().enumerate() {
        let is_last = index + 1 == source.commits.len();
        let superseded = !is_last && came_along.contains(commit.as_str());
        if !made_of.contains(commit.as_str()) && !superseded {
            let what = format!("source commit {} of {directory}", short(commit));
            verdict.lost(format!("{what} is told by no record in {}", first.branch));
        }
    }
}

fn revision(record: &Record) -> Option<&str> {
    record.provenance.source.as_ref().map(|source| source.revision.as_str())
}

/// One image for each commit, in all records and in the registry.
fn images(evidence: &Evidence, source: &Source, verdict: &mut Verdict) {
    let mut images: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for commit in evidence.commits.values() {
        let record = commit.directories.get(&source.directory);
        let Some(record) = record.and_then(|directory| directory.record.as_ref()) else { continue };
        let (Some(revision), Some(image)) = (revision(record), record.provenance.image.as_deref())
        else {
            continue;
        };
        let digest = image.rsplit_once('@').map_or(image, |(_, digest)| digest);
        images.entry(revision).or_default().insert(digest);
    }
    for (revision, digest) in &source.images {
        images.entry(revision).or_default().insert(digest);
    }
    for (revision, digests) in images.iter().filter(|(_, digests)| digests.len() > 1) {
        let digests: Vec<&str> = digests.iter().copied().collect();
        let what = format!("the image of {} of {}", short(revision), source.directory);
        verdict.twice(format!("{what}: {}", digests.join(", ")));
    }
}
