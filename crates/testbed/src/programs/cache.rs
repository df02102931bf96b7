//! The folder that keeps server programs between runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};

use super::recipe::Recipe;
use super::say;

/// `$PORTOLAN_CACHE`, else `~/.cache/portolan`.
pub fn cache_root() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("PORTOLAN_CACHE")
        .or_else(|| set("HOME").map(|home| home.join(".cache/portolan")))
        .context("no place for server programs: set PORTOLAN_CACHE or HOME")
}

/// Where a recipe's program lies once it is there.
pub(super) fn place(recipe: &Recipe) -> Result<PathBuf> {
    let folder = cache_root()?.join("servers").join(recipe.module).join(recipe.key()?);
    Ok(folder.join(recipe.program))
}

/// The program in `$KUBEBUILDER_ASSETS`, if that folder has it.
pub(super) fn in_assets(program: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("KUBEBUILDER_ASSETS")?).join(program);
    path.is_file().then_some(path)
}

/// Held while a program is made, so that two processes do not make it twice. Freed on drop.
pub(super) fn lock(folder: &Path, name: &str) -> Result<File> {
    let path = folder.join(format!(".{name}.lock"));
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    if file.try_lock().is_err() {
        say(&format!("another process is making {name}; waiting for it"));
        file.lock().with_context(|| format!("locking {}", path.display()))?;
    }
    Ok(file)
}

/// Makes a file under another name and puts it in place only when it is whole.
pub(super) fn whole(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut name = path.file_name().context("a file has a name")?.to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    let result = make(&partial).and_then(|()| {
        fs::rename(&partial, path).with_context(|| format!("renaming to {}", path.display()))
    });
    if result.is_err() {
        let _ = fs::remove_file(&partial);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_made_file_never_takes_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etcd");
        let failed = whole(&path, |partial| {
            fs::write(partial, "half")?;
            anyhow::bail!("out of disk")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        whole(&path, |partial| Ok(fs::write(partial, "whole")?)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
    }

    #[test]
    fn the_lock_admits_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path(), "etcd").unwrap();
        let other = File::open(folder.path().join(".etcd.lock")).unwrap();
        assert!(other.try_lock().is_err());
        drop(held);
        assert!(other.try_lock().is_ok());
    }
}
