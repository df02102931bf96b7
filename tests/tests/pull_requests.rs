//! `examples/pull-requests`: developers push, maintainers merge requests, three clusters follow.

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::landscape::{APP, CONFIG, Example, Landscape, Member, Plan, TEAM};
use portolan_testbed::tools;
use portolan_testbed::wait::until;
use portolan_tests::forge::{merge, open, open_request, requests};
use portolan_tests::history::record;
use portolan_tests::world::{DEADLINE, ready};
use serde_json::{Value, json};

/// The promoter in the staging cluster.
const PROMOTER: &str = "shop-to-production";

#[tokio::test]
async fn maintainers_merge_and_three_clusters_follow() {
    let plan = Plan { example: Example::PullRequests, ..Plan::default() };
    let mut landscape = Landscape::start(plan, &|_| {}).await.expect("it starts");
    for (version, style, delete) in [(1, "squash", true), (2, "merge", false)] {
        let round = round(&landscape, version, style, delete).await;
        round.unwrap_or_else(|error| panic!("round {version}: {error:?}"));
    }
    breaks_in_staging(&landscape).await.expect("round 3 stops in staging");
    reverted(&mut landscape).await.expect("nobody undoes the revert of round 4");
    set_cpu(&landscape.build, "100m").await.expect("the parameter is taken back");
    round(&landscape, 5, "squash", true).await.expect("round 5 goes over the revert");
}

/// A change from its push to production.
async fn round(landscape: &Landscape, version: u32, style: &str, delete: bool) -> Result<()> {
    let forge = &landscape.forge;
    let source = push(landscape, version).await?;
    let body = offered(landscape, "staging", &source).await?;
    ensure!(body.contains(&format!("`version {version}`")), "the subject is told: {body}");
    ensure!(body.contains("`Deployment shop` in `deployment.yaml`"), "objects are told: {body}");
    if version > 1 {
        ensure!(body.contains("**Image** from `"), "both images are told: {body}");
    }
    let number = number(landscape, "staging").await?;
    merge(forge, number, style, delete).await?;
    deployed(&landscape.staging, landscape, "staging").await?;
    let body = offered(landscape, "production", &source).await?;
    ensure!(body.contains("verified by `staging/shop`"), "who vouches is told: {body}");
    ensure!(body.contains(&format!("`version {version}`")), "the subject is told: {body}");
    let number = self::number(landscape, "production").await?;
    let production = landscape.production.as_ref().context("there is a production cluster")?;
    ensure!(image(production).await? != image(&landscape.staging).await?, "not before the merge");
    merge(forge, number, style, delete).await?;
    deployed(production, landscape, "production").await?;
    ensure!(image(production).await? == image(&landscape.staging).await?, "the same image runs");
    // One passage through all of it.
    let tips = [tip(landscape, "staging").await?, tip(landscape, "production").await?];
    let records =
        [record(landscape, APP, &tips[0]).await?, record(landscape, APP, &tips[1]).await?];
    ensure!(records[0].passage == records[1].passage, "{records:?}");
    ensure!(records[1].commits[0].id == source, "the record names the source: {records:?}");
    ready(&landscape.build, "GitWriter", APP, "True", "Succeeded").await?;
    ready(&landscape.staging, "GitWriter", PROMOTER, "True", "Succeeded").await?;
    ready(&landscape.build, "Workload", APP, "True", "Ready").await?;
    for member in [&landscape.staging, production] {
        ready(member, "Deliverable", APP, "True", "Ready").await?;
    }
    Ok(())
}

async fn push(landscape: &Landscape, version: u32) -> Result<String> {
    let page = format!("<p>version {version}</p>\n");
    let files = [("site/index.html", Some(page.as_bytes()))];
    landscape.push_source(&files, &format!("version {version}")).await
}

async fn tip(landscape: &Landscape, branch: &str) -> Result<String> {
    let tip = landscape.forge.branch_tip(TEAM, CONFIG, branch).await?;
    tip.with_context(|| format!("branch {branch} is there"))
}

/// Waits for the request into an environment that brings a source commit; returns its text.
async fn offered(landscape: &Landscape, environment: &str, source: &str) -> Result<String> {
    let branch = format!("{environment}-{APP}");
    let short = &source[..12];
    until(&format!("a request for {short} into {environment}"), DEADLINE, async || {
        let tip = landscape.forge.branch_tip(TEAM, CONFIG, &branch).await.ok()??;
        let written = record(landscape, APP, &tip).await.ok()?.provenance.source?;
        let request = open_request(&landscape.forge, &branch, environment).await.ok()?;
        let body = request["body"].as_str()?.to_owned();
        (written.revision == source && body.contains(&format!("`{short}`"))).then_some(body)
    })
    .await
}

