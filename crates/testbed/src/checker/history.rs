//! The writes of all writers: numbered without a gap, each made once, none forgotten.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::record::content_digest;

use super::evidence::{Commit, Directory, Evidence, short};
use super::landings::landings;
use super::verdict::Verdict;
use crate::forge::RequestState;

/// Checks all writers.
pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    let mut on_branches = BTreeSet::new();
    let mut landed: BTreeMap<&str, u64> = BTreeMap::new();
    for environment in &evidence.environments {
        let history = evidence.history(&environment.tip);
        on_branches.extend(history.into_iter().map(|commit| commit.id.as_str()));
        for record in landings(evidence, environment).iter().filter_map(|l| l.by_writer) {
            let newest = landed.entry(&record.writer).or_default();
            *newest = record.sequence.max(*newest);
        }
    }
    for (writer, writes) in writes(evidence) {
        verdict.writes += writes.len();
        repeated(evidence, writer, &writes, verdict);
        for (sequence, commits) in &writes {
            // The forge copies a commit when it merges by rebase.
            let (in_goal, offered): (Vec<&str>, Vec<&str>) =
                commits.iter().partition(|commit| on_branches.contains(**commit));
            for same in [in_goal, offered].iter().filter(|same| same.len() > 1) {
                let same: Vec<&str> = same.iter().map(|id| short(id)).collect();
                verdict.twice(format!("write {sequence} of {writer}: {}", same.join(", ")));
            }
        }
        let newest = writes.keys().copied().max().unwrap_or_default();
        for missing in (1..=newest).filter(|sequence| !writes.contains_key(sequence)) {
            verdict.lost(format!("write {missing} of {writer}, which wrote {newest} times"));
        }
        let arrived = landed.get(writer).copied().unwrap_or_default();
        let last = writes.get(&newest).cloned().unwrap_or_default();
        if arrived < newest && !is_with_people(evidence, &last) {
            verdict.lost(format!(
                "write {newest} of {writer} is in no environment's branch, and no request offers it"
            ));
        }
    }
}

/// The commits of every writer, by the number of the write.
fn writes(evidence: &Evidence) -> BTreeMap<&str, BTreeMap<u64, BTreeSet<&str>>> {
    let mut writes: BTreeMap<&str, BTreeMap<u64, BTreeSet<&str>>> = BTreeMap::new();
    for commit in evidence.commits.values() {
        if let Some((_, record)) = commit.written() {
            let numbered = writes.entry(&record.writer).or_default();
            numbered.entry(record.sequence).or_default().insert(&commit.id);
        }
    }
    writes
}

/// No two writes that follow each other have the same content, unless it was declined between them or
/// something else came to the directory: people took it back or edited it, or the goal moved on.
fn repeated(
    evidence: &Evidence,
    writer: &str,
    numbered: &BTreeMap<u64, BTreeSet<&str>>,
    verdict: &mut Verdict,
) {
    for ((sequence, first), (next, second)) in numbered.iter().zip(numbered.iter().skip(1)) {
        let same = first.iter().find_map(|id| {
            let (path, record) = evidence.commits.get(*id)?.written()?;
            let again = |id: &&str| {
                let written = evidence.commits.get(*id).and_then(Commit::written);
                written.is_some_and(|(p, r)| (p, &r.digest) == (path, &record.digest))
            };
            second.iter().any(again).then_some((path, &record.digest))
        });
        let Some((path, digest)) = same else { continue };
        let known: BTreeSet<&str> = first.iter().flat_map(|id| evidence.reached(id)).collect();
        let changed = |id: &&str| {
            let between = evidence.reached(id).into_iter().filter(|id| !known.contains(id));
            let mut between = between.filter_map(|id| evidence.commits.get(id));
            between.any(|commit| brings_other(evidence, commit, path, digest))
        };
        if !declined(evidence, first, second) && !second.iter().all(changed) {
            verdict
                .twice(format!("writes {sequence} and {next} of {writer} have the same content"));
        }
    }
}

/// Whether a commit changed a directory, to other content than that of a digest.
fn brings_other(evidence: &Evidence, commit: &Commit, path: &str, digest: &str) -> bool {
    let none = Directory::default();
    let before = evidence.before(commit, path).unwrap_or(&none);
    let after = commit.directories.get(path).unwrap_or(&none);
    before.files != after.files && content_digest(&after.files) != digest
}

/// Whether a request with one of the first commits, and none of the second, was closed unmerged.
fn declined(evidence: &Evidence, first: &BTreeSet<&str>, second: &BTreeSet<&str>) -> bool {
    let closed = evidence.requests.iter().filter(|request| request.state == RequestState::Closed);
    closed
        .map(|request| evidence.reached(&request.head))
        .any(|reached| !reached.is_disjoint(first) && reached.is_disjoint(second))
}

/// Whether a request that is open or was declined has one of the commits.
fn is_with_people(evidence: &Evidence, commits: &BTreeSet<&str>) -> bool {
    let waiting = evidence.requests.iter().filter(|request| request.state != RequestState::Merged);
    waiting
        .map(|request| evidence.reached(&request.head))
        .any(|reached| !reached.is_disjoint(commits))
}
