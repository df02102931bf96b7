//! Repositories on this machine's disk, read for people: `portolan trace` in a clone.
//!
//! **Invariants:** Only reads, and without a server: no worker, no configuration of the repository
//! that would run anything, no work tree. Whose the files are does not matter.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Repository};
use portolan_plan::trace::{Evidence, Seek};

use crate::error::Error;
use crate::refs::HEADS;
use crate::text::shown;
use crate::wire::Failure;
use crate::worker::trace;

/// Where a clone keeps what it knows of the branches of others.
const REMOTES: &str = "refs/remotes/";
/// The usual name of where a clone came from.
const ORIGIN: &str = "origin";

/// A repository on disk cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// There is none.
    #[error(
        "{path} is not in a git repository: change to a clone of the configuration repository, or \
         name it with --repository"
    )]
    NotARepository {
        /// Where it was looked for.
        path: String,
    },
    /// It is damaged, or not all there.
    #[error(
        "the repository {path} does not read ({problem}): look at it with `git fsck`; a clone that \
         leaves out objects (--filter) has to be made anew without"
    )]
    Broken {
        /// The repository.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// What was asked for is not in it.
    #[error("{0}")]
    Asked(Error),
}

/// Looks through the branches of the repository at a path or above it. A branch that the clone has
/// of its origin counts as it is there, not as it is checked out here.
pub fn trace(path: &Path, seek: &Seek) -> Result<(PathBuf, Evidence), LocalError> {
    let folder = discover(path)?;
    let found = look(&folder, seek);
    let evidence = found.map_err(|failure| match failure {
        Failure::Error(error) => LocalError::Asked(error),
        Failure::CacheDropped(problem) => broken(&folder, &problem),
    })?;
    Ok((folder, evidence))
}

fn look(folder: &Path, seek: &Seek) -> Result<Evidence, Failure> {
    let dropped = |error: git2::Error| Failure::CacheDropped(shown(error.message(), 300));
    // As a bare one: whose it is and whether it has a work tree does not matter then.
    let repo = Repository::open_bare(folder).map_err(dropped)?;
    let tips = trace::choose(tips(&repo).map_err(dropped)?, seek)?;
    trace::gather(&repo, &tips, seek)
}

/// The branches by name: as the origin has them, else as another remote does, else our own.
fn tips(repo: &Repository) -> Result<Vec<(String, Oid)>, git2::Error> {
    let mut tips: BTreeMap<String, (u8, String, Oid)> = BTreeMap::new();
    for reference in repo.references()? {
        let reference = reference?;
        let Ok(full) = std::str::from_utf8(reference.name_bytes()) else { continue };
        let (rank, remote, name) = if let Some(name) = full.strip_prefix(HEADS) {
            (2, "", name)
        } else if let Some((remote, name)) =
            full.strip_prefix(REMOTES).and_then(|rest| rest.split_once('/'))
        {
            (u8::from(remote != ORIGIN), remote, name)
        } else {
            continue;
        };
        // `origin/HEAD` is another name of a branch.
        let Some(id) = reference.target() else { continue };
        let (remote, name) = (remote.to_owned(), name.to_owned());
        let new = (rank, remote, id);
        let kept = tips.entry(name).or_insert_with(|| new.clone());
        if (new.0, &new.1) < (kept.0, &kept.1) {
            *kept = new;
        }
    }
    Ok(tips.into_iter().map(|(name, (_, _, id))| (name, id)).collect())
}

/// The folder in which the repository at a path or above it keeps its objects.
fn discover(path: &Path) -> Result<PathBuf, LocalError> {
    let none: [&OsStr; 0] = [];
    let folder = Repository::discover_path(path, none).map_err(|error| match error.code() {
        ErrorCode::NotFound => LocalError::NotARepository { path: named(path) },
        _ => broken(path, error.message()),
    })?;
    // A linked work tree has its references and objects elsewhere.
    match fs::read_to_string(folder.join("commondir")) {
        Ok(common) => Ok(folder.join(common.trim_end())),
        Err(_) => Ok(folder),
    }
}

fn broken(path: &Path, problem: &str) -> LocalError {
    LocalError::Broken { path: named(path), problem: shown(problem, 300) }
}

fn named(path: &Path) -> String {
    shown(&path.to_string_lossy(), 300)
}
