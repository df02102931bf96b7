//! What developers and maintainers do: push, review, merge.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::breakage::Breakage;
use super::clone::Clone;
use super::hop::Place;
use super::journey::{Follower, Merged};
use super::look::record;
use crate::forge::{Login, Merge, RequestState};
use crate::landscape::{CONFIG, Landscape, TEAM};
use crate::wait::eventually;

/// Longest time anything on the forge may take, while it comes and goes.
const DEADLINE: Duration = Duration::from_mins(3);

/// An environment whose branch has a maintainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// `staging`.
    Staging,
    /// `production`.
    Production,
}

impl Environment {
    /// Its name, which is also its branch.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    fn offered(self) -> Place {
        match self {
            Self::Staging => Place::Offered,
            Self::Production => Place::ProductionOffered,
        }
    }

    fn merged(self) -> Place {
        match self {
            Self::Staging => Place::Merged,
            Self::Production => Place::ProductionMerged,
        }
    }
}

/// How maintainers merge in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// `merge` or `squash`.
    pub name: &'static str,
    /// Whether the branch is deleted.
    pub delete_branch: bool,
}

impl Style {
    /// One commit, without a trace of the branch.
    pub const SQUASH: Self = Self { name: "squash", delete_branch: true };
    /// A merge commit; the branch stays.
    pub const MERGE: Self = Self { name: "merge", delete_branch: false };
}

/// Pushes a version of an application's source, as a developer does; returns the commit.
pub async fn push(
    landscape: &Landscape,
    app: &str,
    version: u32,
    breakage: Option<Breakage>,
) -> Result<String> {
    let page = format!("<!doctype html>\n<title>{app}</title>\n<p>{app}, version {version}</p>\n");
    let readme = std::fs::read(crate::manifests::project("examples/basic/source/README.md"))?;
    let mut files = BTreeMap::from([("site/index.html", Some(page.into_bytes()))]);
    if version == 1 {
        files.insert("README.md", Some(readme));
    }
    files.extend(breakage.map(Breakage::source).unwrap_or_default());
    let clone = Clone::new(landscape, app, landscape.developer()).await?;
    for (path, bytes) in files {
        let file = clone.path(path);
        match bytes {
            Some(bytes) => {
                std::fs::create_dir_all(file.parent().context("a file is in a folder")?)?;
                std::fs::write(file, bytes)?;
            }
            None => std::fs::remove_file(file)?,
        }
    }
    clone.git(&["add", "--all"]).await?;
    clone.git(&["commit", "-q", "-m", &format!("{app}, version {version}")]).await?;
    clone.push("main").await
}

/// The login of an environment's maintainer.
pub fn maintainer(landscape: &Landscape, environment: Environment) -> Login {
    let (user, password) = landscape.maintainer(environment.name());
    Login::Password(user, password.into())
}

/// Waits for the request that offers a change to an environment; its maintainer approves it and merges
/// the head that was approved.
pub async fn merge(
    landscape: &Landscape,
    follower: &mut Follower<'_>,
    environment: Environment,
    style: Style,
) -> Result<()> {
    follower.to(environment.offered()).await?;
    let request = follower.offered.take().context("a request is open")?;
    review(landscape, follower, environment, environment, request.number, &request.head, style)
        .await
}

/// One maintainer approves a request, the environment's own merges it.
pub(super) async fn review(
    landscape: &Landscape,
    follower: &mut Follower<'_>,
    environment: Environment,
    reviewer: Environment,
    number: u64,
    head: &str,
    style: Style,
) -> Result<()> {
    let forge = &landscape.forge;
    let reviewer = maintainer(landscape, reviewer);
    eventually(&format!("request {number} to be approved"), DEADLINE, async || {
        forge.approve(&reviewer, TEAM, CONFIG, number, head).await.map(Some)
    })
    .await?;
    let how = Merge { style: style.name, delete_branch: style.delete_branch, head: Some(head) };
    let own = maintainer(landscape, environment);
    let mut request = forge.merge(&own, TEAM, CONFIG, number, &how).await?;
    if request.state == RequestState::Closed {
        let app = &follower.journey().app;
        request.merged_as = Some(landed(landscape, app, environment, head).await?);
    }
    let branch_deleted = style.delete_branch;
    follower.merged(environment.merged(), Merged { request, style: style.name, branch_deleted });
    Ok(())
}

/// The tip of an environment's branch, which has what a head had of an application: the forge went away
/// while it merged, had pushed the commit and did not know of it, and the request was closed because it
/// changed nothing any more.
async fn landed(
    landscape: &Landscape,
    app: &str,
    environment: Environment,
    head: &str,
) -> Result<String> {
    let branch = environment.name();
    eventually(&format!("{branch} to have what a closed request had"), DEADLINE, async || {
        let tip = landscape.forge.branch_tip(TEAM, CONFIG, branch).await?;
        let tip = tip.context("the branch is there")?;
        let same = record(landscape, app, &tip).await? == record(landscape, app, head).await?;
        Ok(Some(tip).filter(|_| same))
    })
    .await
}