async fn number(landscape: &Landscape, environment: &str) -> Result<i64> {
    let branch = format!("{environment}-{APP}");
    let request = open_request(&landscape.forge, &branch, environment).await?;
    request["number"].as_i64().context("it has a number")
}

/// Waits until a cluster runs what stands in its branch.
async fn deployed(member: &Member, landscape: &Landscape, branch: &str) -> Result<()> {
    let config = tip(landscape, branch).await?;
    until(&format!("{branch} to be deployed"), DEADLINE, async || {
        let source = member.own("GitSource", APP).await.ok()?;
        let deployment = member.own("GitDeployment", APP).await.ok()?;
        let revision = source.pointer("/status/artifact/revision")?;
        let reached = deployment.pointer("/status/observedRevision")? == revision;
        (*revision == config.as_str() && reached).then_some(())
    })
    .await
}

async fn image(member: &Member) -> Result<Value> {
    let deployment = member.object("apps/v1", "Deployment", APP).await?;
    Ok(deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone())
}

/// Sets the Workload's parameter `cpu`, as a developer edits the file.
async fn set_cpu(build: &Member, cpu: &str) -> Result<()> {
    let mut documents = build.example("team/workload.yaml")?;
    for document in &mut documents {
        if let Some(params) = document["spec"]["params"].as_array_mut() {
            params.push(json!({"name": "cpu", "value": cpu}));
        }
    }
    build.apply(&documents).await
}

/// Asks for more than any node has: merged into staging, it stops there.
async fn breaks_in_staging(landscape: &Landscape) -> Result<()> {
    let production = tip(landscape, "production").await?;
    set_cpu(&landscape.build, "64").await?;
    let source = push(landscape, 3).await?;
    offered(landscape, "staging", &source).await?;
    merge(&landscape.forge, number(landscape, "staging").await?, "squash", true).await?;
    let message = ready(&landscape.staging, "GitDeployment", APP, "False", "Unhealthy").await?;
    ensure!(message.contains("Insufficient cpu"), "{message}");
    let offers = requests(&landscape.forge, "production-shop", "production").await?;
    ensure!(offers.iter().all(|request| request["state"] == "closed"), "nothing is offered");
    ensure!(tip(landscape, "production").await? == production, "production is as it was");
    Ok(())
}

/// A maintainer reverts the last merge into production: it is deployed so, and stays so.
async fn reverted(landscape: &mut Landscape) -> Result<()> {
    let before = tip(landscape, "production").await?;
    let folder = tempfile::tempdir()?;
    let url = landscape.forge.http_url(TEAM, CONFIG);
    let (user, password) = landscape.developer();
    let url = url.replacen("http://", &format!("http://{user}:{password}@"), 1);
    let clone = folder.path().join("clone");
    let clone = clone.to_str().context("the path is text")?;
    let git = async |arguments: &[&str]| -> Result<String> {
        let mut git = tools::git(folder.path());
        git.args(arguments);
        tools::run(git).await
    };
    git(&["clone", "-q", "-b", "production", &url, clone]).await?;
    git(&["-C", clone, "checkout", "-q", "-b", "undo"]).await?;
    git(&["-C", clone, "revert", "-m", "1", "--no-edit", "HEAD"]).await?;
    git(&["-C", clone, "push", "-q", "origin", "undo"]).await?;
    let number = open(&landscape.forge, "undo", "production", "Take version 2 back").await?;
    merge(&landscape.forge, number, "merge", true).await?;
    let undone = tip(landscape, "production").await?;
    ensure!(undone != before, "the revert is merged");
    ready(&landscape.staging, "GitWriter", PROMOTER, "False", "Reverted").await?;
    let production = landscape.production.as_ref().context("there is a production cluster")?;
    deployed(production, landscape, "production").await?;
    landscape.staging.program.kill()?;
    landscape.staging.program.forget()?;
    landscape.staging.program.restart(None).await?;
    // Another look, by a change that asks for nothing else. The delivery itself stamps nothing now: what
    // it would promote is the failed change.
    let more_often = json!({"spec": {"interval": "1s"}});
    let version = "carto.run/v1alpha1";
    landscape.staging.merge(version, "GitWriter", PROMOTER, &more_often).await?;
    until("the promotion to be looked at", DEADLINE, async || {
        let writer = landscape.staging.own("GitWriter", PROMOTER).await.ok()?;
        let looked = writer["status"]["observedGeneration"] == writer["metadata"]["generation"];
        (looked && writer["spec"]["interval"] == "1s").then_some(())
    })
    .await?;
    ready(&landscape.staging, "GitWriter", PROMOTER, "False", "Reverted").await?;
    ensure!(tip(landscape, "production").await? == undone, "it stays reverted");
    Ok(())
}
