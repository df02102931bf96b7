//! The store: one file for each url, the least recently used removed when there is too much.
//!
//! **Invariant:** an artifact is found only under the url that led to it. Its digest alone opens nothing:
//! digests stand in places that more people read than may read the tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use portolan_api::digest;
use portolan_api::native::reasons::transient;
use url::Url;

use super::foreign::Prefix;
use super::serve::Serving;
use super::turns::Turns;
use super::url::ArtifactUrl;
use crate::trouble::Trouble;

/// The store of one program, and the urls that lead to it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Artifacts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    base: String,
    foreign: Vec<Prefix>,
    max_bytes: u64,
    /// Remakes of one GitSource, by its namespace and name.
    turns: Turns<(String, String)>,
    serving: Serving,
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
        let foreign = foreign.iter().filter(|prefix| !prefix.is_empty()).filter_map(|prefix| {
            let read = Prefix::new(prefix);
            if read.is_none() {
                tracing::warn!(prefix, "--artifact-prefix: it is no http url and allows nothing");
            }
            read
        });
        let foreign = foreign.collect();
        let (turns, serving) = (Turns::default(), Serving::default());
        Ok(Self(Arc::new(Inner { dir, base, foreign, max_bytes, turns, serving })))
    }

    /// The url under which an artifact is served.
    pub(crate) fn url(&self, artifact: &ArtifactUrl) -> String {
        format!("{}{}", self.0.base, artifact.path())
    }

    /// What a url says, if it is one of ours.
    pub(crate) fn own(&self, url: &str) -> Option<ArtifactUrl> {
        ArtifactUrl::parse(url.strip_prefix(&self.0.base)?)
    }

    /// What to fetch for a url of somebody else's store that objects of `namespace` may read.
    pub(super) fn foreign(&self, url: &str, namespace: &str) -> Option<Url> {
        self.0.foreign.iter().find_map(|prefix| prefix.allows(url, namespace))
    }

    /// The turn to make an artifact of a GitSource again.
    pub(super) async fn turn(&self, artifact: &ArtifactUrl) -> impl Drop + use<> {
        self.0.turns.take((artifact.namespace.clone(), artifact.name.clone())).await
    }

    /// What bounds the work for those who ask over HTTP.
    pub(super) fn serving(&self) -> &Serving {
        &self.0.serving
    }

    /// All beginnings of urls that objects may read, for messages.
    pub(crate) fn prefixes(&self) -> String {
        let mut prefixes = vec![format!("{}/", self.0.base)];
        prefixes.extend(self.0.foreign.iter().map(Prefix::shown));
        prefixes.join(", ")
    }

    /// A place for an artifact in the making.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempPath, Trouble> {
        let scratch = tempfile::Builder::new().prefix("new-").tempfile_in(&self.0.dir);
        Ok(scratch.map_err(|error| storage(&error))?.into_temp_path())
    }

    /// Keeps what was made, under what led to it.
    pub(super) fn keep(&self, made: tempfile::TempPath, origin: &str) -> Result<PathBuf, Trouble> {
        let path = self.path(origin);
        made.persist(&path).map_err(|error| storage(&error.error))?;
        self.make_room(&path);
        Ok(path)
    }

    /// The file of what is kept under an origin; it counts as used now.
    pub(super) fn get(&self, origin: &str) -> Option<PathBuf> {
        let path = self.path(origin);
        let file = std::fs::File::options().append(true).open(&path).ok()?;
        let _ = file.set_modified(SystemTime::now());
        Some(path)
    }

    /// Names are hashed: an origin is longer than a file name may be, and no part of a path.
    fn path(&self, origin: &str) -> PathBuf {
        let name = digest::of_bytes(origin.as_bytes()).replace(':', "-");
        self.0.dir.join(format!("{name}.tar.gz"))
    }

    /// How much is kept.
    pub(crate) fn kept(&self) -> Kept {
        let files = self.files();
        Kept {
            entries: files.len(),
            bytes: files.iter().map(|(_, size, _)| size).sum(),
            max_bytes: self.0.max_bytes,
        }
    }

    /// All files, those first that were used longest ago: when that was, and their size.
    fn files(&self) -> Vec<(SystemTime, u64, PathBuf)> {
        let Ok(entries) = std::fs::read_dir(&self.0.dir) else { return Vec::new() };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort();
        files
    }

    /// Removes what was used longest ago until the rest fits; never what was just made.
    fn make_room(&self, newest: &Path) {
        let files = self.files();
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

/// How much the store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// How many artifacts, those in the making among them.
    pub(crate) entries: usize,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Bytes that may be kept.
    pub(crate) max_bytes: u64,
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

    fn put(store: &Artifacts, origin: &str, size: usize) {
        let scratch = store.scratch().unwrap();
        std::fs::write(&scratch, vec![0; size]).unwrap();
        store.keep(scratch, origin).unwrap();
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let (_dir, store) = store(250);
        put(&store, "a", 100);
        put(&store, "b", 100);
        let old = SystemTime::now() - std::time::Duration::from_mins(1);
        let b = std::fs::File::options().append(true).open(store.path("b")).unwrap();
        b.set_modified(old).unwrap();
        assert!(store.get("a").is_some());
        put(&store, "c", 100);
        assert!(store.get("b").is_none());
        assert!(store.get("a").is_some() && store.get("c").is_some());
        assert_eq!(store.kept(), Kept { entries: 2, bytes: 200, max_bytes: 250 });
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
        let foreign = "http://flux/gitrepository/dev/app/x";
        assert_eq!(store.foreign(foreign, "dev").as_ref().map(Url::as_str), Some(foreign));
        assert_eq!(store.foreign(foreign, "prod"), None);
        assert_eq!(store.prefixes(), "http://ours/, http://flux/");
        assert_eq!(store.own("http://ours.evil/v1"), None);
    }
}
