//! The folder that one server keeps its files in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

/// A server's folder: its own and removed at the end, or a given one that stays.
///
/// With `PORTOLAN_KEEP` set nothing is removed, so that logs can be read after a failed test.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    _own: Option<TempDir>,
}

impl Scratch {
    /// A folder for a server of this name, in `given` if there is one (which must be empty or absent).
    pub(crate) fn new(name: &str, given: Option<&Path>) -> Result<Self> {
        if let Some(path) = given {
            fs::create_dir_all(path).with_context(|| format!("creating {}", path.display()))?;
            if fs::read_dir(path)?.next().is_some() {
                bail!("{} is not empty: remove it, or give {name} another folder", path.display());
            }
            return Ok(Self { path: path.canonicalize()?, _own: None });
        }
        let mut own = tempfile::Builder::new().prefix(&format!("portolan-{name}-")).tempdir()?;
        if std::env::var_os("PORTOLAN_KEEP").is_some() {
            own.disable_cleanup(true);
        }
        Ok(Self { path: own.path().canonicalize()?, _own: Some(own) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder inside, created if need be.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(path)
    }

    /// The log file of one program.
    pub(crate) fn log(&self, program: &str) -> Result<PathBuf> {
        Ok(self.folder("logs")?.join(format!("{program}.log")))
    }
}

/// Writes a file that only its owner may read.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("writing {}", path.display()))
}
