//! What a commit changed of records and of the directories they are about.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use git2::Oid;
use portolan_api::record::{FOLDER, Record};
use portolan_plan::trace::What;

use super::shelf::Shelf;
use super::walk::Walked;
use crate::text;
use crate::wire::Failure;
use crate::worker::ignored::below;
use crate::worker::objects::Objects;
use crate::worker::tree::Entry;

/// Entries of trees that are looked at, and changes that are told, of all commits together.
const MAX_ENTRIES: usize = 20_000_000;
const MAX_CHANGES: usize = 100_000;
/// Name of the record in its folder.
const PASSAGE: &[u8] = b"passage";
/// Deepest directory.
const MAX_DEPTH: usize = 128;
/// Files of an edit that are named.
const MAX_FILES: usize = 50;
/// Entries of trees that are remembered.
const MAX_REMEMBERED: usize = 500_000;

/// What a commit changed in one directory.
pub(super) struct Changed {
    pub(super) path: Vec<u8>,
    pub(super) what: What,
    /// The record's blob, where there is one.
    pub(super) record: Option<Oid>,
}

/// Compares commits with their first parents.
pub(super) struct Diff<'a> {
    objects: &'a Objects<'a>,
    shelf: Shelf,
    /// Trees without a record in them.
    barren: HashSet<Oid>,
    trees: HashMap<Oid, Rc<Vec<Entry>>>,
    remembered: usize,
    entries: usize,
    changes: usize,
}

/// A directory with a record, on either side.
struct Place {
    path: Vec<u8>,
    /// The directory, if it is there.
    directory: Option<Oid>,
    now: Option<Entry>,
    then: Option<Entry>,
    edited: Vec<String>,
}

/// Two sides of a directory, and what is above it.
struct Sides<'p> {
    now: Option<Oid>,
    then: Option<Oid>,
    path: &'p [u8],
    /// Index of the innermost directory above that has a record, if that stayed as it is.
    owner: Option<usize>,
    depth: usize,
}

impl<'a> Diff<'a> {
    pub(super) fn new(objects: &'a Objects<'a>) -> Self {
        Self {
            objects,
            shelf: Shelf::default(),
            barren: HashSet::new(),
            trees: HashMap::new(),
            remembered: 0,
            entries: 0,
            changes: 0,
        }
    }

    pub(super) fn into_records(self) -> Vec<Record> {
        self.shelf.records
    }

    /// Why not everything was looked at, where that is so.
    pub(super) fn cut(&self) -> Option<String> {
        let cut = self.is_worn() || self.shelf.is_full;
        cut.then(|| {
            "the repository is too large to look through all of it; limit the branches".to_owned()
        })
    }

    fn is_worn(&self) -> bool {
        self.entries > MAX_ENTRIES || self.changes > MAX_CHANGES
    }

    /// What a commit changed.
    pub(super) fn of(&mut self, walked: &Walked, commit: Oid) -> Result<Vec<Changed>, Failure> {
        let Some(node) = walked.nodes.get(&commit).filter(|_| !self.is_worn()) else {
            return Ok(Vec::new());
        };
        let then = node.parent.and_then(|parent| walked.nodes.get(&parent));
        let mut places = Vec::new();
        let sides = Sides {
            now: Some(node.tree),
            then: then.map(|node| node.tree),
            path: b"",
            owner: None,
            depth: 0,
        };
        self.directory(&sides, &mut places)?;
        let mut changed = Vec::new();
        for place in places {
            changed.extend(self.changed(place)?);
        }
        self.changes += changed.len();
        Ok(changed)
    }

    fn changed(&mut self, place: Place) -> Result<Option<Changed>, Failure> {
        let Place { mut path, directory, now, then, edited } = place;
        let what = match (&now, &then) {
            (Some(now), Some(then)) if now.is_same(then) => {
                if edited.is_empty() {
                    return Ok(None);
                }
                What::Edited(edited)
            }
            (Some(now), _) => match self.index(directory, now)? {
                Ok(record) => What::Written(record),
                Err(why) => What::Unreadable(why),
            },
            (None, _) => What::Removed,
        };
        if path.is_empty() {
            path.push(b'.');
        }
        Ok(Some(Changed { path, what, record: now.map(|entry| entry.id) }))
    }

    fn index(
        &mut self,
        directory: Option<Oid>,
        entry: &Entry,
    ) -> Result<Result<usize, String>, Failure> {
        match directory {
            Some(directory) => self.shelf.index(self.objects, directory, entry),
            None => Ok(Err("it is nowhere".into())),
        }
    }

