//! `examples/directories`: one branch, a directory an environment; production's is entered by a request.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use portolan_testbed::landscape::{APP, CONFIG, Example, Landscape, Plan, TEAM};
use portolan_tests::changes::{
    Running, arrived, at_rest, breaks_in_staging, image, one_passage, push_version, running,
    set_cpu,
};
use portolan_tests::forge::{merge, open_request, requests};
use portolan_tests::grants::{call_as, permission, pushes, refusal};
use portolan_tests::history::Goal;
use serde_json::json;

const STAGING: Goal<'_> =
    Goal { repository: CONFIG, branch: "main", directory: "environments/staging/apps/shop" };
const PRODUCTION: Goal<'_> =
    Goal { repository: CONFIG, branch: "main", directory: "environments/production/apps/shop" };
/// The branch that offers production's content.
const OFFER: &str = "production/shop";

#[tokio::test]
async fn one_branch_holds_all_environments() {
    let plan = Plan { example: Example::Directories, ..Plan::default() };
    let landscape = Landscape::start(plan, &|_| {}).await.expect("it starts");
    for (version, style, delete) in [(1, "squash", true), (2, "merge", false)] {
        let round = round(&landscape, version, style, delete).await;
        round.unwrap_or_else(|error| panic!("round {version}: {error:?}"));
    }
    stops_in_staging(&landscape).await.expect("round 3 stops in staging");
    set_cpu(&landscape.build, "100m").await.expect("the parameter is taken back");
    round(&landscape, 4, "rebase", true).await.expect("round 4 goes over it");
    each_wrote_its_own(&landscape).await.expect("each cluster wrote where it may");
    accounts_are_narrow(&landscape).await.expect("the forge lets them do no more");
}

/// A change from its push to production.
async fn round(landscape: &Landscape, version: u32, style: &str, delete: bool) -> Result<()> {
    let production = landscape.production.as_ref().context("there is a production cluster")?;
    let source = push_version(landscape, version).await?;
    let staging = arrived(landscape, &landscape.staging, &STAGING, &source).await?;
    let number = offered(landscape, &staging).await?;
    ensure!(image(production).await? != staging.image, "not before the merge");
    for member in landscape.members() {
        let path = format!("/repos/{TEAM}/{CONFIG}/pulls/{number}/merge");
        let body = Some(json!({"do": "merge"}));
        let (code, answer) = call_as(landscape, member, Method::POST, &path, body).await?;
        ensure!((400..500).contains(&code), "{} merged: {code} {answer}", member.name());
    }
    merge(&landscape.forge, number, style, delete).await?;
    let production = arrived(landscape, production, &PRODUCTION, &source).await?;
    one_passage(&staging, &production)?;
    at_rest(landscape).await
}

/// Waits for the request that brings into production what staging runs; returns its number.
async fn offered(landscape: &Landscape, staging: &Running) -> Result<i64> {
    let offer = Goal { branch: OFFER, ..PRODUCTION };
    let passage = &staging.record.passage;
    portolan_testbed::wait::until(
        &format!("passage {passage} to be offered"),
        portolan_tests::world::DEADLINE,
        async || {
            let tip = offer.tip(landscape).await.ok()?;
            let record = offer.record(landscape, &tip).await.ok()?;
            let request = open_request(&landscape.forge, OFFER, "main").await.ok()?;
            let body = request["body"].as_str()?;
            let told = body.contains("verified by `staging/shop`") && body.contains(&passage[..12]);
            (record.passage == *passage && told).then(|| request["number"].as_i64())?
        },
    )
    .await
}

/// What no node can run is in staging's directory, and goes no further.
async fn stops_in_staging(landscape: &Landscape) -> Result<()> {
    let production = landscape.production.as_ref().context("there is a production cluster")?;
    let before = running(landscape, production, &PRODUCTION).await?;
    let written = PRODUCTION.record(landscape, &PRODUCTION.tip(landscape).await?).await?;
    let source = breaks_in_staging(landscape, &STAGING, 3).await?;
    let tip = PRODUCTION.tip(landscape).await?;
    let staging = STAGING.record(landscape, &tip).await?;
    ensure!(staging.provenance.source.is_some_and(|s| s.revision == source), "it is on the branch");
    ensure!(
        PRODUCTION.record(landscape, &tip).await? == written,
        "production's directory is as it was"
    );
    ensure!(running(landscape, production, &PRODUCTION).await? == before, "and so is its cluster");
    let offers = requests(&landscape.forge, OFFER, "main").await?;
    ensure!(offers.iter().all(|request| request["state"] == "closed"), "nothing is offered");
    Ok(())
}

/// Commits touch the directory of one environment, pushed by the account that may.
async fn each_wrote_its_own(landscape: &Landscape) -> Result<()> {
    let mut writers = Vec::new();
    for commit in landscape.forge.commits(TEAM, CONFIG, "main").await? {
        let message = commit["commit"]["message"].as_str().unwrap_or_default();
        let writer = message.lines().find_map(|line| line.strip_prefix("Portolan-Writer: "));
        let Some(writer) = writer else { continue };
        let directory = match writer {
            "build/dev/shop" => STAGING.directory,
            "staging/staging/shop-to-production" => PRODUCTION.directory,
            other => anyhow::bail!("{other} wrote {commit}"),
        };
        let files = commit["files"].as_array().context("a commit tells its files")?;
        let path = |file: &serde_json::Value| file["filename"].as_str().map(str::to_owned);
        let paths: Vec<String> = files.iter().filter_map(path).collect();
        let own = paths.iter().all(|path| path.starts_with(&format!("{directory}/")));
        ensure!(own && !paths.is_empty(), "{writer} wrote {paths:?}");
        writers.push(writer.to_owned());
    }
    for writer in ["build/dev/shop", "staging/staging/shop-to-production"] {
        let commits = writers.iter().filter(|found| *found == writer).count();
        // A squash leaves the trailers out.
        ensure!(commits >= 2, "{writer} has {commits} commits on main");
    }
    STAGING.no_commit_twice(landscape).await?;
    let mut pushes = pushes(landscape, CONFIG).await?;
    pushes.retain(|(user, _)| user.ends_with("-cluster"));
    let expected =
        [("build-cluster", "refs/heads/main"), ("staging-cluster", "refs/heads/production/shop")];
    let expected = expected.map(|(user, branch)| (user.to_owned(), branch.to_owned()));
    ensure!(pushes == expected.into(), "{pushes:?}");
    Ok(())
}

/// What the README says of the accounts, and of the branch.
async fn accounts_are_narrow(landscape: &Landscape) -> Result<()> {
    let expected =
        [("build", "read", "write"), ("staging", "none", "write"), ("production", "none", "read")];
    for (member, (name, source, config)) in landscape.members().zip(expected) {
        ensure!(member.name() == name, "the clusters are in order");
        ensure!(permission(landscape, member, APP).await? == source, "{name} and the source");
        ensure!(permission(landscape, member, CONFIG).await? == config, "{name} and configuration");
        let planted = format!("{}/planted.yaml", PRODUCTION.directory);
        let said = refusal(landscape, member, CONFIG, "main", &planted).await?;
        let protected = said.contains("protected branch main") || config == "read";
        ensure!(protected, "{name}: {said}");
    }
    let production = landscape.production.as_ref().context("there is a production cluster")?;
    let planted = format!("{}/planted.yaml", STAGING.directory);
    refusal(landscape, production, CONFIG, "main", &planted).await.map(|_| ())
}
