//! Joining a branch with its base ("How to write", native-kinds section 4): the base's tree, with what
//! only the branch changed. Never a textual merge. In the writer's directory too: a rebase on the forge
//! leaves the merge out and applies the branch's commits one by one, each on what the last one left.

use std::collections::BTreeSet;

use git2::Oid;

use super::ignored::below;
use super::objects::{Objects, empty_tree};
use super::tree::{Entry, Kind};
use crate::text;
use crate::wire::Failure;

/// A joined tree.
pub(super) struct Joined {
    pub(super) tree: Oid,
    /// Files that both sides changed, of which the base's version is kept. Those of the writer are not
    /// among them: the commit after the merge writes them anew.
    pub(super) conflicts: Vec<String>,
}

/// Joins two trees that came from a third; `own` is the writer's path.
pub(super) fn join(
    objects: &Objects<'_>,
    ancestor: Oid,
    base: Oid,
    branch: Oid,
    own: &[&[u8]],
) -> Result<Joined, Failure> {
    let mut join = Join { objects, conflicts: Vec::new() };
    let tree = join.trees([ancestor, base, branch], own, b"")?;
    let conflicts = if own.is_empty() { Vec::new() } else { join.conflicts };
    Ok(Joined { tree, conflicts })
}

struct Join<'a> {
    objects: &'a Objects<'a>,
    conflicts: Vec<String>,
}

impl Join<'_> {
    /// `own` is the writer's path below these trees; empty where it is elsewhere.
    fn trees(&mut self, trees: [Oid; 3], own: &[&[u8]], path: &[u8]) -> Result<Oid, Failure> {
        let [ancestor, base, branch] = trees;
        if branch == ancestor || branch == base {
            return Ok(base);
        }
        let mut levels = Vec::with_capacity(3);
        for tree in trees {
            levels.push(self.objects.tree(tree)?);
        }
        let names: BTreeSet<&[u8]> =
            levels.iter().flatten().map(|entry| entry.name.as_slice()).collect();
        let find =
            |level: usize, name: &[u8]| levels[level].iter().find(|entry| entry.name == name);
        let mut kept = Vec::new();
        for name in names {
            let sides = [find(0, name), find(1, name), find(2, name)];
            kept.extend(self.entry(sides, own, &below(path, name), name)?);
        }
        if kept == levels[1] { Ok(base) } else { self.objects.write_tree(&kept) }
    }

    fn entry(
        &mut self,
        [ancestor, base, branch]: [Option<&Entry>; 3],
        own: &[&[u8]],
        path: &[u8],
        name: &[u8],
    ) -> Result<Option<Entry>, Failure> {
        let leads_to_own = own.first() == Some(&name);
        if is_same(branch, ancestor) || is_same(branch, base) {
            return Ok(base.cloned());
        }
        if leads_to_own && own.len() == 1 {
            let named = self.conflicts.len();
            let joined = self.entry([ancestor, base, branch], &[], path, name)?;
            self.conflicts.truncate(named);
            return Ok(joined);
        }
        if !leads_to_own && is_same(base, ancestor) {
            return Ok(branch.cloned());
        }
        // Both sides changed it, or our directory is somewhere below.
        let is_tree = |side: Option<&Entry>| side.is_none_or(Entry::is_tree);
        let is_joinable = is_tree(base)
            && is_tree(branch)
            && (base.is_some() && branch.is_some() || leads_to_own);
        if !is_joinable {
            self.conflicts.push(text::name(path));
            return Ok(base.cloned());
        }
        let tree = |side: Option<&Entry>| {
            side.filter(|entry| entry.is_tree()).map_or_else(empty_tree, |entry| entry.id)
        };
        let own = if leads_to_own { &own[1..] } else { &[] };
        let joined = self.trees([tree(ancestor), tree(base), tree(branch)], own, path)?;
        if joined == empty_tree() {
            return Ok(None);
        }
        Ok(Some(
            base.map_or_else(|| Entry::new(name, Kind::Tree, joined), |base| base.with(joined)),
        ))
    }
}

fn is_same(one: Option<&Entry>, other: Option<&Entry>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (None, None) => true,
        _ => false,
    }
}
