//! A tree without what gitignore patterns match.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use git2::{ObjectType, Oid};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::objects::{Objects, empty_tree};
use super::tree::{self, Entry};
use super::triage::local;
use crate::error::Error;
use crate::wire::Failure;

/// Patterns, relative to the repository.
pub(super) struct Ignored {
    patterns: Gitignore,
    /// Trees that were gone through, by path and id.
    seen: HashMap<(Vec<u8>, Oid), Oid>,
}

impl Ignored {
    pub(super) fn new(patterns: &[String]) -> Result<Self, Error> {
        let mut builder = GitignoreBuilder::new("");
        for pattern in patterns {
            let read = builder.add_line(None, pattern);
            read.map_err(|error| {
                Error::invalid("ignore", format!("pattern {pattern:?}: {error}"))
            })?;
        }
        let patterns =
            builder.build().map_err(|error| Error::invalid("ignore", error.to_string()))?;
        Ok(Self { patterns, seen: HashMap::new() })
    }

    /// Whether an entry is left out, those above it not being.
    pub(super) fn is_out(&self, path: &[u8], is_folder: bool) -> bool {
        !self.patterns.is_empty()
            && self.patterns.matched(Path::new(OsStr::from_bytes(path)), is_folder).is_ignore()
    }

    /// Whether a directory or one above it is left out.
    fn is_out_with_parents(&self, path: &[&[u8]]) -> bool {
        (1..=path.len()).any(|end| self.is_out(&path[..end].join(&b'/'), true))
    }

    /// The id of the tree at a path after what is ignored; `None` where there is no directory.
    pub(super) fn tree_at(
        &mut self,
        objects: &Objects<'_>,
        root: Oid,
        path: &[&[u8]],
    ) -> Result<Option<Oid>, Failure> {
        let Some(id) = objects.directory(root, path)? else { return Ok(None) };
        if self.patterns.is_empty() {
            return Ok(Some(id));
        }
        if self.is_out_with_parents(path) {
            return Ok(Some(empty_tree()));
        }
        self.filtered(objects, id, &path.join(&b'/')).map(Some)
    }

    /// The id that a tree would have without what is ignored. Nothing is stored.
    fn filtered(&mut self, objects: &Objects<'_>, id: Oid, path: &[u8]) -> Result<Oid, Failure> {
        let key = (path.to_vec(), id);
        if let Some(done) = self.seen.get(&key) {
            return Ok(*done);
        }
        let entries = objects.tree(id)?;
        let mut kept = Vec::with_capacity(entries.len());
        for entry in &entries {
            let path = below(path, &entry.name);
            if self.is_out(&path, entry.is_tree()) {
                continue;
            }
            if !entry.is_tree() {
                kept.push(entry.clone());
                continue;
            }
            let inner = self.filtered(objects, entry.id, &path)?;
            // git has no empty directories.
            if inner != empty_tree() || entry.id == inner {
                kept.push(entry.with(inner));
            }
        }
        let done = if kept == entries { id } else { hash(&kept)? };
        self.seen.insert(key, done);
        Ok(done)
    }
}

/// The path of an entry.
pub(super) fn below(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, name].join(&b'/') }
}

fn hash(entries: &[Entry]) -> Result<Oid, Failure> {
    Oid::hash_object(ObjectType::Tree, &tree::bytes(entries)).map_err(|error| local(&error))
}