    /// Compares a directory; whether there is a record among what was looked at of its new side.
    fn directory(&mut self, sides: &Sides<'_>, places: &mut Vec<Place>) -> Result<bool, Failure> {
        let is_barren = |tree: Option<Oid>| tree.is_none_or(|tree| self.barren.contains(&tree));
        let was_barren = is_barren(sides.then);
        if (was_barren && is_barren(sides.now) && sides.owner.is_none())
            || sides.depth > MAX_DEPTH
            || self.is_worn()
            || places.len() > MAX_CHANGES
        {
            return Ok(false);
        }
        let (now, then) = (self.tree(sides.now)?, self.tree(sides.then)?);
        let mut owner = sides.owner;
        let mut has_record = false;
        let (record, before) = (self.record(&now)?, self.record(&then)?);
        if record.is_some() || before.is_some() {
            has_record = record.is_some();
            // Where the record itself is new, so may be everything else.
            let is_kept = record.as_ref().zip(before.as_ref()).is_some_and(|(a, b)| a.is_same(b));
            owner = is_kept.then_some(places.len());
            let path = sides.path.to_vec();
            let (directory, edited) = (sides.now, Vec::new());
            places.push(Place { path, directory, now: record, then: before, edited });
        }
        for (now, then) in pairs(&now, &then) {
            let Some(name) = now.or(then).map(|entry| entry.name.as_slice()) else { continue };
            let is_same = now.zip(then).is_some_and(|(now, then)| now.is_same(then));
            if is_same || name == FOLDER.as_bytes() {
                continue;
            }
            let path = below(sides.path, name);
            if now.or(then).is_some_and(|entry| !entry.is_tree())
                && let Some(place) = owner.and_then(|owner| places.get_mut(owner))
                && place.edited.len() < MAX_FILES
            {
                let own = path.get(place.path.len()..).unwrap_or_default();
                place.edited.push(text::name(own.strip_prefix(b"/").unwrap_or(own)));
            }
            let tree = |entry: Option<&Entry>| Some(entry.filter(|entry| entry.is_tree())?.id);
            let (now, then) = (tree(now), tree(then));
            if now.is_some() || then.is_some() {
                let depth = sides.depth + 1;
                let below = Sides { now, then, path: &path, owner, depth };
                has_record |= self.directory(&below, places)?;
            }
        }
        if let Some(tree) = sides.now.filter(|_| was_barren && !has_record && !self.is_worn()) {
            self.barren.insert(tree);
        }
        Ok(has_record)
    }

    /// The entry of the record that a directory has.
    fn record(&mut self, directory: &[Entry]) -> Result<Option<Entry>, Failure> {
        let folder = directory.iter().find(|entry| entry.name == FOLDER.as_bytes());
        let Some(folder) = folder.filter(|folder| folder.is_tree()) else { return Ok(None) };
        let inside = self.tree(Some(folder.id))?;
        Ok(inside.iter().find(|entry| entry.name == PASSAGE).cloned())
    }

    /// The entries of a tree; none where there is none.
    fn tree(&mut self, id: Option<Oid>) -> Result<Rc<Vec<Entry>>, Failure> {
        let Some(id) = id else { return Ok(Rc::default()) };
        if let Some(known) = self.trees.get(&id) {
            // It costs to compare it all the same.
            self.entries += known.len();
            return Ok(known.clone());
        }
        let mut tree = self.objects.tree(id)?;
        tree.sort_by(|one, other| one.name.cmp(&other.name));
        let tree = Rc::new(tree);
        self.entries += tree.len() + 1;
        if self.remembered > MAX_REMEMBERED {
            self.trees.clear();
            self.remembered = 0;
        }
        self.remembered += tree.len() + 1;
        self.trees.insert(id, tree.clone());
        Ok(tree)
    }
}

/// Entries of the same name side by side; both lists are sorted by it.
fn pairs<'t>(
    now: &'t [Entry],
    then: &'t [Entry],
) -> impl Iterator<Item = (Option<&'t Entry>, Option<&'t Entry>)> {
    let (mut now, mut then) = (now.iter().peekable(), then.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (now.peek(), then.peek()) {
            (Some(new), Some(old)) => new.name.cmp(&old.name),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        Some(match order {
            Ordering::Less => (now.next(), None),
            Ordering::Equal => (now.next(), then.next()),
            Ordering::Greater => (None, then.next()),
        })
    })
}
