//! A person's clone of a repository on the forge.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::landscape::{Landscape, TEAM};
use crate::tools;
use crate::wait::eventually;

/// Longest time the forge may be away; it only ends what would hang.
const DEADLINE: Duration = Duration::from_mins(3);

/// A clone in a scratch folder, and who works in it.
pub(super) struct Clone {
    scratch: TempDir,
    folder: String,
    forge: String,
    user: String,
    password: String,
}

impl Clone {
    /// Clones a repository as somebody.
    pub(super) async fn new(
        landscape: &Landscape,
        repository: &str,
        (user, password): (&str, &str),
    ) -> Result<Self> {
        let url = landscape.forge.http_url(TEAM, repository);
        let mut this = Self {
            scratch: tempfile::tempdir()?,
            folder: String::new(),
            forge: landscape.forge.base_url(),
            user: user.to_owned(),
            password: password.to_owned(),
        };
        let mut attempt = 0;
        let what = format!("a clone of {repository}");
        let folder = eventually(&what, DEADLINE, async || {
            attempt += 1;
            let folder = this.scratch.path().join(format!("clone-{attempt}"));
            let folder = folder.to_str().context("the path is text")?.to_owned();
            this.run(&["clone", "-q", &url, &folder]).await?;
            Ok(Some(folder))
        });
        this.folder = folder.await?;
        Ok(this)
    }

    /// Runs git in it; what it prints.
    pub(super) async fn git(&self, arguments: &[&str]) -> Result<String> {
        self.run(&[&["-C", &self.folder], arguments].concat()).await
    }

    /// The path of a file in it.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        PathBuf::from(&self.folder).join(file)
    }

    /// Pushes what is checked out to a branch, again while the forge is away: the same commit each time.
    /// Returns the commit.
    pub(super) async fn push(&self, branch: &str) -> Result<String> {
        let to = format!("HEAD:refs/heads/{branch}");
        eventually(&format!("a push to {branch}"), DEADLINE, async || {
            self.git(&["push", "-q", "origin", &to]).await.map(Some)
        })
        .await?;
        Ok(self.git(&["rev-parse", "HEAD"]).await?.trim().to_owned())
    }

    async fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut git = tools::git_as(self.scratch.path(), &self.forge, &self.user, &self.password);
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), &self.user);
            git.env(format!("GIT_{role}_EMAIL"), format!("{}@example.test", self.user));
        }
        git.args(arguments);
        tools::run(git).await
    }
}
