//! The store: files named by their digest, the least recently used removed when there is too much.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use portolan_api::native::reasons::transient;

use super::url::ArtifactUrl;
use crate::trouble::Trouble;

/// The store of one program, and the urls that lead to it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Artifacts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    base: String,
    foreign: Vec<String>,
    max_bytes: u64,
}

impl Artifacts {
    /// A store in a folder; `base` is what our urls start with, `foreign` what others may start with.
    pub(crate) fn open(
        dir: PathBuf,
        base: &str,
        foreign: Vec<String>,
        max_bytes: u64,
    ) -> std::io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        let base = base.trim_end_matches('/').to_owned();
        let slash = |prefix: String| format!("{}/", prefix.trim_end_matches('/'));
        let foreign = foreign.into_iter().filter(|p| !p.is_empty()).map(slash).collect();
        Ok(Self(Arc::new(Inner { dir, base, foreign, max_bytes })))
    }

    /// The url under which an artifact is served.
    pub(crate) fn url(&self, artifact: &ArtifactUrl) -> String {
        format!("{}{}", self.0.base, artifact.path())
    }

    /// What a url says, if it is one of ours.
    pub(crate) fn own(&self, url: &str) -> Option<ArtifactUrl> {
        ArtifactUrl::parse(url.strip_prefix(&self.0.base)?)
    }

    /// The path of a url of somebody else's store that objects may read.
    pub(crate) fn foreign<'u>(&self, url: &'u str) -> Option<&'u str> {
        self.0.foreign.iter().find_map(|prefix| url.strip_prefix(prefix.as_str()))
    }

    /// All beginnings of urls that objects may read, for messages.
    pub(crate) fn prefixes(&self) -> String {
        let mut prefixes = vec![format!("{}/", self.0.base)];
        prefixes.extend(self.0.foreign.iter().cloned());
        prefixes.join(", ")
    }

    /// A place for an artifact in the making.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempPath, Trouble> {
        let scratch = tempfile::Builder::new().prefix("new-").tempfile_in(&self.0.dir);
        Ok(scratch.map_err(|error| storage(&error))?.into_temp_path())
    }

    /// Keeps what was made.
    pub(crate) fn keep(&self, made: tempfile::TempPath, digest: &str) -> Result<PathBuf, Trouble> {
        let path = self.path(digest);
        made.persist(&path).map_err(|error| storage(&error.error))?;
        self.make_room(&path);
        Ok(path)
    }

    /// The file of an artifact, if it is kept; it counts as used now.
    pub(crate) fn get(&self, digest: &str) -> Option<PathBuf> {
        let path = self.path(digest);
        let file = std::fs::File::options().append(true).open(&path).ok()?;
        let _ = file.set_modified(SystemTime::now());
        Some(path)
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.0.dir.join(format!("{}.tar.gz", digest.replace(':', "-")))
    }

    /// Removes what was used longest ago until the rest fits; never what was just made.
    fn make_room(&self, newest: &Path) {
        let Ok(entries) = std::fs::read_dir(&self.0.dir) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if total <= self.0.max_bytes {
                break;
            }
            if path != newest && std::fs::remove_file(&path).is_ok() {
                total -= size;
            }
        }
    }
}

/// Trouble with the local disk.
pub(crate) fn storage(error: &std::io::Error) -> Trouble {
    let message = format!("the local artifact store cannot be used: {error}");
    Trouble::transient(transient::LOCAL_STORAGE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(max_bytes: u64) -> (tempfile::TempDir, Artifacts) {
        let dir = tempfile::tempdir().unwrap();
        let foreign = vec!["http://flux".to_owned(), String::new()];
        let store = Artifacts::open(dir.path().into(), "http://ours/", foreign, max_bytes).unwrap();
        (dir, store)
    }

    fn put(store: &Artifacts, digest: &str, size: usize) {
        let scratch = store.scratch().unwrap();
        std::fs::write(&scratch, vec![0; size]).unwrap();
        store.keep(scratch, digest).unwrap();
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let (_dir, store) = store(250);
        put(&store, "sha256:a", 100);
        put(&store, "sha256:b", 100);
        let old = SystemTime::now() - std::time::Duration::from_mins(1);
        let b = std::fs::File::options().append(true).open(store.path("sha256:b")).unwrap();
        b.set_modified(old).unwrap();
        assert!(store.get("sha256:a").is_some());
        put(&store, "sha256:c", 100);
        assert!(store.get("sha256:b").is_none());
        assert!(store.get("sha256:a").is_some() && store.get("sha256:c").is_some());
    }

    #[test]
    fn urls_are_ours_foreign_or_neither() {
        let (_dir, store) = store(1);
        let artifact = ArtifactUrl {
            namespace: "dev".into(),
            name: "app".into(),
            commit: "a".repeat(40),
            digest: format!("sha256:{}", "0".repeat(64)),
        };
        assert_eq!(store.own(&store.url(&artifact)), Some(artifact));
        assert_eq!(
            store.foreign("http://flux/gitrepository/dev/app/x"),
            Some("gitrepository/dev/app/x")
        );
        assert_eq!(store.foreign("http://flux.evil/gitrepository"), None);
        assert_eq!(store.own("http://ours.evil/v1"), None);
    }
}
