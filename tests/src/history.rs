//! What the history of the configuration repository must show, whatever happened on the way.

use anyhow::{Context as _, Result, ensure};
use portolan_api::record::{FILE, Record};
use portolan_testbed::landscape::{CONFIG, Landscape, TEAM};

/// An application's record at a commit.
pub async fn record(landscape: &Landscape, app: &str, commit: &str) -> Result<Record> {
    let path = format!("apps/{app}/{FILE}");
    let bytes = landscape.forge.read_file(TEAM, CONFIG, commit, &path).await?;
    Ok(Record::read(&bytes.with_context(|| format!("{path} at {commit}"))?)?)
}

/// Every write of an application to a branch has another content than the one before it, and the
/// sequence counts up from 1 without a gap: nothing is there twice, nothing is lost.
pub async fn no_commit_twice(landscape: &Landscape, app: &str) -> Result<()> {
    for branch in ["staging", "production"] {
        let mut newer: Option<Record> = None;
        for commit in landscape.forge.commits(TEAM, CONFIG, branch).await? {
            let id = commit["sha"].as_str().context("a commit has an id")?;
            let Ok(record) = record(landscape, app, id).await else { continue };
            // Commits of people and of other applications' writers have the record in them too.
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
    }
    Ok(())
}
