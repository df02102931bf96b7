//! People work in the same repositories: an edit in between is carried on and told, a reverted
//! promotion stays reverted, an application beside it is not disturbed.

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::landscape::{APP, CONFIG, Landscape, Plan, TEAM};
use portolan_testbed::tools;
use portolan_testbed::wait::until;
use portolan_tests::history::{no_commit_twice, record};
use portolan_tests::world::{DEADLINE, condition, ready, travel};
use std::process::Command;

const PROMOTER: &str = "shop-to-production";

#[tokio::test]
async fn edits_are_carried_on_and_reverts_stay() {
    let mut landscape = Landscape::start(Plan::default(), &|_| {}).await.expect("it starts");
    travel(&landscape, 1).await.expect("the first change travels");
    an_edit_in_staging(&landscape).await.expect("the edit is carried on");
    travel(&landscape, 2).await.expect("a new change replaces the edit");
    a_revert_in_production(&mut landscape).await.expect("the revert stays");
    travel(&landscape, 3).await.expect("a new change is promoted over the revert");
    another_application(&landscape).await.expect("another application is not disturbed");
}

async fn tip(landscape: &Landscape, branch: &str) -> Result<String> {
    let tip = landscape.forge.branch_tip(TEAM, CONFIG, branch).await?;
    tip.with_context(|| format!("branch {branch} is there"))
}

/// A person edits what the build cluster wrote: the build cluster leaves it so and says it, staging
/// deploys and promotes it as a passage of its own.
async fn an_edit_in_staging(landscape: &Landscape) -> Result<()> {
    let path = format!("apps/{APP}/service.yaml");
    let before = record(landscape, APP, &tip(landscape, "staging").await?).await?;
    let found = landscape.forge.read_file(TEAM, CONFIG, "staging", &path).await?;
    let text = String::from_utf8(found.context("the service is there")?)?;
    let edited = text.replace("port: 80", "port: 8888");
    let files = [(path.as_str(), Some(edited.as_bytes()))];
    let commit =
        landscape.forge.commit_files(TEAM, CONFIG, "staging", &files, "another port").await?;
    let message = ready(&landscape.build, "GitWriter", APP, "False", "Edited").await?;
    for part in [&commit[..12], "another port", "service.yaml"] {
        ensure!(message.contains(part), "{message}");
    }
    until("the edit to be promoted", DEADLINE, async || {
        let tip = tip(landscape, "production").await.ok()?;
        let record = record(landscape, APP, &tip).await.ok()?;
        (record.hops.last()?.revision == commit).then_some(record)
    })
    .await
    .and_then(|promoted| {
        let hop = promoted.hops.last().context("the promotion is a hop")?;
        let edited = hop.edited.as_ref().context("the hop names the edit")?;
        ensure!(edited.files == ["service.yaml"] && edited.commit == commit, "{edited:?}");
        ensure!(promoted.parent.as_ref() == Some(&before.passage), "it names its parent");
        ensure!(promoted.passage != before.passage, "and is a passage of its own");
        Ok(())
    })?;
    let service = landscape.staging.object("v1", "Service", APP).await?;
    ensure!(service["spec"]["ports"][0]["port"] == 8888, "staging deployed the edit: {service}");
    // The workload says that its writer does not go on.
    ready(&landscape.build, "Workload", APP, "False", "HealthyConditionRule").await?;
    Ok(())
}

/// A person reverts the promotion: nobody undoes that.
async fn a_revert_in_production(landscape: &mut Landscape) -> Result<()> {
    let staging = tip(landscape, "staging").await?;
    let message = landscape.forge.commits(TEAM, CONFIG, "staging").await?;
    let message = message.first().and_then(|commit| commit["commit"]["message"].as_str());
    let message = message.unwrap_or_default();
    ensure!(message.contains("Replaces a person's edit of service.yaml."), "{message}");

    let reverted = revert(landscape, "production").await?;
    let message = ready(&landscape.staging, "GitWriter", PROMOTER, "False", "Reverted").await?;
    ensure!(message.contains(&reverted[..12]), "{message}");
    // Nor does a program that remembers nothing: its word, given anew, is the same.
    landscape.staging.program.kill()?;
    landscape.staging.program.forget()?;
    landscape.staging.program.restart(None).await?;
    request_a_look(landscape).await?;
    let production = tip(landscape, "production").await?;
    ensure!(production == reverted && tip(landscape, "staging").await? == staging, "it stays");
    Ok(())
}

/// Has the restarted program look at the promotion: a change of the spec that asks for nothing else.
async fn request_a_look(landscape: &Landscape) -> Result<()> {
    let deliverable = landscape.staging.example("team/deliverable.yaml")?;
    let text = serde_json::to_string(&deliverable)?.replace("\"2s\"", "\"1s\"");
    landscape.staging.apply(&serde_json::from_str::<Vec<_>>(&text)?).await?;
    until("the promotion to be looked at", DEADLINE, async || {
        let writer = landscape.staging.own("GitWriter", PROMOTER).await.ok()?;
        let generation = writer.pointer("/metadata/generation")?;
        let looked = writer.pointer("/status/observedGeneration")? == generation;
        (looked && generation.as_i64()? > 1 && condition(&writer, "Ready").1 == "Reverted")
            .then_some(())
    })
    .await
}

/// `git revert` of the tip of a branch, pushed by a person.
async fn revert(landscape: &Landscape, branch: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let url = landscape.forge.http_url(TEAM, CONFIG);
    let login = format!("http://x:{}@", landscape.forge.admin_token());
    let url = url.replacen("http://", &login, 1);
    let git = |arguments: &[&str]| -> Command {
        let mut git = tools::git(folder.path());
        git.args(arguments);
        git
    };
    let clone = folder.path().join("clone");
    let clone = clone.to_str().context("the path is text")?;
    tools::run(git(&["clone", "-q", "-b", branch, &url, clone])).await?;
    tools::run(git(&["-C", clone, "revert", "--no-edit", "HEAD"])).await?;
    tools::run(git(&["-C", clone, "push", "-q", "origin", branch])).await?;
    Ok(tools::run(git(&["-C", clone, "rev-parse", "HEAD"])).await?.trim().to_owned())
}

/// A second application in the same branches: both travel, neither touches the other's files.
async fn another_application(landscape: &Landscape) -> Result<()> {
    landscape.add_app("cart").await?;
    let page: &[u8] = b"<p>cart</p>\n";
    landscape.push("cart", &[("site/index.html", Some(page))], "cart").await?;
    until("the second application to be promoted", DEADLINE, async || {
        let tip = tip(landscape, "production").await.ok()?;
        record(landscape, "cart", &tip).await.ok()
    })
    .await?;
    ready(&landscape.staging, "Deliverable", "cart", "True", "Ready").await?;
    for app in [APP, "cart"] {
        no_commit_twice(landscape, app).await?;
    }
    let writer = landscape.staging.own("GitWriter", PROMOTER).await?;
    let (status, ..) = condition(&writer, "Ready");
    ensure!(status == "True", "the first application's writer is still ready: {writer}");
    Ok(())
}
