//! Telling the story of a change.

use std::collections::BTreeSet;

use jiff::Timestamp;
use portolan_api::native::commit_of;
use portolan_api::record::Record;

use super::clean::clean;
use super::evidence::{Evidence, What};
use super::family::Family;
use super::find::Candidate;
use super::lines::{Lines, Seen};
use super::story::{Link, Source, SourceChange, Story, Unreadable};

mod arrivals;
mod verdicts;

/// Longest id, name, subject, path, url.
pub(super) const ID: usize = 128;
pub(super) const NAME: usize = 100;
pub(super) const SUBJECT: usize = 200;
pub(super) const PATH: usize = 300;
/// Most files that are named.
pub(super) const FILES: usize = 50;
/// Most records that are said not to read.
const UNREADABLE: usize = 50;

/// Tells the story of a change that [`find`](super::find) found.
pub fn tell(evidence: &Evidence, candidate: &Candidate) -> Story {
    let lines = Lines::new(evidence);
    let family = Family::new(evidence);
    let chain = family.chain(&candidate.passage);
    let written = written(&lines, &chain, candidate);
    let mut story = Story {
        passage: clean(&candidate.passage, ID),
        chain: chain.iter().map(|passage| link(&family, &written, passage)).collect(),
        path: clean(&candidate.path, PATH),
        cut: evidence.cut.as_deref().map(|cut| clean(cut, SUBJECT)),
        ..Story::default()
    };
    let own = written.iter().filter(|(_, record)| record.passage == candidate.passage);
    let Some((first, record)) = own.min_by_key(|(seen, _)| seen.point.commit.time) else {
        return story;
    };
    let text = |value: &Option<String>| value.as_ref().map(|value| clean(value, PATH));
    story.workload = text(&record.provenance.workload);
    story.supply_chain = text(&record.provenance.supply_chain);
    story.image = text(&record.provenance.image);
    story.source = source(&lines, *first, record);
    let begun = begun(record);
    story.arrivals = arrivals::arrivals(&lines, &written, begun);
    story.elsewhere = verdicts::attach(&lines, &written, &mut story.arrivals);
    arrivals::settle(&mut story.arrivals);
    verdicts::note_ends(&lines, &mut story.arrivals);
    story.unreadable = unreadable(&lines, &written, candidate);
    story
}

/// Everything that was written of a chain of passages. Where first writers wrote the same content to
/// several directories, only that of the candidate.
fn written<'e>(
    lines: &Lines<'e>,
    chain: &[&str],
    candidate: &Candidate,
) -> Vec<(Seen<'e>, &'e Record)> {
    let chain: BTreeSet<&str> = chain.iter().copied().collect();
    let is_ours = |seen: &Seen<'_>, record: &Record| {
        chain.contains(record.passage.as_str())
            && lines.owner(seen.at).is_some()
            && (!record.hops.is_empty() || seen.change.path == candidate.path)
    };
    lines.writings().filter(|(seen, record)| is_ours(seen, record)).collect()
}

fn link(family: &Family<'_>, written: &[(Seen<'_>, &Record)], passage: &str) -> Link {
    let of = written.iter().map(|(_, record)| *record).filter(|record| record.passage == passage);
    let parent = family.parent(passage);
    // The record with the shortest way is the one that began the passage.
    let first = of.min_by_key(|record| record.hops.len()).filter(|_| parent.is_some());
    let edited = first.and_then(|record| record.hops.last()?.edited.as_ref());
    let files = edited.iter().flat_map(|edited| edited.files.iter().take(FILES));
    Link {
        passage: clean(passage, ID),
        parent: parent.map(|parent| clean(parent, ID)),
        edited_files: files.map(|file| clean(file, PATH)).collect(),
        edited_commit: edited.map(|edited| clean(&edited.commit, ID)),
    }
}

/// Where a change comes from: the commits since the one that the content before it was made from.
fn source(lines: &Lines<'_>, first: Seen<'_>, record: &Record) -> Option<Source> {
    let source = record.provenance.source.as_ref()?;
    let before = lines.history(first.point.before, &first.change.path);
    let before = before.filter_map(|seen| seen.record(lines.evidence)).find(|other| {
        other.passage != record.passage && Some(&other.passage) != record.parent.as_ref()
    });
    let had = before.and_then(|record| record.provenance.source.as_ref());
    let had = had.map(|source| commit_of(&source.revision));
    let is_new = |id: &str| had != Some(id);
    let commits = record.commits.iter().take_while(|commit| is_new(&commit.id));
    let commits: Vec<SourceChange> = commits
        .map(|commit| SourceChange {
            id: clean(&commit.id, ID),
            author: clean(&commit.author, NAME),
            subject: clean(&commit.subject, SUBJECT),
            time: commit.time.parse().ok(),
        })
        .collect();
    Some(Source {
        url: clean(&source.url, PATH),
        revision: clean(&source.revision, PATH),
        more: had.is_some() && commits.len() == record.commits.len(),
        commits,
    })
}

/// When it began: the time of the source commit.
fn begun(record: &Record) -> Option<Timestamp> {
    let revision = commit_of(&record.provenance.source.as_ref()?.revision);
    let commit = record.commits.iter().find(|commit| commit.id == revision);
    commit?.time.parse().ok()
}

/// What does not read in the directories of the story.
fn unreadable(
    lines: &Lines<'_>,
    written: &[(Seen<'_>, &Record)],
    candidate: &Candidate,
) -> Vec<Unreadable> {
    let mut paths: BTreeSet<&str> =
        written.iter().map(|(seen, _)| seen.change.path.as_str()).collect();
    paths.insert(&candidate.path);
    let ours = lines.all().filter(|seen| paths.contains(seen.change.path.as_str()));
    let found = ours.filter_map(|seen| {
        let What::Unreadable(problem) = &seen.change.what else { return None };
        Some(Unreadable {
            branch: clean(lines.branch_name(lines.owner(seen.at)?), NAME),
            path: clean(&seen.change.path, PATH),
            commit: clean(&seen.point.commit.id, ID),
            problem: clean(problem, SUBJECT),
        })
    });
    found.take(UNREADABLE).collect()
}
