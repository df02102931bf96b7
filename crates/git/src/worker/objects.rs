//! Objects of a repository, read and written without a work tree.

use git2::{Commit, ObjectType, Odb, Oid, Repository};

use super::tree::{self, Entry, Kind};
use super::triage::local;
use crate::error::Error;
use crate::wire::Failure;

/// Objects of a repository.
pub(super) struct Objects<'a> {
    pub(super) repo: &'a Repository,
    odb: Odb<'a>,
}

impl<'a> Objects<'a> {
    pub(super) fn of(repo: &'a Repository) -> Result<Self, Failure> {
        let odb = repo.odb().map_err(|error| local(&error))?;
        Ok(Self { repo, odb })
    }

    pub(super) fn has(&self, id: Oid) -> bool {
        self.odb.exists(id)
    }

    pub(super) fn commit(&self, id: Oid) -> Result<Commit<'a>, Failure> {
        self.repo.find_commit(id).map_err(|error| local(&error))
    }

    /// The entries of a tree.
    pub(super) fn tree(&self, id: Oid) -> Result<Vec<Entry>, Failure> {
        if id == empty_tree() {
            return Ok(Vec::new());
        }
        let object = self.odb.read(id).map_err(|error| local(&error))?;
        let entries =
            if object.kind() == ObjectType::Tree { tree::parse(object.data()) } else { None };
        entries.ok_or_else(|| Error::invalid(format!("tree {id}"), "it does not read").into())
    }

    /// What is at a path below a tree; links and submodules are not followed.
    pub(super) fn at(&self, root: Oid, path: &[&[u8]]) -> Result<Option<Entry>, Failure> {
        let mut found = Entry::new(b"", Kind::Tree, root);
        for part in path {
            if !found.is_tree() {
                return Ok(None);
            }
            let entries = self.tree(found.id)?;
            let Some(entry) = entries.into_iter().find(|entry| entry.name == *part) else {
                return Ok(None);
            };
            found = entry;
        }
        Ok(Some(found))
    }

    /// The directory at a path below a tree.
    pub(super) fn directory(&self, root: Oid, path: &[&[u8]]) -> Result<Option<Oid>, Failure> {
        Ok(self.at(root, path)?.filter(Entry::is_tree).map(|entry| entry.id))
    }

    /// The size of a blob.
    pub(super) fn size(&self, id: Oid) -> Result<u64, Failure> {
        let (size, _) = self.odb.read_header(id).map_err(|error| local(&error))?;
        Ok(size as u64)
    }

    /// The content of a blob.
    pub(super) fn blob(&self, id: Oid) -> Result<Vec<u8>, Failure> {
        let object = self.odb.read(id).map_err(|error| local(&error))?;
        Ok(object.data().to_vec())
    }

    /// Stores a tree with these entries.
    pub(super) fn write_tree(&self, entries: &[Entry]) -> Result<Oid, Failure> {
        self.write(ObjectType::Tree, &tree::bytes(entries))
    }

    /// Stores a blob.
    pub(super) fn write_blob(&self, content: &[u8]) -> Result<Oid, Failure> {
        self.write(ObjectType::Blob, content)
    }

    fn write(&self, kind: ObjectType, bytes: &[u8]) -> Result<Oid, Failure> {
        self.odb.write(kind, bytes).map_err(|error| local(&error))
    }
}

/// The id of the tree without entries, which is there without being stored.
pub(super) fn empty_tree() -> Oid {
    const EMPTY: [u8; 20] = [
        0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92,
        0x88, 0xfb, 0xee, 0x49, 0x04,
    ];
    Oid::from_bytes(&EMPTY).unwrap_or(Oid::ZERO_SHA1)
}

/// A commit id that was checked before, as git2 has it.
pub(super) fn oid(commit: &str) -> Result<Oid, Failure> {
    let bad = |_| Error::invalid("commit", format!("{commit:?} is no commit id"));
    Oid::from_str(commit).map_err(bad).map_err(Failure::from)
}
