//! Changes to the example's application, and how far clusters have followed them.

use anyhow::{Context as _, Result, ensure};
use portolan_api::record::Record;
use portolan_testbed::landscape::{APP, Landscape, Member};
use portolan_testbed::wait::until;
use serde_json::{Value, json};

use crate::history::Goal;
use crate::world::{DEADLINE, ready};

/// Pushes a version of the application, as a developer does; returns the commit.
pub async fn push_version(landscape: &Landscape, version: u32) -> Result<String> {
    let page = format!("<p>version {version}</p>\n");
    let files = [("site/index.html", Some(page.as_bytes()))];
    landscape.push_source(&files, &format!("version {version}")).await
}

/// Sets the Workload's parameter `cpu`, as a developer edits the file.
pub async fn set_cpu(build: &Member, cpu: &str) -> Result<()> {
    let mut documents = build.example("team/workload.yaml")?;
    for document in &mut documents {
        if let Some(params) = document["spec"]["params"].as_array_mut() {
            params.push(json!({"name": "cpu", "value": cpu}));
        }
    }
    build.apply(&documents).await
}

/// The image that a cluster's Deployment names.
pub async fn image(member: &Member) -> Result<Value> {
    let deployment = member.object("apps/v1", "Deployment", APP).await?;
    Ok(deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone())
}

/// What a cluster runs: the configuration commit, its record, and the image.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// The commit that is deployed.
    pub revision: String,
    /// The record in it.
    pub record: Record,
    /// The image in the cluster's Deployment.
    pub image: Value,
}

/// What a cluster runs; an error while a deployment is under way.
pub async fn running(landscape: &Landscape, member: &Member, goal: &Goal<'_>) -> Result<Running> {
    let deployment = member.own("GitDeployment", APP).await?;
    let status = &deployment["status"];
    let revision = status["observedRevision"].as_str().context("a revision is live")?;
    ensure!(status["attemptedRevision"] == revision, "another revision is attempted");
    let record = goal.record(landscape, revision).await?;
    Ok(Running { revision: revision.into(), record, image: image(member).await? })
}

/// Waits until a cluster runs what a source commit became.
pub async fn arrived(
    landscape: &Landscape,
    member: &Member,
    goal: &Goal<'_>,
    source: &str,
) -> Result<Running> {
    until(&format!("{source} to run in {}", member.name()), DEADLINE, async || {
        let running = running(landscape, member, goal).await.ok()?;
        (running.record.provenance.source.as_ref()?.revision == source).then_some(running)
    })
    .await
}

/// What two environments run is one passage: the same content and image, and production's record says
/// that it came from staging's commit, verified there.
pub fn one_passage(staging: &Running, production: &Running) -> Result<()> {
    let (first, last) = (&staging.record, &production.record);
    ensure!(first.passage == last.passage && first.digest == last.digest, "{first:?} {last:?}");
    ensure!(last.parent.is_none() && first.provenance == last.provenance, "{last:?}");
    let image = first.provenance.image.as_deref();
    ensure!(image.is_some_and(|image| image.contains("@sha256:")), "{first:?}");
    ensure!(staging.image.as_str() == image && production.image.as_str() == image, "{image:?}");
    ensure!(first.writer == "build/dev/shop", "{}", first.writer);
    ensure!(last.writer == "staging/staging/shop-to-production", "{}", last.writer);
    let hop = last.hops.last().context("the promotion is a hop")?;
    ensure!((hop.environment.as_str(), hop.cluster.as_str()) == ("staging", "staging"), "{hop:?}");
    ensure!(hop.revision == staging.revision, "{hop:?} is not of {}", staging.revision);
    ensure!(hop.verification.as_deref() == Some("staging/shop"), "{hop:?}");
    Ok(())
}

/// Waits until all objects say that they are done.
pub async fn at_rest(landscape: &Landscape) -> Result<()> {
    ready(&landscape.build, "GitWriter", APP, "True", "Succeeded").await?;
    ready(&landscape.staging, "GitWriter", "shop-to-production", "True", "Succeeded").await?;
    ready(&landscape.build, "Workload", APP, "True", "Ready").await?;
    for member in landscape.members().skip(1) {
        ready(member, "Deliverable", APP, "True", "Ready").await?;
    }
    Ok(())
}

/// Pushes a version that asks for more than any node has, and waits until staging says so; returns
/// the source commit. The next push is to take the parameter back.
pub async fn breaks_in_staging(
    landscape: &Landscape,
    staging: &Goal<'_>,
    version: u32,
) -> Result<String> {
    set_cpu(&landscape.build, "64").await?;
    let source = push_version(landscape, version).await?;
    let attempted = until("staging to attempt the change", DEADLINE, async || {
        let deployment = landscape.staging.own("GitDeployment", APP).await.ok()?;
        let revision = deployment["status"]["attemptedRevision"].as_str()?.to_owned();
        let record = staging.record(landscape, &revision).await.ok()?;
        (record.provenance.source?.revision == source).then_some(revision)
    })
    .await?;
    let message = ready(&landscape.staging, "GitDeployment", APP, "False", "Unhealthy").await?;
    ensure!(message.contains("Insufficient cpu"), "{message}");
    let writer = landscape.staging.own("GitWriter", "shop-to-production").await?;
    let offered = &writer["spec"]["content"]["tree"]["revision"];
    ensure!(offered != attempted.as_str(), "what broke is offered on: {writer}");
    Ok(source)
}
