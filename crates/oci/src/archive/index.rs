//! What an archive holds, entry by entry, with paths made safe.

use std::io::Read;

use crate::error::Error;
use crate::text::shown;

/// Longest path and longest link target.
const PATH_BYTES: usize = 4096;
/// Deepest path: every folder on the way is an entry.
const DEPTH: usize = 128;

/// One entry of an archive.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Path without `./`, empty parts and end slash; empty for the root and for what is no file.
    pub(crate) path: String,
    /// What stands there.
    pub(crate) kind: Kind,
}

impl Entry {
    /// What it takes in memory.
    pub(super) fn name_bytes(&self) -> usize {
        match &self.kind {
            Kind::Symlink { target } => self.path.len() + target.len(),
            _ => self.path.len(),
        }
    }
}

/// What stands at a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A folder.
    Directory,
    /// A file.
    File {
        /// Bytes.
        size: u64,
        /// Whether its owner may run it.
        executable: bool,
    },
    /// A symbolic link, never followed.
    Symlink {
        /// Where it leads, as written.
        target: String,
    },
    /// Harmless while nobody packs it.
    Unusable(&'static str),
}

/// Reads the headers of one entry.
pub(super) fn read<R: Read>(entry: &tar::Entry<'_, R>) -> Result<Entry, Error> {
    let kind = entry.header().entry_type();
    if kind.is_pax_global_extensions() {
        return Ok(Entry { path: String::new(), kind: Kind::Unusable("it is a comment") });
    }
    let bytes = entry.path_bytes();
    let (path, utf8) = match std::str::from_utf8(&bytes) {
        Ok(path) => (path.to_owned(), true),
        Err(_) => (String::from_utf8_lossy(&bytes).into_owned(), false),
    };
    let refused = |why| Error::ArchiveInvalid { problem: format!("`{}` {why}", shown(&path)) };
    let safe = safe(&path).map_err(refused)?;
    let kind = match kind {
        _ if !utf8 => Kind::Unusable("its name is not UTF-8"),
        tar::EntryType::Directory => Kind::Directory,
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            let mode = entry.header().mode().map_err(|_| refused("has no readable mode"))?;
            Kind::File { size: entry.size(), executable: mode & 0o100 != 0 }
        }
        tar::EntryType::Symlink => match link_target(entry) {
            Some(target) => Kind::Symlink { target },
            None => Kind::Unusable("it is a symlink to no proper path"),
        },
        tar::EntryType::Link => Kind::Unusable("it is a hard link"),
        tar::EntryType::GNUSparse => Kind::Unusable("it is a sparse file"),
        tar::EntryType::Block | tar::EntryType::Char | tar::EntryType::Fifo => {
            return Err(refused("is a device node or a pipe"));
        }
        _ => Kind::Unusable("it is neither file, folder nor symlink"),
    };
    Ok(Entry { path: safe, kind })
}

fn link_target<R: Read>(entry: &tar::Entry<'_, R>) -> Option<String> {
    let target = String::from_utf8(entry.link_name_bytes()?.into_owned()).ok()?;
    let fits = !target.is_empty() && target.len() <= PATH_BYTES && !target.contains('\0');
    fits.then_some(target)
}

/// A relative path without empty and `.` parts. Backslashes are ordinary characters in file names.
fn safe(path: &str) -> Result<String, &'static str> {
    if path.starts_with('/') {
        return Err("is absolute");
    }
    if path.contains('\0') {
        return Err("has a NUL");
    }
    if path.len() > PATH_BYTES {
        return Err("is longer than 4096 bytes");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err("leads out of the archive");
    }
    if parts.len() > DEPTH {
        return Err("is more than 128 folders deep");
    }
    Ok(parts.join("/"))
}
