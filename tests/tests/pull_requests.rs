//! `examples/pull-requests`: developers push, maintainers merge requests, three clusters follow.
//!
//! The rounds are those of the demo; what requests tell, and a program that remembers nothing after
//! the revert, are looked at besides.

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::checker::{check, gather};
use portolan_testbed::landscape::{APP, CONFIG, Example, Landscape, Plan, TEAM};
use portolan_testbed::story::{
    Journey, OTHER, Place, Play, Round, Teller, promoter, ready, record,
};
use portolan_testbed::wait::until;
use portolan_tests::forge::requests;
use portolan_tests::world::DEADLINE;
use serde_json::json;

#[tokio::test]
async fn maintainers_merge_and_three_clusters_follow() {
    let plan = Plan { example: Example::PullRequests, ..Plan::default() };
    let landscape = Landscape::start(plan, &|_| {}).await.expect("it starts");
    landscape.add_app(OTHER).await.expect("a second application is added");
    let line = |line: &str| println!("{line}");
    let teller = Teller::new(&line);
    let story = Play { landscape: &landscape, teller: &teller };
    for number in 1..=5 {
        let round = story.round(number).await.unwrap_or_else(|error| panic!("{error:?}"));
        let looked = match number {
            3 => broken(&landscape, &round).await,
            4 => stays_reverted(&landscape, &round).await,
            _ => arrived(&landscape, &round).await,
        };
        looked.unwrap_or_else(|error| panic!("after round {number}: {error:?}"));
    }
    let evidence = gather(&landscape, &[APP, OTHER]).await.expect("everything can be read");
    let verdict = check(&evidence);
    assert!(verdict.holds(), "{verdict}");
}

/// All changes of a round are in production, and the requests told what they bring.
async fn arrived(landscape: &Landscape, round: &Round) -> Result<()> {
    ensure!(round.journeys.len() == 2, "two applications travel");
    for journey in &round.journeys {
        travelled(landscape, journey, round.number).await?;
    }
    Ok(())
}

/// A change went all the way: what its requests told, and one passage through all of it.
async fn travelled(landscape: &Landscape, journey: &Journey, version: u32) -> Result<()> {
    let app = &journey.app;
    ensure!(journey.arrived(), "it did not arrive: {journey:?}");
    let into = |environment| journey.request_into(environment).context("a request carried it");
    let (staging, production) = (into("staging")?, into("production")?);
    let subject = format!("`{app}, version {version}`");
    for merged in [staging, production] {
        let body = &merged.request.body;
        ensure!(body.contains(&subject), "the subject is told: {body}");
        let object = format!("`Deployment {app}` in `deployment.yaml`");
        ensure!(body.contains(&object), "objects are told: {body}");
    }
    let (first, second) = (&staging.request, &production.request);
    ensure!(version == 1 || first.body.contains("**Image** from `"), "{}", first.body);
    let vouched = format!("verified by `staging/{app}`");
    ensure!(second.body.contains(&vouched), "who vouches is told: {}", second.body);
    ensure!(first.author == "build-cluster" && second.author == "staging-cluster", "{journey:?}");
    ensure!(first.merged_by.as_deref() == Some("staging-maintainer"), "{first:?}");
    ensure!(second.merged_by.as_deref() == Some("production-maintainer"), "{second:?}");
    let config = journey.what(Place::Merged).context("it is in staging")?;
    let promoted = journey.what(Place::ProductionMerged).context("it is in production")?;
    let staging = record(landscape, app, config).await?;
    let production = record(landscape, app, promoted).await?;
    ensure!(staging.passage == production.passage, "{staging:?}\n{production:?}");
    ensure!(production.commits[0].id == journey.source, "the source is named: {production:?}");
    ensure!(production.commits[0].author == "developer", "so is its author: {production:?}");
    Ok(())
}

/// Staging stopped it: nothing more of it is offered, also not as a closed request.
async fn broken(landscape: &Landscape, round: &Round) -> Result<()> {
    let [journey] = round.journeys.as_slice() else { anyhow::bail!("one application breaks") };
    ensure!(journey.what(Place::Merged).is_some(), "staging's maintainer merged it");
    ensure!(journey.what(Place::Deployed).is_none() && !journey.arrived(), "{journey:?}");
    let offers = requests(&landscape.forge, "production-shop", "production").await?;
    ensure!(offers.len() == 2, "production was offered the first two: {offers:?}");
    Ok(())
}

/// Nobody undoes the revert, also not a program that forgot everything and is asked to look.
async fn stays_reverted(landscape: &Landscape, round: &Round) -> Result<()> {
    let [revert, other] = round.journeys.as_slice() else { anyhow::bail!("two changes") };
    travelled(landscape, other, 4).await?;
    ensure!(revert.app == APP && revert.arrived(), "{revert:?}");
    let tip = async || landscape.forge.branch_tip(TEAM, CONFIG, "production").await;
    let before = tip().await?;
    let program = &landscape.staging.program;
    program.kill()?;
    program.forget()?;
    program.restart(None).await?;
    // Another look, by a change that asks for nothing else. The delivery itself stamps nothing now:
    // what it would promote is the failed change.
    let promoter = promoter(APP);
    let more_often = json!({"spec": {"interval": "1s"}});
    landscape.staging.merge("carto.run/v1alpha1", "GitWriter", &promoter, &more_often).await?;
    until("the promotion to be looked at", DEADLINE, async || {
        let writer = landscape.staging.own("GitWriter", &promoter).await.ok()?;
        let looked = writer["status"]["observedGeneration"] == writer["metadata"]["generation"];
        (looked && writer["spec"]["interval"] == "1s").then_some(())
    })
    .await?;
    ready(&landscape.staging, "GitWriter", &promoter, "False", "Reverted").await?;
    ensure!(tip().await? == before, "it stays reverted");
    Ok(())
}
