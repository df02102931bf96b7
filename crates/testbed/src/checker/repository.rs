//! Reading a clone with git.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use portolan_api::record::{FILE, Record, RecordedFile, is_ours};

use super::evidence::{Commit, Directory};
use crate::tools::{git, run, run_with};

/// A clone with everything that the server shows: all branches and the heads of all requests.
pub struct Repository {
    home: PathBuf,
    folder: PathBuf,
}

impl Repository {
    /// Clones below an empty folder, with a git command that may log in.
    pub async fn clone(mut git: Command, url: &str, home: &Path, name: &str) -> Result<Self> {
        let folder = home.join(name);
        git.args(["clone", "-q", "--mirror", url]).arg(&folder);
        run(git).await?;
        Ok(Self { home: home.to_owned(), folder })
    }

    fn git(&self, arguments: &[&str]) -> Command {
        let mut git = git(&self.home);
        git.arg("-C").arg(&self.folder).args(arguments);
        git
    }

    /// The tips of all branches, by name.
    pub async fn branches(&self) -> Result<BTreeMap<String, String>> {
        let format = "--format=%(refname:lstrip=2) %(objectname)";
        let text = run(self.git(&["for-each-ref", format, "refs/heads"])).await?;
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        Ok(lines.map(|(name, id)| (name.to_owned(), id.to_owned())).collect())
    }

    /// All commits with the directories that have a record anywhere.
    pub async fn commits(&self) -> Result<BTreeMap<String, Commit>> {
        let text = run(self.git(&["log", "--all", "-z", "--format=%H%n%P%n%B"])).await?;
        let mut commits = Vec::new();
        for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
            let mut parts = entry.splitn(3, '\n');
            let mut next = || parts.next().context("git log prints id, parents and message");
            let (id, parents) = (next()?.to_owned(), next()?);
            let parents = parents.split_whitespace().map(str::to_owned).collect();
            let message = next()?.to_owned();
            commits.push(Commit { id, parents, message, directories: BTreeMap::new() });
        }
        let mut trees = Vec::new();
        for commit in &commits {
            trees.push(self.tree(&commit.id).await?);
        }
        let records = self.records(&trees).await?;
        let paths: BTreeSet<&str> =
            trees.iter().flat_map(BTreeMap::keys).filter_map(|path| recorded(path)).collect();
        for (commit, tree) in commits.iter_mut().zip(&trees) {
            for path in &paths {
                let directory = directory(tree, path, &records);
                if directory != Directory::default() {
                    commit.directories.insert((*path).to_owned(), directory);
                }
            }
        }
        Ok(commits.into_iter().map(|commit| (commit.id.clone(), commit)).collect())
    }

    /// All files of a commit, by path.
    async fn tree(&self, commit: &str) -> Result<BTreeMap<String, RecordedFile>> {
        let text = run(self.git(&["ls-tree", "-r", "-z", commit])).await?;
        let mut files = BTreeMap::new();
        for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
            let (about, path) = entry.split_once('\t').context("git ls-tree prints paths")?;
            let mut words = about.split(' ');
            let mut next = || words.next().context("git ls-tree prints mode, type and id");
            let (mode, _, blob) = (next()?.to_owned(), next()?, next()?.to_owned());
            files.insert(path.to_owned(), RecordedFile { mode, blob });
        }
        Ok(files)
    }

    /// All records in some trees, by blob.
    async fn records(
        &self,
        trees: &[BTreeMap<String, RecordedFile>],
    ) -> Result<BTreeMap<String, Record>> {
        let files = trees.iter().flatten().filter(|(path, _)| recorded(path).is_some());
        let blobs: BTreeSet<&str> = files.map(|(_, file)| file.blob.as_str()).collect();
        let mut records = BTreeMap::new();
        for blob in blobs {
            let text = run_with(self.git(&["cat-file", "blob", blob]), &[]).await?;
            records.insert(blob.to_owned(), Record::read(text.as_bytes())?);
        }
        Ok(records)
    }
}

/// The directory whose record a path is.
fn recorded(path: &str) -> Option<&str> {
    path.strip_suffix(FILE)?.strip_suffix('/')
}

fn directory(
    tree: &BTreeMap<String, RecordedFile>,
    path: &str,
    records: &BTreeMap<String, Record>,
) -> Directory {
    let prefix = format!("{path}/");
    let below = tree.iter().filter_map(|(name, file)| Some((name.strip_prefix(&prefix)?, file)));
    let mut directory = Directory::default();
    for (name, file) in below {
        if name == FILE {
            directory.record = records.get(&file.blob).cloned();
        } else if !is_ours(name) {
            directory.files.insert(name.to_owned(), file.clone());
        }
    }
    directory
}

/// The commits of a branch by first parents, oldest first.
pub async fn first_parents(repository: &Repository, branch: &str) -> Result<Vec<String>> {
    let arguments = ["log", "--first-parent", "--reverse", "--format=%H", branch];
    let text = run(repository.git(&arguments)).await?;
    Ok(text.lines().map(str::to_owned).collect())
}
