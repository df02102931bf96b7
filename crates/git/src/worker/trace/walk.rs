//! Going through the first-parent histories of all branches at once.

use std::collections::{BinaryHeap, HashMap, HashSet};

use git2::Oid;

use crate::wire::Failure;
use crate::worker::objects::Objects;

/// Commits that are gone through, of all branches together.
const MAX_COMMITS: usize = 20_000;

/// The commits on the first-parent lines of all branches.
#[derive(Default)]
pub(super) struct Walked {
    /// In the order of their times, newest first; a commit comes before its parent.
    pub(super) order: Vec<Oid>,
    pub(super) nodes: HashMap<Oid, Node>,
    /// Why this is not all, where it is not.
    pub(super) cut: Option<String>,
}

/// A commit.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) tree: Oid,
    pub(super) parent: Option<Oid>,
    /// Of a merge: the commit that was merged.
    pub(super) merged: Option<Oid>,
    /// Whether it has a parent that is not at hand.
    pub(super) is_oldest: bool,
}

/// Goes through them, newest first, so that where there are too many all branches end at one time.
pub(super) fn walk(objects: &Objects<'_>, tips: &[(String, Oid)]) -> Result<Walked, Failure> {
    let mut walked = Walked::default();
    let shallow = shallow(objects);
    let mut known: HashSet<Oid> = HashSet::new();
    let mut open = BinaryHeap::new();
    for (_, tip) in tips {
        if known.insert(*tip) {
            open.push((objects.commit(*tip)?.time().seconds(), *tip));
        }
    }
    while let Some((_, id)) = open.pop() {
        if walked.order.len() >= MAX_COMMITS {
            walked.cut = Some(format!(
                "only the newest {MAX_COMMITS} commits were looked through; limit the branches to \
                 go further back"
            ));
            break;
        }
        let commit = objects.commit(id)?;
        let mut parents = commit.parent_ids();
        let parent = parents.next().filter(|parent| objects.has(*parent));
        let is_oldest = shallow.contains(&id) || (parent.is_none() && commit.parent_count() > 0);
        let merged = parents.next();
        let node = Node { tree: commit.tree_id(), parent, merged, is_oldest };
        walked.order.push(id);
        walked.nodes.insert(id, node);
        if let Some(parent) = parent.filter(|parent| known.insert(*parent)) {
            open.push((objects.commit(parent)?.time().seconds(), parent));
        }
        if is_oldest {
            walked.cut =
                Some("this clone is shallow: fetch with --unshallow to go further back".into());
        }
    }
    // What was not reached is not at hand.
    let reached: HashSet<Oid> = walked.nodes.keys().copied().collect();
    for node in walked.nodes.values_mut() {
        if node.parent.is_some_and(|parent| !reached.contains(&parent)) {
            node.parent = None;
            node.is_oldest = true;
        }
    }
    Ok(walked)
}

/// The commits whose parents were left out.
fn shallow(objects: &Objects<'_>) -> HashSet<Oid> {
    let listed = std::fs::read_to_string(objects.repo.path().join("shallow")).unwrap_or_default();
    listed.lines().filter_map(|line| Oid::from_str(line).ok()).collect()
}
