//! Promotions: what an environment verified goes on to the next one.

use std::collections::BTreeSet;

use portolan_api::record::{Record, content_digest};

use super::evidence::{Commit, Environment, Evidence, short};
use super::verdict::Verdict;
use crate::forge::RequestState;

/// What one environment verified is in the history of the next, or with people: a request offers it or
/// was declined. A newer landing of the directory that came so far stands for those before it, and what
/// the next environment took back need not be offered again.
///
/// A Verification keeps the last revision that passed and none before it, so this speaks of the last
/// verified revision of each directory. What came to a branch and never passed is not asked for.
pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    for pair in evidence.environments.windows(2) {
        let [from, to] = pair else { continue };
        for (path, revision) in &from.verified {
            let what = format!("{path} in {}: {} was verified", from.branch, short(revision));
            let reached = evidence.reached(&from.tip);
            let Some(commit) =
                evidence.commits.get(revision).filter(|_| reached.contains(revision.as_str()))
            else {
                verdict.lost(format!("{what}, which {} does not have", from.branch));
                continue;
            };
            if !went_on(evidence, [from, to], path, commit) {
                let next = &to.branch;
                verdict.lost(format!("{what}, but did not come to {next}, and no request has it"));
            }
        }
    }
}

/// Whether what a verified commit has in a directory came to the next environment or to its people.
fn went_on(
    evidence: &Evidence,
    [from, to]: [&Environment; 2],
    path: &str,
    verified: &Commit,
) -> bool {
    let Some(directory) = verified.directories.get(path) else { return true };
    let Some(landing) = landing(evidence, from, path, verified) else { return true };
    let arrived = evidence.history(&to.tip).into_iter();
    let offered = evidence
        .requests
        .iter()
        .filter(|request| request.base == to.branch && request.state != RequestState::Merged)
        .filter_map(|request| evidence.commits.get(&request.head));
    let records: Vec<&Record> = arrived
        .chain(offered)
        .filter_map(|commit| commit.directories.get(path)?.record.as_ref())
        .collect();
    // The tree may be taken from a later commit than the one that brought it.
    let revisions: BTreeSet<&str> =
        records.iter().flat_map(|r| &r.hops).map(|hop| hop.revision.as_str()).collect();
    if revisions.into_iter().any(|revision| evidence.reached(revision).contains(landing)) {
        return true;
    }
    // The same content once more is not written again: it stands there, was taken back or declined.
    let last = records.iter().max_by_key(|record| record.sequence);
    last.is_some_and(|record| record.digest == content_digest(&directory.files))
}

/// The commit of an environment's branch that brought what a commit has in a directory.
fn landing<'e>(
    evidence: &'e Evidence,
    environment: &Environment,
    path: &str,
    verified: &Commit,
) -> Option<&'e str> {
    let known = evidence.reached(&verified.id);
    let history = evidence.history(&environment.tip);
    let mut until = history.into_iter().rev().filter(|commit| known.contains(commit.id.as_str()));
    let brought = until.find(|commit| {
        let before = evidence.before(commit, path).map(|directory| &directory.files);
        before != commit.directories.get(path).map(|directory| &directory.files)
    });
    brought.map(|commit| commit.id.as_str())
}
