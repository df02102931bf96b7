//! What came into an environment's branch: in order, once, whole.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::record::{Record, content_digest};

use super::evidence::{Commit, Directory, Environment, Evidence, short};
use super::verdict::Verdict;
use crate::forge::Request;

/// A change of a directory in an environment's branch.
pub(super) struct Landing<'e> {
    pub(super) commit: &'e Commit,
    before: Option<&'e Directory>,
    after: &'e Directory,
    /// The record, where it was a writer's content that came; nothing where a person changed the
    /// directory.
    pub(super) by_writer: Option<&'e Record>,
}

/// The changes of all directories in a branch, oldest first.
pub(super) fn landings<'e>(evidence: &'e Evidence, environment: &Environment) -> Vec<Landing<'e>> {
    let mut landings = Vec::new();
    let none = Directory::default();
    for commit in evidence.history(&environment.tip) {
        for (path, after) in &commit.directories {
            let before = evidence.before(commit, path);
            if before.unwrap_or(&none) == after {
                continue;
            }
            let by_writer = brought(evidence, commit, path);
            landings.push(Landing { commit, before, after, by_writer });
        }
    }
    landings
}

/// The record that a commit of an environment's branch brought from its writer, by itself or out of a
/// request that was merged with it or after it: a forge that goes away while it merges may have pushed
/// the commit and not know of it, and then it merges once more, which changes nothing.
fn brought<'e>(evidence: &'e Evidence, commit: &'e Commit, path: &str) -> Option<&'e Record> {
    let directory = commit.directories.get(path)?;
    let record = directory.record.as_ref()?;
    if commit.written().is_some_and(|(written, _)| written == path) {
        return Some(record);
    }
    let known = evidence.reached(commit.parents.first().map_or("", String::as_str));
    let brings = |request: &&Request| {
        let Some(merged_as) = &request.merged_as else { return false };
        let head = evidence.commits.get(&request.head);
        if head.and_then(|head| head.directories.get(path)) != Some(directory)
            || !evidence.reached(merged_as).contains(commit.id.as_str())
        {
            return false;
        }
        let new = evidence.reached(&request.head).into_iter().filter(|id| !known.contains(id));
        let mut written = new.filter_map(|id| evidence.commits.get(id)).filter_map(Commit::written);
        written
            .any(|(_, found)| (&found.writer, found.sequence) == (&record.writer, record.sequence))
    };
    evidence.requests.iter().find(brings).map(|_| record)
}

/// Checks one branch.
pub(super) fn check(evidence: &Evidence, environment: &Environment, verdict: &mut Verdict) {
    let branch = &environment.branch;
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for landing in landings(evidence, environment) {
        verdict.landings += 1;
        let Some(record) = landing.by_writer else { continue };
        let what = format!(
            "{} on {branch} brings write {} of {}",
            short(&landing.commit.id),
            record.sequence,
            record.writer
        );
        match last.insert(&record.writer, record.sequence) {
            Some(before) if before == record.sequence => {
                verdict.twice(format!("{what}, which was there already"));
            }
            Some(before) if before > record.sequence => {
                verdict.lost(format!("{what} over write {before}, which was newer"));
            }
            _ => {}
        }
        if landing.before.is_some_and(|before| before.files == landing.after.files) {
            verdict.twice(format!("{what}, with the content that stood there already"));
        }
        let files = &landing.after.files;
        if record.files != *files || record.digest != content_digest(files) {
            verdict.lost(format!("{what}, but the files there are not those of its record"));
        }
    }
    merged(evidence, environment, verdict);
}

/// Every merged request is in the branch's history, with what its head had.
fn merged(evidence: &Evidence, environment: &Environment, verdict: &mut Verdict) {
    let reached = evidence.reached(&environment.tip);
    for request in evidence.requests.iter().filter(|request| request.base == environment.branch) {
        let Some(merged_as) = &request.merged_as else { continue };
        let number = request.number;
        let Some(commit) =
            evidence.commits.get(merged_as).filter(|_| reached.contains(merged_as.as_str()))
        else {
            let what = format!("request {number} was merged as {}", short(merged_as));
            verdict.lost(format!("{what}, which {} does not have", environment.branch));
            continue;
        };
        let Some(head) = evidence.commits.get(&request.head) else {
            verdict.lost(format!("the head {} of request {number}", short(&request.head)));
            continue;
        };
        for path in offered(evidence, commit, head) {
            if head.directories.get(path) != commit.directories.get(path) {
                let what = format!("request {number} was merged as {}", short(merged_as));
                verdict.lost(format!("{what}, which has not what the request had in {path}"));
            }
        }
    }
}

/// The directories that a request's own commits changed.
fn offered<'e>(evidence: &'e Evidence, merged_as: &Commit, head: &'e Commit) -> BTreeSet<&'e str> {
    let known = evidence.reached(merged_as.parents.first().map_or("", String::as_str));
    let new = evidence.reached(&head.id).into_iter().filter(|id| !known.contains(id));
    let mut paths = BTreeSet::new();
    for commit in new.filter_map(|id| evidence.commits.get(id)) {
        // A merge only joins what others changed.
        if commit.parents.len() > 1 {
            continue;
        }
        let changed = commit.directories.iter().filter(|(path, directory)| {
            evidence.before(commit, path).unwrap_or(&Directory::default()) != *directory
        });
        paths.extend(changed.map(|(path, _)| path.as_str()));
    }
    paths
}
