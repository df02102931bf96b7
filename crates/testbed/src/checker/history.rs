//! The writes of all writers: numbered without a gap, each made once, none forgotten.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Evidence, short};
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

/// Whether a request that is open or was declined has one of the commits.
fn is_with_people(evidence: &Evidence, commits: &BTreeSet<&str>) -> bool {
    let waiting = evidence.requests.iter().filter(|request| request.state != RequestState::Merged);
    waiting
        .map(|request| evidence.reached(&request.head))
        .any(|reached| !reached.is_disjoint(commits))
}
