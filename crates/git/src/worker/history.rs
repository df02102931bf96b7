//! What the histories of goal and branch tell of a writer.

use std::collections::{HashMap, HashSet};

use git2::Oid;
use portolan_api::record::Record;
use portolan_plan::writer::{Committed, FoundRecord, History, Place};

use super::objects::{Objects, oid};
use super::records::{self, Found};
use super::triage::local;
use crate::names;
use crate::text::shown;
use crate::wire::{Failure, Observe};

/// Commits that are remembered for one directory, and directories that are.
const MAX_POINTS: usize = 500_000;
const MAX_PATHS: usize = 256;
/// Files of the records that are remembered.
const MAX_RECORDED: usize = 200_000;
/// Commits of a history that are gone through.
const MAX_COMMITS: usize = 1_000_000;

/// What was learnt of commits, which never change.
#[derive(Default)]
pub(super) struct Memory {
    points: HashMap<String, HashMap<Oid, Point>>,
    records: HashMap<Oid, Option<Record>>,
    /// Files of these records.
    recorded: usize,
}

/// A commit, as seen from one directory.
#[derive(Clone, Copy)]
struct Point {
    commit: Oid,
    parent: Option<Oid>,
    /// Id of what is at the path.
    tree: Option<Oid>,
    /// Id of the record's blob.
    record: Option<Oid>,
}

/// Goes through the histories.
pub(super) fn history(
    objects: &Objects<'_>,
    memory: &mut Memory,
    observe: &Observe,
) -> Result<History, Failure> {
    let place = &observe.place;
    memory.make_room(&place.path);
    let mut history = History::default();
    let goal = observe.goal.as_deref().map(oid).transpose()?;
    let branch = observe.branch.as_deref().map(oid).transpose()?.filter(|_| place.base.is_some());
    if let Some(goal) = goal {
        let line = line(objects, memory, &place.path, goal, |_| true)?;
        history.in_goal = newest(objects, memory, &place.writer, &line)?;
        history.brought = brought(objects, memory, place, &line)?;
    }
    let own = |memory: &mut Memory, tip: Oid| -> Result<Option<FoundRecord>, Failure> {
        let own = own_commits(objects, tip, goal)?;
        let line = line(objects, memory, &place.path, tip, |commit| own.contains(&commit))?;
        newest(objects, memory, &place.writer, &line)
    };
    if let Some(branch) = branch {
        history.on_branch = own(memory, branch)?;
    }
    for head in &place.declined {
        let commit = oid(&head.commit)?;
        // A forge may have forgotten it.
        if objects.has(commit)
            && let Some(found) = own(memory, commit)?
        {
            history.on_requests.push((head.number, found));
        }
    }
    Ok(history)
}

impl Memory {
    fn make_room(&mut self, path: &str) {
        let is_full = self.points.values().map(HashMap::len).sum::<usize>() > MAX_POINTS;
        let is_full = is_full || self.recorded > MAX_RECORDED;
        if is_full || (self.points.len() >= MAX_PATHS && !self.points.contains_key(path)) {
            *self = Self::default();
        }
    }

    fn point(&mut self, objects: &Objects<'_>, path: &str, commit: Oid) -> Result<Point, Failure> {
        if let Some(point) = self.points.get(path).and_then(|points| points.get(&commit)) {
            return Ok(*point);
        }
        let found = objects.commit(commit)?;
        let entry = objects.at(found.tree_id(), &names::parts(path))?;
        let record = match &entry {
            Some(entry) if entry.is_tree() => {
                records::entry(objects, entry.id)?.map(|record| record.id)
            }
            _ => None,
        };
        let parent = found.parent_ids().next();
        let point = Point { commit, parent, tree: entry.map(|entry| entry.id), record };
        self.points.entry(path.to_owned()).or_default().insert(commit, point);
        Ok(point)
    }

    /// The record of a commit, if it is the writer's.
    fn record(
        &mut self,
        objects: &Objects<'_>,
        point: &Point,
        writer: &str,
    ) -> Result<Option<&Record>, Failure> {
        let (Some(blob), Some(tree)) = (point.record, point.tree) else { return Ok(None) };
        if !self.records.contains_key(&blob) {
            let record = match records::of(objects, tree)? {
                Found::Record(record) => Some(*record),
                Found::Nothing | Found::Unreadable(_) => None,
            };
            self.recorded += 1 + record.as_ref().map_or(0, |record| record.files.len());
            self.records.insert(blob, record);
        }
        let record = self.records.get(&blob).and_then(Option::as_ref);
        Ok(record.filter(|record| record.writer == writer))
    }
}

