//! `examples/repositories`: a configuration repository an environment, no requests.

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::landscape::{
    APP, CONFIG_PRODUCTION, CONFIG_STAGING, Example, Landscape, Plan,
};
use portolan_tests::changes::{
    arrived, at_rest, breaks_in_staging, one_passage, push_version, running, set_cpu,
};
use portolan_tests::grants::{permission, pushes, refusal};
use portolan_tests::history::Goal;

const STAGING: Goal<'_> =
    Goal { repository: CONFIG_STAGING, branch: "main", directory: "apps/shop" };
const PRODUCTION: Goal<'_> =
    Goal { repository: CONFIG_PRODUCTION, branch: "main", directory: "apps/shop" };

#[tokio::test]
async fn each_environment_has_a_repository() {
    let plan = Plan { example: Example::Repositories, ..Plan::default() };
    let landscape = Landscape::start(plan, &|_| {}).await.expect("it starts");
    for version in [1, 2] {
        let round = round(&landscape, version).await;
        round.unwrap_or_else(|error| panic!("round {version}: {error:?}"));
    }
    stops_in_staging(&landscape).await.expect("round 3 stops in staging");
    set_cpu(&landscape.build, "100m").await.expect("the parameter is taken back");
    round(&landscape, 4).await.expect("round 4 goes over it");
    each_wrote_its_own(&landscape).await.expect("each cluster wrote where it may");
    accounts_are_narrow(&landscape).await.expect("the forge lets them do no more");
}

/// A change from its push to production.
async fn round(landscape: &Landscape, version: u32) -> Result<()> {
    let production = landscape.production.as_ref().context("there is a production cluster")?;
    let source = push_version(landscape, version).await?;
    let staging = arrived(landscape, &landscape.staging, &STAGING, &source).await?;
    let production = arrived(landscape, production, &PRODUCTION, &source).await?;
    one_passage(&staging, &production)?;
    at_rest(landscape).await
}

/// What no node can run is in staging's repository, and goes no further.
async fn stops_in_staging(landscape: &Landscape) -> Result<()> {
    let production = landscape.production.as_ref().context("there is a production cluster")?;
    let before = running(landscape, production, &PRODUCTION).await?;
    let tip = PRODUCTION.tip(landscape).await?;
    let source = breaks_in_staging(landscape, &STAGING, 3).await?;
    let staging = STAGING.record(landscape, &STAGING.tip(landscape).await?).await?;
    ensure!(staging.provenance.source.is_some_and(|s| s.revision == source), "it is in staging's");
    ensure!(PRODUCTION.tip(landscape).await? == tip, "production's repository is as it was");
    ensure!(running(landscape, production, &PRODUCTION).await? == before, "and so is its cluster");
    Ok(())
}

/// Each repository has one branch, written by one account.
async fn each_wrote_its_own(landscape: &Landscape) -> Result<()> {
    for (goal, writer, user) in [
        (STAGING, "build/dev/shop", "build-cluster"),
        (PRODUCTION, "staging/staging/shop-to-production", "staging-cluster"),
    ] {
        let repository = goal.repository;
        let record = goal.record(landscape, &goal.tip(landscape).await?).await?;
        ensure!(record.writer == writer, "{repository} is written by {}", record.writer);
        goal.no_commit_twice(landscape).await?;
        let pushes = pushes(landscape, repository).await?;
        let expected = [(user.to_owned(), "refs/heads/main".to_owned())];
        ensure!(pushes == expected.into(), "{repository}: {pushes:?}");
    }
    Ok(())
}

/// What the README says of the accounts.
async fn accounts_are_narrow(landscape: &Landscape) -> Result<()> {
    let expected = [
        ("build", ["read", "write", "none"]),
        ("staging", ["none", "read", "write"]),
        ("production", ["none", "none", "read"]),
    ];
    for (member, (name, permissions)) in landscape.members().zip(expected) {
        ensure!(member.name() == name, "the clusters are in order");
        let repositories = [APP, CONFIG_STAGING, CONFIG_PRODUCTION];
        for (repository, expected) in repositories.into_iter().zip(permissions) {
            let found = permission(landscape, member, repository).await?;
            ensure!(found == expected, "{name} may {found} {repository}, not {expected}");
            if expected != "write" {
                refusal(landscape, member, repository, "main", "planted.yaml").await?;
            }
        }
    }
    Ok(())
}
