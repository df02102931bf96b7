//! The folder of the cache: one folder for each repository and credential.
//!
//! **Invariant:** the name of a folder tells nothing of the credential, whoever reads it.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::Error;

/// The folder of the cache.
pub(crate) struct Cache {
    folder: PathBuf,
    salt: Vec<u8>,
}

impl Cache {
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let opened = private_folder(folder).and_then(|()| salt(folder));
        let salt = opened.map_err(|error| storage(&error))?;
        Ok(Self { folder: folder.to_owned(), salt })
    }

    /// Makes keys that nobody can guess a password from.
    pub(crate) fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The folder for a key, with a home in it for its worker.
    pub(crate) fn folder(&self, key: &str) -> Result<PathBuf, Error> {
        let path = self.folder.join(key);
        let made = private_folder(&path).and_then(|()| private_folder(&path.join("home")));
        made.map_err(|error| storage(&error))?;
        // So that a sweep sees that it is used.
        if let Ok(file) = File::create(path.join("used")) {
            let _ = file.set_modified(SystemTime::now());
        }
        Ok(path)
    }

    /// Removes folders that nobody has used for so long, such as those of credentials that are no
    /// more.
    pub(crate) fn sweep(&self, keep: Duration) {
        let is_old = |path: &Path| {
            let used = fs::metadata(path.join("used")).and_then(|found| found.modified());
            used.is_ok_and(|used| used.elapsed().is_ok_and(|age| age > keep))
        };
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if is_old(&entry.path()) && !is_in_use(&entry.path()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Whether a worker holds one of the slots.
fn is_in_use(folder: &Path) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|slot| {
        let lock = File::open(slot.path().join("lock"));
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    })
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Random bytes of this cache; made when it is new.
fn salt(folder: &Path) -> io::Result<Vec<u8>> {
    const LENGTH: usize = 32;
    let path = folder.join("salt");
    if let Ok(salt) = fs::read(&path)
        && salt.len() == LENGTH
    {
        return Ok(salt);
    }
    let mut salt = vec![0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut salt)?;
    let mut file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.write_all(&salt)?;
    Ok(salt)
}

fn storage(error: &io::Error) -> Error {
    Error::storage(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_made_once_and_kept_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("a/b");
        let first = Cache::open(&folder).unwrap();
        assert_eq!(Cache::open(&folder).unwrap().salt(), first.salt());
        assert_ne!(first.salt(), [0; 32]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("salt"))), (0o700, 0o600));
    }

    #[test]
    fn what_nobody_uses_is_swept() {
        let scratch = tempfile::tempdir().unwrap();
        let cache = Cache::open(scratch.path()).unwrap();
        let folder = |key: &str, hours: u64| {
            let path = cache.folder(key).unwrap();
            let then = SystemTime::now() - Duration::from_hours(hours);
            File::create(path.join("used")).unwrap().set_modified(then).unwrap();
            fs::create_dir(path.join("0")).unwrap();
            let lock = File::create(path.join("0/lock")).unwrap();
            (path, lock)
        };
        let (old, _) = folder("old", 100);
        let (new, _) = folder("new", 1);
        let (busy, lock) = folder("busy", 100);
        lock.lock().unwrap();
        cache.sweep(Duration::from_hours(50));
        assert!(!old.exists() && new.exists() && busy.exists());
    }
}
