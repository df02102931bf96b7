//! What git shows of a writer's place.

use git2::{ErrorCode, Oid, Repository};
use portolan_api::record::FOLDER;
use portolan_plan::writer::{Place, Tip, View};

use super::join::join;
use super::objects::{Objects, empty_tree, oid};
use super::records::{self, Found};
use super::tree::Entry;
use super::triage::local;
use crate::names;
use crate::options::Limits;
use crate::wire::{Failure, Observe};

/// Most characters of a message that are shown: more than any of ours has.
const MAX_MESSAGE: usize = 1 << 16;

/// Looks at a writer's place.
pub(super) fn view(
    objects: &Objects<'_>,
    limits: &Limits,
    observe: &Observe,
) -> Result<View, Failure> {
    let place = &observe.place;
    let goal = observe.goal.as_deref().map(oid).transpose()?;
    let branch = observe.branch.as_deref().map(oid).transpose()?.filter(|_| place.base.is_some());
    let tip = |id: Option<Oid>| id.map(|id| tip(objects, limits, place, id)).transpose();
    let (goal_tip, branch_tip) = (tip(goal)?, tip(branch)?);
    let (mut branch_in_goal, mut goal_changed, mut adds_nothing) = (false, Vec::new(), false);
    if let (Some(goal), Some(branch)) = (goal, branch) {
        branch_in_goal = is_in(objects.repo, branch, goal)?;
        adds_nothing = branch_in_goal;
        if let Some(tip) = branch_tip.as_ref().filter(|_| !branch_in_goal) {
            goal_changed = changed(objects, place, tip, goal, branch)?;
            let same = goal_tip.as_ref().is_some_and(|goal| goal.files == tip.files);
            adds_nothing = same && is_joined(objects, place, goal, branch)?;
        }
    }
    let obstacle = goal.map(|goal| obstacle(objects, place, goal)).transpose()?.flatten();
    Ok(View {
        empty: observe.empty,
        goal: goal_tip,
        branch: branch_tip,
        branch_in_goal,
        goal_changed,
        branch_adds_nothing: adds_nothing,
        obstacle,
    })
}

fn tip(objects: &Objects<'_>, limits: &Limits, place: &Place, commit: Oid) -> Result<Tip, Failure> {
    let found = objects.commit(commit)?;
    let root = found.tree_id();
    let message = found.message().unwrap_or_default().chars().take(MAX_MESSAGE).collect();
    let parts = names::parts(&place.path);
    let mut tip = Tip { commit: commit.to_string(), message, ..Tip::default() };
    for end in 0..parts.len() {
        let above = &parts[..end];
        let Some(directory) = objects.directory(root, above)? else { break };
        if let Some(record) = records::nested(objects, directory)? {
            let path = if end == 0 {
                ".".into()
            } else {
                String::from_utf8_lossy(&above.join(&b'/')).into()
            };
            tip.overlapping.push((path, record));
        }
    }
    let Some(directory) = objects.directory(root, &parts)? else { return Ok(tip) };
    match records::of(objects, directory)? {
        Found::Nothing => {}
        Found::Record(record) => tip.record = Some(*record),
        Found::Unreadable(why) => tip.unreadable = Some(why),
    }
    let below = records::walk(objects, directory, limits.files)?;
    tip.files = below.files;
    tip.overlapping.extend(below.records.into_iter().map(|(path, record)| {
        let path = if place.path == "." { path } else { format!("{}/{path}", place.path) };
        (path, record)
    }));
    Ok(tip)
}

/// Whether a commit is another or in its history.
pub(super) fn is_in(repo: &Repository, commit: Oid, of: Oid) -> Result<bool, Failure> {
    Ok(commit == of || repo.graph_descendant_of(of, commit).map_err(|error| local(&error))?)
}

/// The best common ancestor, if there is one.
pub(super) fn merge_base(repo: &Repository, one: Oid, other: Oid) -> Result<Option<Oid>, Failure> {
    match repo.merge_base(one, other) {
        Ok(base) => Ok(Some(base)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(local(&error)),
    }
}

/// The files of the branch's record that the goal changed since the two parted.
fn changed(
    objects: &Objects<'_>,
    place: &Place,
    tip: &Tip,
    goal: Oid,
    branch: Oid,
) -> Result<Vec<String>, Failure> {
    let Some(record) = tip.record.as_ref().filter(|record| record.writer == place.writer) else {
        return Ok(Vec::new());
    };
    let parts = names::parts(&place.path);
    let directory = |commit: Option<Oid>| -> Result<Option<Oid>, Failure> {
        let Some(commit) = commit else { return Ok(None) };
        objects.directory(objects.commit(commit)?.tree_id(), &parts)
    };
    let (now, then) = (directory(Some(goal))?, directory(merge_base(objects.repo, branch, goal)?)?);
    if now == then {
        return Ok(Vec::new());
    }
    let file = |directory: Option<Oid>, path: &str| -> Result<Option<Entry>, Failure> {
        let Some(directory) = directory else { return Ok(None) };
        objects.at(directory, &path.split('/').map(str::as_bytes).collect::<Vec<_>>())
    };
    let mut changed = Vec::new();
    for path in record.files.keys() {
        let same = match (file(now, path)?, file(then, path)?) {
            (Some(now), Some(then)) => now.is_same(&then),
            (None, None) => true,
            _ => false,
        };
        if !same {
            changed.push(path.clone());
        }
    }
    Ok(changed)
}

/// Whether a goal has all that a branch changed outside of the writer's directory.
fn is_joined(
    objects: &Objects<'_>,
    place: &Place,
    goal: Oid,
    branch: Oid,
) -> Result<bool, Failure> {
    let tree = |commit: Oid| objects.commit(commit).map(|commit| commit.tree_id());
    let ancestor = merge_base(objects.repo, branch, goal)?;
    let ancestor = ancestor.map_or_else(|| Ok(empty_tree()), tree)?;
    let goal = tree(goal)?;
    let joined = join(objects, ancestor, goal, tree(branch)?, &names::parts(&place.path))?;
    Ok(joined.tree == goal && joined.conflicts.is_empty())
}

/// What stands where a directory, or the record, has to be.
fn obstacle(objects: &Objects<'_>, place: &Place, goal: Oid) -> Result<Option<String>, Failure> {
    let root = objects.commit(goal)?.tree_id();
    let mut parts = names::parts(&place.path);
    let own = parts.len();
    parts.push(FOLDER.as_bytes());
    for end in 1..=parts.len() {
        let Some(entry) = objects.at(root, &parts[..end])? else { return Ok(None) };
        if !entry.is_tree() {
            let path = String::from_utf8_lossy(&parts[..end].join(&b'/')).into_owned();
            return Ok(Some(format!("{} {path}", entry.kind().word())));
        }
    }
    let Some(directory) = objects.directory(root, &parts[..own])? else { return Ok(None) };
    let entry = records::entry(objects, directory)?.filter(Entry::is_tree);
    Ok(entry.map(|entry| {
        let path = String::from_utf8_lossy(&parts.join(&b'/')).into_owned();
        format!("{} {path}/passage", entry.kind().word())
    }))
}
