//! The branches that a change reached, and how.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use portolan_api::record::Record;

use super::{ID, NAME, PATH, SUBJECT};
use crate::trace::clean::clean;
use crate::trace::evidence::Commit;
use crate::trace::fate::{fate, is_same, time};
use crate::trace::lines::{Lines, Seen};
use crate::trace::story::{Arrival, Fate, How, Role};

/// Most arrivals, and most branches beside one, that are told.
const MOST: usize = 1000;
const BESIDE: usize = 20;

/// The branches that a change reached, oldest first.
pub(super) fn arrivals(
    lines: &Lines<'_>,
    written: &[(Seen<'_>, &Record)],
    begun: Option<Timestamp>,
) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    let mut hops = BTreeMap::new();
    let own: HashSet<&str> =
        written.iter().map(|(seen, _)| seen.point.commit.id.as_str()).collect();
    let mut merged_of = HashSet::new();
    for (seen, record) in written {
        let Some(owner) = lines.owner(seen.at) else { continue };
        let name = lines.branch_name(owner);
        let commit = &seen.point.commit;
        let (edits, fate) = fate(lines, *seen, record);
        let arrival = Arrival {
            branch: Some(clean(name, NAME)),
            also_on: beside(lines, seen.at, owner),
            role: if is_offer(lines, name) { Role::Writer } else { Role::Environment },
            how: how(lines, *seen, record),
            request: commit.notes.request,
            edits,
            fate: Some(fate),
            ..plain(commit, &seen.change.path, record, begun)
        };
        hops.insert(arrival.commit.clone(), record.hops.len());
        arrivals.push(arrival);
        // The branch may be gone: the merge still knows its commit.
        if let Some(merged) = seen.change.merged.as_ref()
            && !own.contains(merged.id.as_str())
            && merged_of.insert((merged.id.as_str(), seen.change.path.as_str()))
        {
            let branch = commit.notes.merged_branch.as_ref();
            let arrival = Arrival {
                branch: branch.map(|name| clean(name, NAME)),
                role: Role::Writer,
                how: of_commit(merged, record),
                fate: Some(Fate::Merged),
                ..plain(merged, &seen.change.path, record, begun)
            };
            hops.insert(arrival.commit.clone(), record.hops.len());
            arrivals.push(arrival);
        }
    }
    let order = |arrival: &Arrival| {
        let hops = hops.get(&arrival.commit).copied().unwrap_or_default();
        let waits = arrival.role == Role::Environment;
        (arrival.time, hops, waits, arrival.branch.clone(), arrival.path.clone())
    };
    arrivals.sort_by_cached_key(order);
    arrivals.truncate(MOST);
    arrivals
}

/// What follows from all arrivals together: content that came to a branch by a merge, squash or rebase
/// was on a writer's branch before, unless an environment took it from there.
pub(super) fn settle(arrivals: &mut [Arrival]) {
    let landed: HashSet<(String, u64, String)> = arrivals
        .iter()
        .filter(|arrival| matches!(arrival.how, How::Merge | How::Squash | How::Rebase))
        .map(identity)
        .collect();
    let is_on_environment: HashSet<(String, u64, String)> =
        arrivals.iter().filter(|arrival| arrival.role == Role::Environment).map(identity).collect();
    for arrival in arrivals {
        let is_taken = arrival.verdict.is_some();
        let identity = identity(arrival);
        if arrival.how == How::Direct && !is_taken && landed.contains(&identity) {
            arrival.role = Role::Writer;
        }
        if arrival.role == Role::Writer {
            if is_on_environment.contains(&identity) {
                arrival.fate = Some(Fate::Merged);
            } else if arrival.fate == Some(Fate::Current) {
                arrival.fate = Some(Fate::Waiting);
            }
        }
    }
}

fn identity(arrival: &Arrival) -> (String, u64, String) {
    (arrival.writer.clone(), arrival.sequence, arrival.passage.clone())
}

fn plain(commit: &Commit, path: &str, record: &Record, begun: Option<Timestamp>) -> Arrival {
    let time = time(commit);
    Arrival {
        branch: None,
        also_on: Vec::new(),
        role: Role::Environment,
        path: clean(path, PATH),
        passage: clean(&record.passage, ID),
        commit: clean(&commit.id, ID),
        time,
        after: begun.map(|begun| time.as_second().saturating_sub(begun.as_second())),
        author: clean(&commit.committer, NAME),
        subject: clean(&commit.subject, SUBJECT),
        writer: clean(&record.writer, PATH),
        sequence: record.sequence,
        how: How::Direct,
        request: None,
        verdict: None,
        went_no_further: false,
        edits: Vec::new(),
        fate: None,
    }
}

fn how(lines: &Lines<'_>, seen: Seen<'_>, record: &Record) -> How {
    if seen.point.is_oldest {
        return How::Before;
    }
    let mut before = lines.history(seen.point.before, &seen.change.path);
    if before.any(|other| other.record(lines.evidence).is_some_and(|other| is_same(other, record)))
    {
        return How::Restored;
    }
    of_commit(&seen.point.commit, record)
}

/// How the commit alone says that it came.
fn of_commit(commit: &Commit, record: &Record) -> How {
    let notes = &commit.notes;
    let is_writers = notes.writer.as_deref() == Some(&record.writer)
        && notes.passage.as_deref() == Some(&record.passage);
    match (commit.is_merge, is_writers, commit.is_copy) {
        (true, ..) => How::Merge,
        (false, true, false) => How::Direct,
        // Forges write the number of the request behind the subject of a squash.
        (false, true, true) if notes.request.is_none() => How::Rebase,
        _ => How::Squash,
    }
}

/// Whether a branch has the name of one on which a writer offers content: `staging-shop` or
/// `staging.shop`, where there is a `staging`.
fn is_offer(lines: &Lines<'_>, name: &str) -> bool {
    lines.evidence.branches.iter().any(|other| extends(name, &other.name))
}

fn extends(name: &str, other: &str) -> bool {
    let rest = name.strip_prefix(other).unwrap_or_default();
    !other.is_empty() && rest.starts_with(|c: char| !c.is_alphanumeric())
}

/// Other branches that have the commit; not those of writers, which start at another to go on.
fn beside(lines: &Lines<'_>, at: usize, owner: usize) -> Vec<String> {
    let others = lines.evidence.branches.iter().enumerate();
    let others = others.filter(|(index, branch)| *index != owner && !is_offer(lines, &branch.name));
    let has = |head: Option<usize>| lines.back(head).any(|(other, _)| other == at);
    others
        .filter(|(_, branch)| has(branch.head))
        .map(|(_, branch)| clean(&branch.name, NAME))
        .take(BESIDE)
        .collect()
}
