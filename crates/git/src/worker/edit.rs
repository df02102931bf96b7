//! The tree of an edit: files put and removed below one directory, everything else as it was.

use std::collections::BTreeSet;

use git2::Oid;
use portolan_api::record::Record;
use portolan_plan::writer::{Edit, PutFile};

use super::objects::{Objects, empty_tree};
use super::records::{self, Found};
use super::tree::{Entry, Kind};
use crate::error::Error;
use crate::names;
use crate::wire::Failure;

/// The tree that comes of an edit of this one.
pub(super) fn apply(objects: &Objects<'_>, root: Oid, edit: &Edit) -> Result<Oid, Failure> {
    let own = names::parts(&edit.path);
    let mut tree = Folder::open(objects, root)?;
    let mut taken = BTreeSet::new();
    if let Some(directory) = objects.directory(root, &own)?
        && let Found::Record(record) = records::of(objects, directory)?
    {
        taken = links(&record);
    }
    let at = |path: &str| -> Result<Vec<Vec<u8>>, Error> {
        check(path)?;
        let parts = own.iter().copied().chain(path.split('/').map(str::as_bytes));
        Ok(parts.map(<[u8]>::to_vec).collect())
    };
    for path in &edit.remove {
        tree.remove(objects, &at(path)?)?;
    }
    for (path, file) in &edit.put {
        let entry = put_entry(objects, path, file)?;
        let put = Put { path: &at(path)?, entry, may_replace_link: taken.contains(path.as_str()) };
        tree.put(objects, &put, 0)?;
    }
    tree.close(objects)
}

/// The symlinks that a record lists: its writer may replace them.
fn links(record: &Record) -> BTreeSet<String> {
    let links = record.files.iter().filter(|(_, file)| file.mode == Kind::Link.mode());
    links.map(|(path, _)| path.clone()).collect()
}

/// Checks a path once more: whoever made the edit, no way leads out of the directory.
fn check(path: &str) -> Result<(), Error> {
    if path == "." {
        Err(Error::invalid("path", "\".\" is no file"))
    } else {
        names::check_path(path)
    }
}

fn put_entry(objects: &Objects<'_>, path: &str, file: &PutFile) -> Result<Entry, Failure> {
    let kind = Kind::of_file(&file.mode).ok_or_else(|| {
        Error::invalid(format!("mode {:?} of {path}", file.mode), "no file has it")
    })?;
    let name = path.rsplit('/').next().unwrap_or(path);
    Ok(Entry::new(name.as_bytes(), kind, objects.write_blob(&file.content)?))
}

struct Put<'a> {
    path: &'a [Vec<u8>],
    entry: Entry,
    may_replace_link: bool,
}

/// A tree that is being changed; folders in it are opened when something in them changes.
struct Folder {
    id: Oid,
    entries: Vec<Entry>,
    open: Vec<(Vec<u8>, Folder)>,
    changed: bool,
}

impl Folder {
    fn open(objects: &Objects<'_>, id: Oid) -> Result<Self, Failure> {
        Ok(Self { id, entries: objects.tree(id)?, open: Vec::new(), changed: false })
    }

    /// Opens a folder in this one; `None` where there is none.
    fn inner(&mut self, objects: &Objects<'_>, name: &[u8]) -> Result<Option<&mut Self>, Failure> {
        if let Some(index) = self.open.iter().position(|(open, _)| open == name) {
            return Ok(Some(&mut self.open[index].1));
        }
        let Some(entry) = self.entry(name).filter(|entry| entry.is_tree()) else { return Ok(None) };
        let folder = Self::open(objects, entry.id)?;
        self.open.push((name.to_vec(), folder));
        Ok(self.open.last_mut().map(|(_, folder)| folder))
    }

    fn entry(&self, name: &[u8]) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn remove(&mut self, objects: &Objects<'_>, path: &[Vec<u8>]) -> Result<(), Failure> {
        let Some((name, rest)) = path.split_first() else { return Ok(()) };
        if rest.is_empty() {
            let before = self.entries.len();
            self.entries.retain(|entry| entry.name != *name || entry.is_tree());
            self.changed |= self.entries.len() != before;
            return Ok(());
        }
        let Some(folder) = self.inner(objects, name)? else { return Ok(()) };
        folder.remove(objects, rest)?;
        if folder.changed && folder.is_empty() {
            // git has no empty directories; what we emptied goes.
            self.open.retain(|(open, _)| open != name);
            self.entries.retain(|entry| entry.name != *name);
            self.changed = true;
        }
        Ok(())
    }

    fn put(&mut self, objects: &Objects<'_>, put: &Put<'_>, depth: usize) -> Result<(), Failure> {
        let name = &put.path[depth];
        let there = self.entry(name).map(Entry::kind);
        if depth + 1 == put.path.len() {
            let fits = match there {
                None | Some(Kind::File | Kind::Program) => true,
                Some(Kind::Link) => put.may_replace_link,
                Some(Kind::Tree | Kind::Commit) => false,
            };
            if !fits {
                return Err(obstructed(there, put.path).into());
            }
            let is_there = self.entry(name).is_some_and(|entry| entry.is_same(&put.entry));
            if !is_there {
                self.entries.retain(|entry| entry.name != *name);
                self.entries.push(put.entry.clone());
                self.changed = true;
            }
            return Ok(());
        }
        if there.is_none() {
            self.entries.push(Entry::new(name, Kind::Tree, empty_tree()));
            self.changed = true;
        }
        match self.inner(objects, name)? {
            Some(folder) => folder.put(objects, put, depth + 1),
            None => Err(obstructed(there, &put.path[..=depth]).into()),
        }
    }

    /// Stores what has changed; the id of the tree.
    fn close(mut self, objects: &Objects<'_>) -> Result<Oid, Failure> {
        for (name, folder) in std::mem::take(&mut self.open) {
            let id = folder.close(objects)?;
            for entry in self.entries.iter_mut().filter(|entry| entry.name == name) {
                self.changed |= entry.id != id;
                *entry = entry.with(id);
            }
        }
        if self.changed { objects.write_tree(&self.entries) } else { Ok(self.id) }
    }
}

fn obstructed(kind: Option<Kind>, path: &[Vec<u8>]) -> Error {
    let word = kind.map_or("something", Kind::word);
    Error::Obstructed { obstacle: format!("{word} {}", String::from_utf8_lossy(&path.join(&b'/'))) }
}
