//! A folder for one worker: no two work in the same.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// More workers than these for one repository and credential are a mistake of somebody's.
const SLOTS: usize = 64;

/// A folder that is ours until this process ends.
pub(super) struct Slot {
    path: PathBuf,
    _lock: File,
}

impl Slot {
    /// Takes the first free slot. A worker that was killed has freed its own.
    pub(super) fn take(folder: &Path) -> io::Result<Self> {
        for number in 0..SLOTS {
            let path = folder.join(number.to_string());
            fs::create_dir_all(&path)?;
            let lock = File::options().create(true).append(true).open(path.join("lock"))?;
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path, _lock: lock }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other("all slots of the repository are taken"))
    }

    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_have_the_same_slot() {
        let scratch = tempfile::tempdir().unwrap();
        let one = Slot::take(scratch.path()).unwrap();
        let two = Slot::take(scratch.path()).unwrap();
        assert_ne!(one.folder("x"), two.folder("x"));
        let first = one.folder("x");
        drop(one);
        assert_eq!(Slot::take(scratch.path()).unwrap().folder("x"), first);
    }
}
