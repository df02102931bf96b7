//! Builds history directly in a served repository: commits, merges, reverts. No hook runs for these.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

use super::GitServer;
use crate::tools::{git, run, run_with};

/// How a branch gets into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A merge commit, also where none is needed.
    Merge,
    /// One new commit with the sum of the changes.
    Squash,
    /// A copy of each commit on top.
    Rebase,
    /// The same commits; an error if the branches have diverged.
    FastForward,
}

/// A file in a commit.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// Where.
    pub path: &'a str,
    /// `100644`, `100755` for a program, `120000` for a symbolic link, `160000` for a submodule (content: commit id).
    pub mode: &'a str,
    /// The bytes; `None` removes the path, a folder with everything in it.
    pub content: Option<&'a [u8]>,
}

impl GitServer {
    /// Commits ordinary files to a branch (`None` removes one), which need not exist yet; the commit's id.
    ///
    /// The author is `Name <address>`.
    pub async fn commit(
        &self,
        repo: &str,
        branch: &str,
        files: &[(&str, Option<&[u8]>)],
        message: &str,
        author: &str,
    ) -> Result<String> {
        let changes =
            files.iter().map(|file| Change { path: file.0, mode: "100644", content: file.1 });
        let changes: Vec<Change<'_>> = changes.collect();
        self.commit_changes(repo, branch, &changes, message, author).await
    }

    /// Like [`commit`](Self::commit), with file modes. An error if somebody else moved the branch meanwhile.
    pub async fn commit_changes(
        &self,
        repo: &str,
        branch: &str,
        changes: &[Change<'_>],
        message: &str,
        author: &str,
    ) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mut input = format!("commit refs/heads/{branch}\nmark :1\n").into_bytes();
        for role in ["author", "committer"] {
            input.extend(format!("{role} {author} {now} +0000\n").bytes());
        }
        data(&mut input, message.as_bytes());
        if let Some(tip) = self.tip(repo, branch).await? {
            input.extend(format!("from {tip}\n").bytes());
        }
        for Change { path, mode, content } in changes {
            let path = quoted(path);
            match content {
                None => input.extend(format!("D {path}\n").bytes()),
                Some(commit) if *mode == "160000" => {
                    let commit = std::str::from_utf8(commit)?;
                    input.extend(format!("M {mode} {commit} {path}\n").bytes());
                }
                Some(content) => {
                    input.extend(format!("M {mode} inline {path}\n").bytes());
                    data(&mut input, content);
                }
            }
        }
        let scratch = tempfile::tempdir()?;
        let marks = scratch.path().join("marks");
        let mut import = git(self.home());
        import.current_dir(self.repo_path(repo)).args(["fast-import", "--quiet"]);
        import.arg(format!("--export-marks={}", marks.display()));
        run_with(import, &input).await?;
        let marks = std::fs::read_to_string(&marks)?;
        let id = marks.trim().strip_prefix(":1 ").context("git fast-import told no commit")?;
        Ok(id.to_owned())
    }

    /// Brings a branch into another and returns the new tip. An error if they conflict.
    pub async fn merge(&self, repo: &str, into: &str, from: &str, how: How) -> Result<String> {
        let (theirs, message) = (format!("origin/{from}"), format!("Merge {from} into {into}"));
        let steps: &[&[&str]] = match how {
            How::Merge => &[&["merge", "--no-ff", "-m", &message, &theirs]],
            How::Squash => &[&["merge", "--squash", &theirs], &["commit", "-m", &message]],
            How::Rebase => &[&["checkout", "--detach", &theirs], &["rebase", into]],
            How::FastForward => &[&["merge", "--ff-only", &theirs]],
        };
        self.in_work_tree(repo, into, steps).await
    }

    /// Undoes a commit of a branch by a new one, and returns the new tip.
    pub async fn revert(&self, repo: &str, branch: &str, commit: &str) -> Result<String> {
        let parents = self.git(repo, &["rev-list", "--parents", "-n", "1", commit]).await?;
        let mainline: &[&str] =
            if parents.split_whitespace().count() > 2 { &["-m", "1"] } else { &[] };
        let step = [&["revert", "--no-edit"], mainline, &[commit]].concat();
        self.in_work_tree(repo, branch, &[&step]).await
    }

    async fn in_work_tree(&self, repo: &str, branch: &str, steps: &[&[&str]]) -> Result<String> {
        let scratch = tempfile::tempdir()?;
        let tree = scratch.path().join("tree");
        let in_tree = |args: &[&str]| -> Command {
            let mut command = git(self.home());
            command.arg("-C").arg(&tree).args(args);
            command
        };
        let mut clone = git(self.home());
        clone.args(["clone", "--quiet", "--branch", branch]).arg(self.repo_path(repo)).arg(&tree);
        run(clone).await?;
        for step in steps {
            run(in_tree(step)).await?;
        }
        // A fetch, since a push would run the hooks; without a plus it refuses to lose somebody's commit.
        let target = format!("HEAD:refs/heads/{branch}");
        let tree_path = tree.to_str().context("odd scratch path")?;
        self.git(repo, &["fetch", "--quiet", tree_path, &target]).await?;
        Ok(run(in_tree(&["rev-parse", "HEAD"])).await?.trim().to_owned())
    }

    /// Installs a hook of a repository, e.g. `pre-receive` or `update`; the script starts with `#!/bin/sh`.
    pub async fn set_hook(&self, repo: &str, hook: &str, script: &str) -> Result<()> {
        if !script.starts_with("#!") {
            bail!("a hook starts with a line such as #!/bin/sh");
        }
        let hooks = self.repo_path(repo).join("hooks");
        std::fs::create_dir_all(&hooks)?;
        let draft = hooks.join(format!("{hook}.draft"));
        std::fs::write(&draft, script)?;
        // By another process: while this one has a program open for writing, a process it starts cannot run it.
        let mut install = Command::new("install");
        install.args(["-m", "755"]).arg(&draft).arg(hooks.join(hook));
        run(install).await.map(|_| ())
    }

    /// Removes a hook.
    pub fn remove_hook(&self, repo: &str, hook: &str) -> Result<()> {
        let path = self.repo_path(repo).join("hooks").join(hook);
        std::fs::remove_file(Path::new(&path))
            .with_context(|| format!("removing {}", path.display()))
    }
}

fn data(input: &mut Vec<u8>, bytes: &[u8]) {
    input.extend(format!("data {}\n", bytes.len()).bytes());
    input.extend(bytes);
    input.push(b'\n');
}

/// A path as fast-import reads it, whatever it holds.
fn quoted(path: &str) -> String {
    let mut quoted = String::from("\"");
    for char in path.chars() {
        match char {
            '"' | '\\' => {
                let _ = write!(quoted, "\\{char}");
            }
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}
