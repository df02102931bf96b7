//! Leaving out the commits that do not matter.

use std::collections::{HashMap, HashSet};

use git2::Oid;
use portolan_api::native::commit_of;
use portolan_api::record::Record;
use portolan_plan::trace::{Branch, Change, Commit, Evidence, Point, Seek, What, notes};

use super::diff::Changed;
use super::walk::{Node, Walked};
use crate::names;
use crate::text::{self, shown};
use crate::wire::Failure;
use crate::worker::objects::Objects;

/// Commits that are kept because their id begins as asked.
const MAX_SOUGHT: usize = 16;
/// Commits of a merged branch that are gone through.
const MAX_MERGED: usize = 200;
/// Longest text of a commit.
const TEXT: usize = 400;

/// Puts together what is told: commits that changed something, that are sought, or that records name.
pub(super) fn points(
    objects: &Objects<'_>,
    tips: &[(String, Oid)],
    walked: &Walked,
    changes: Vec<Vec<Changed>>,
    records: Vec<Record>,
    seek: &Seek,
) -> Result<Evidence, Failure> {
    let named = named(&records);
    let mut sought = 0;
    let mut matters = |id: Oid| {
        let text = id.to_string();
        let is_sought = seek.commit.as_ref().is_some_and(|begin| text.starts_with(begin.as_str()));
        sought += usize::from(is_sought);
        (is_sought && sought <= MAX_SOUGHT) || named.contains(&id)
    };
    let mut line = Line { nodes: &walked.nodes, nearest: HashMap::new() };
    let mut kept = Vec::new();
    for (id, changes) in walked.order.iter().zip(changes) {
        if !changes.is_empty() || matters(*id) {
            line.nearest.insert(*id, Some(kept.len()));
            kept.push((*id, changes));
        }
    }
    let mut points = Vec::with_capacity(kept.len());
    for (id, changes) in kept {
        let Some(node) = walked.nodes.get(&id) else { continue };
        let mut told = Vec::with_capacity(changes.len());
        for change in changes {
            let is_written = matches!(change.what, What::Written(_));
            let merged = match node.merged.filter(|_| is_written) {
                Some(merged) => brought(objects, merged, &change)?,
                None => None,
            };
            told.push(Change { path: text::name(&change.path), what: change.what, merged });
        }
        points.push(Point {
            commit: commit(objects, id)?,
            before: node.parent.and_then(|parent| line.nearest(parent)),
            is_oldest: node.is_oldest,
            changes: told,
        });
    }
    let branches = tips.iter().map(|(name, tip)| {
        let name = shown(name, TEXT);
        Branch { name, head: line.nearest(*tip) }
    });
    Ok(Evidence {
        branches: branches.collect(),
        points,
        records,
        commits: walked.order.len(),
        cut: None,
    })
}

/// The commits that the hops of records name.
fn named(records: &[Record]) -> HashSet<Oid> {
    let hops = records.iter().flat_map(|record| &record.hops);
    hops.filter_map(|hop| Oid::from_str(commit_of(&hop.revision)).ok()).collect()
}

/// First-parent lines, and the nearest commit on them that is told.
struct Line<'a> {
    nodes: &'a HashMap<Oid, Node>,
    nearest: HashMap<Oid, Option<usize>>,
}

impl Line<'_> {
    /// The index of a commit, or of the next older one that is told.
    fn nearest(&mut self, from: Oid) -> Option<usize> {
        let mut passed = Vec::new();
        let mut at = Some(from);
        let found = loop {
            let Some(id) = at else { break None };
            if let Some(known) = self.nearest.get(&id) {
                break *known;
            }
            passed.push(id);
            at = self.nodes.get(&id).and_then(|node| node.parent);
        };
        self.nearest.extend(passed.into_iter().map(|id| (id, found)));
        found
    }
}

/// The commit of a merged branch that brought what the merge has.
fn brought(
    objects: &Objects<'_>,
    merged: Oid,
    change: &Changed,
) -> Result<Option<Commit>, Failure> {
    let path = String::from_utf8_lossy(&change.path).into_owned();
    let mut parts = names::parts(&path);
    parts.extend([&b".portolan"[..], b"passage"]);
    let mut found = None;
    let mut next = Some(merged);
    for _ in 0..MAX_MERGED {
        let Some(id) = next.filter(|id| objects.has(*id)) else { break };
        let at = objects.commit(id)?;
        let entry = objects.at(at.tree_id(), &parts)?;
        if entry.map(|entry| entry.id) != change.record {
            break;
        }
        found = Some(id);
        next = at.parent_ids().next();
    }
    found.map(|id| commit(objects, id)).transpose()
}

/// A commit, as it is told.
fn commit(objects: &Objects<'_>, id: Oid) -> Result<Commit, Failure> {
    let found = objects.commit(id)?;
    let (author, committer) = (found.author(), found.committer());
    let message = String::from_utf8_lossy(found.message_bytes());
    let is_copy = author.name_bytes() != committer.name_bytes()
        || author.email_bytes() != committer.email_bytes()
        || author.when().seconds() != committer.when().seconds();
    let subject = message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    // GitHub signs what people merge there with its own name.
    let is_forge = committer.email_bytes() == b"noreply@github.com";
    let merger = if is_forge { &author } else { &committer };
    Ok(Commit {
        id: id.to_string(),
        time: found.time().seconds(),
        author: shown(&String::from_utf8_lossy(author.name_bytes()), TEXT),
        committer: shown(&String::from_utf8_lossy(merger.name_bytes()), TEXT),
        subject: shown(subject, TEXT),
        is_merge: found.parent_count() > 1,
        is_copy,
        notes: notes(&message),
    })
}
