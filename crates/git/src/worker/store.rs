//! A bare repository on disk: a cache that is thrown away at the first doubt.
//!
//! **Invariant:** what is built here is built in memory and pushed from there; the disk only holds
//! what was fetched.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Repository, RepositoryInitOptions};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// libgit2 never packs: above these a repository is fetched anew.
const MAX_PACKS: usize = 64;
const MAX_LOOSE: usize = 4096;
/// Objects of our own that are kept in memory for the next commit to build on.
const MAX_BUILT: usize = 64 << 20;
/// Folder of the references we keep.
const OURS: &str = "refs/portolan/";

/// One of the two repositories of a worker.
pub(super) struct Store {
    path: PathBuf,
    repo: Option<Repository>,
    /// Commits are built here, in memory.
    builds: bool,
    built: usize,
}

impl Store {
    pub(super) fn new(path: PathBuf, builds: bool) -> Self {
        Self { path, repo: None, builds, built: 0 }
    }

    /// The repository; opened and looked over at the first call.
    pub(super) fn repo(&mut self) -> Result<&Repository, Error> {
        if self.repo.is_none() {
            let sound = sound(&self.path);
            let repo = match sound {
                Some(repo) => repo,
                None => fresh(&self.path)?,
            };
            self.built = 0;
            self.repo = Some(self.ready(repo)?);
        }
        self.repo.as_ref().ok_or_else(|| Error::storage("a repository did not open"))
    }

    fn ready(&self, repo: Repository) -> Result<Repository, Error> {
        if self.builds {
            let odb = repo.odb().map_err(|error| broken(&error))?;
            odb.add_new_mempack_backend(1000).map_err(|error| broken(&error))?;
        }
        Ok(repo)
    }

    /// Throws the repository away; the next call of [`repo`](Self::repo) begins anew.
    pub(super) fn drop_cache(&mut self) {
        self.repo = None;
        let _ = fs::remove_dir_all(&self.path);
    }

    /// Opens the repository again: what libgit2 keeps in memory of it may be stale, or too much.
    pub(super) fn reopen(&mut self) {
        self.repo = None;
    }

    /// Makes room before something is fetched.
    pub(super) fn tidy(&mut self) {
        if self.built > MAX_BUILT {
            self.reopen();
        }
        if self.repo.is_some() && is_crowded(&self.path) {
            self.drop_cache();
        }
    }

    /// Counts bytes that were built in memory.
    pub(super) fn count_built(&mut self, bytes: usize) {
        self.built += bytes;
    }
}

/// Name under which we keep what a remote reference pointed to. A digest, since `a` and `a/b` cannot
/// both be files.
pub(super) fn kept(remote_name: &str) -> String {
    let digest = Sha256::digest(remote_name.as_bytes());
    digest.iter().take(16).fold(OURS.to_owned(), |name, byte| name + &format!("{byte:02x}"))
}

/// The repository at a path, if nothing speaks against it.
fn sound(path: &Path) -> Option<Repository> {
    // We alone have this folder: a lock is what a dead worker left behind (fault F08).
    if !path.is_dir() || has_locks(path) || is_crowded(path) {
        return None;
    }
    remove_drafts(path);
    let repo = Repository::open_bare(path).ok()?;
    let references: Vec<_> = repo.references().ok()?.collect();
    for reference in references {
        let target = reference.ok()?.target()?;
        let object = repo.find_object(target, None).ok()?;
        object.peel(ObjectType::Tree).ok()?;
    }
    Some(repo)
}

fn fresh(path: &Path) -> Result<Repository, Error> {
    let storage = |problem: &dyn std::fmt::Display| Error::storage(problem.to_string());
    if path.exists() {
        fs::remove_dir_all(path).map_err(|error| storage(&error))?;
    }
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).no_reinit(true).mkpath(true);
    Repository::init_opts(path, &options).map_err(|error| broken(&error))
}

fn broken(error: &git2::Error) -> Error {
    Error::storage(error.message())
}

fn has_locks(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return true };
    entries.flatten().any(|entry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder {
            // Objects are written under other names and renamed.
            entry.file_name() != "objects" && has_locks(&entry.path())
        } else {
            entry.path().extension().is_some_and(|extension| extension == "lock")
        }
    })
}

fn is_crowded(path: &Path) -> bool {
    let names = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let packs = names(path.join("objects/pack"))
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack"));
    if packs.count() > MAX_PACKS {
        return true;
    }
    let folders = names(path.join("objects")).filter(|entry| entry.file_name().len() == 2);
    folders.map(|folder| names(folder.path()).count()).sum::<usize>() > MAX_LOOSE
}

/// Removes packs that a dead worker did not finish.
fn remove_drafts(path: &Path) {
    for entry in fs::read_dir(path.join("objects/pack")).into_iter().flatten().flatten() {
        let path = entry.path();
        let known =
            path.extension().is_some_and(|extension| extension == "pack" || extension == "idx");
        if !known {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests;
