//! What the history of a configuration repository must show, whatever happened on the way.

use anyhow::{Context as _, Result, ensure};
use portolan_api::record::{FILE, Record};
use portolan_testbed::landscape::{CONFIG, Landscape, TEAM};

/// Where an application's configuration for one environment stands.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'g> {
    /// The repository.
    pub repository: &'g str,
    /// The branch.
    pub branch: &'g str,
    /// The application's directory.
    pub directory: &'g str,
}

impl Goal<'_> {
    /// The record at a commit.
    pub async fn record(&self, landscape: &Landscape, commit: &str) -> Result<Record> {
        let path = format!("{}/{FILE}", self.directory);
        let bytes = landscape.forge.read_file(TEAM, self.repository, commit, &path).await?;
        Ok(Record::read(&bytes.with_context(|| format!("{path} at {commit}"))?)?)
    }

    /// The branch's tip, which has to be there.
    pub async fn tip(&self, landscape: &Landscape) -> Result<String> {
        let tip = landscape.forge.branch_tip(TEAM, self.repository, self.branch).await?;
        tip.with_context(|| format!("branch {} of {} is there", self.branch, self.repository))
    }

    /// Every write has another content than the one before it, and the sequence counts up from 1
    /// without a gap: nothing is there twice, nothing is lost.
    pub async fn no_commit_twice(&self, landscape: &Landscape) -> Result<()> {
        let branch = self.branch;
        let mut newer: Option<Record> = None;
        for commit in landscape.forge.commits(TEAM, self.repository, branch).await? {
            let id = commit["sha"].as_str().context("a commit has an id")?;
            let Ok(record) = self.record(landscape, id).await else { continue };
            // Commits of people and of other writers have the record in them too.
            let message = commit["commit"]["message"].as_str().unwrap_or_default();
            let trailers = [
                format!("Portolan-Writer: {}", record.writer),
                format!("Portolan-Passage: {}", record.passage),
            ];
            if !trailers.iter().all(|trailer| message.lines().any(|line| line == trailer)) {
                continue;
            }
            if let Some(newer) = &newer {
                ensure!(newer.digest != record.digest, "{id} on {branch} is there twice");
                ensure!(newer.sequence == record.sequence + 1, "{branch} counts its writes");
            }
            newer = Some(record);
        }
        let first = newer.map(|record| record.sequence);
        ensure!(first == Some(1), "{branch} begins with {first:?}");
        Ok(())
    }
}

/// An application's record at a commit, where each environment has a branch.
pub async fn record(landscape: &Landscape, app: &str, commit: &str) -> Result<Record> {
    let directory = format!("apps/{app}");
    let goal = Goal { repository: CONFIG, branch: "", directory: &directory };
    goal.record(landscape, commit).await
}

/// [`Goal::no_commit_twice`] for an application in both environments, where each has a branch.
pub async fn no_commit_twice(landscape: &Landscape, app: &str) -> Result<()> {
    let directory = format!("apps/{app}");
    for branch in ["staging", "production"] {
        let goal = Goal { repository: CONFIG, branch, directory: &directory };
        goal.no_commit_twice(landscape).await?;
    }
    Ok(())
}