/// The first-parent history of a commit, newest first, as long as it is wanted.
fn line(
    objects: &Objects<'_>,
    memory: &mut Memory,
    path: &str,
    tip: Oid,
    wanted: impl Fn(Oid) -> bool,
) -> Result<Vec<Point>, Failure> {
    let mut line = Vec::new();
    let mut next = Some(tip);
    while let Some(commit) = next.filter(|commit| wanted(*commit)) {
        let point = memory.point(objects, path, commit)?;
        line.push(point);
        if line.len() >= MAX_COMMITS {
            break;
        }
        next = point.parent;
    }
    Ok(line)
}

/// The commits of the branch that are not the goal's.
fn own_commits(
    objects: &Objects<'_>,
    branch: Oid,
    goal: Option<Oid>,
) -> Result<HashSet<Oid>, Failure> {
    let walk = || -> Result<HashSet<Oid>, git2::Error> {
        let mut walk = objects.repo.revwalk()?;
        walk.push(branch)?;
        if let Some(goal) = goal {
            walk.hide(goal)?;
        }
        walk.take(MAX_COMMITS).collect()
    };
    walk().map_err(|error| local(&error))
}

/// The writer's record with the highest sequence, the commit that brought it to stay until it was
/// changed, and the one that changed it.
fn newest(
    objects: &Objects<'_>,
    memory: &mut Memory,
    writer: &str,
    line: &[Point],
) -> Result<Option<FoundRecord>, Failure> {
    struct Best {
        sequence: u64,
        brought: Point,
        changed_by: Option<Point>,
        /// Whether the record was there in the commit before.
        was_there: bool,
    }
    let mut best: Option<Best> = None;
    for point in line.iter().rev() {
        let sequence = memory.record(objects, point, writer)?.map(|record| record.sequence);
        let brings = match (&best, sequence) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(best), Some(sequence)) => {
                sequence > best.sequence || (sequence == best.sequence && !best.was_there)
            }
        };
        if let (true, Some(sequence)) = (brings, sequence) {
            best = Some(Best { sequence, brought: *point, changed_by: None, was_there: true });
        } else if let Some(best) = &mut best {
            best.was_there = sequence == Some(best.sequence);
            if point.tree == best.brought.tree {
                best.changed_by = None;
            } else {
                best.changed_by.get_or_insert(*point);
            }
        }
    }
    let Some(best) = best else { return Ok(None) };
    let Some(record) = memory.record(objects, &best.brought, writer)?.cloned() else {
        return Ok(None);
    };
    let changed_by = best.changed_by.map(|point| committed(objects, point.commit)).transpose()?;
    Ok(Some(FoundRecord { record, commit: committed(objects, best.brought.commit)?, changed_by }))
}

/// The goal's commit since which what is at the path has been as it is: the writer's own files, where
/// its record tells which they are, else everything there.
fn brought(
    objects: &Objects<'_>,
    memory: &mut Memory,
    place: &Place,
    line: &[Point],
) -> Result<Option<Committed>, Failure> {
    let Some(tip) = line.first() else { return Ok(None) };
    let own = memory.record(objects, tip, &place.writer)?.map(|record| record.files.clone());
    let mut since = tip;
    for point in line {
        let same = point.tree == tip.tree
            || match (&own, tip.tree, point.tree) {
                (Some(files), Some(now), Some(then)) if point.record == tip.record => {
                    has_same(objects, files.keys(), now, then)?
                }
                _ => false,
            };
        if !same {
            break;
        }
        since = point;
    }
    committed(objects, since.commit).map(Some)
}

/// Whether two directories have the same at these paths.
fn has_same<'a>(
    objects: &Objects<'_>,
    paths: impl Iterator<Item = &'a String>,
    one: Oid,
    other: Oid,
) -> Result<bool, Failure> {
    for path in paths {
        let parts: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
        let same = match (objects.at(one, &parts)?, objects.at(other, &parts)?) {
            (Some(one), Some(other)) => one.is_same(&other),
            (None, None) => true,
            _ => false,
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

fn committed(objects: &Objects<'_>, id: Oid) -> Result<Committed, Failure> {
    let commit = objects.commit(id)?;
    let text = |bytes: &[u8]| shown(&String::from_utf8_lossy(bytes), 200);
    let subject = commit.message_bytes().split(|byte| *byte == b'\n').find(|line| !line.is_empty());
    Ok(Committed {
        id: id.to_string(),
        author: text(commit.author().name_bytes()),
        subject: text(subject.unwrap_or_default()),
    })
}
