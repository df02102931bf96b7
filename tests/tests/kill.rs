//! `kill -9` at the worst moments: before and after each effect that reaches another system. What was
//! in flight is asserted on the real servers; after a restart nothing is lost and nothing is there
//! twice.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use portolan_testbed::landscape::{APP, CONFIG, FailPoint, Landscape, Member, Plan, TEAM};
use portolan_testbed::story::follow;
use portolan_testbed::wait::until;
use portolan_tests::history::{no_commit_twice, record};
use portolan_tests::world::{DEADLINE, ready};

/// The effects of the build cluster's program.
const BUILD: [&str; 12] = [
    "status-before@GitSource",
    "status-after@GitSource",
    "status-before@SourceImage",
    "status-after@SourceImage",
    "status-before@GitWriter",
    "status-after@GitWriter",
    "apply-before",
    "apply-after",
    "image-push-before",
    "image-push-after",
    "git-push-before",
    "git-push-after",
];

/// The effects of the staging cluster's program.
const STAGING: [&str; 12] = [
    "status-before@GitSource",
    "status-after@GitSource",
    "status-before@GitDeployment",
    "status-after@GitDeployment",
    "status-before@Verification",
    "status-after@Verification",
    "apply-before",
    "apply-after",
    "deploy-before",
    "deploy-after",
    "git-push-before",
    "git-push-after",
];

#[tokio::test]
async fn killed_programs_lose_nothing_and_do_nothing_twice() {
    let mut landscape = Landscape::start(Plan::default(), &|_| {}).await.expect("it starts");
    let mut version = 0;
    travel(&landscape, &mut version).await.expect("the first change travels undisturbed");
    for (cluster, points) in [("build", BUILD), ("staging", STAGING)] {
        for point in points {
            println!("{cluster}: killed at {point}");
            killed_at(&mut landscape, cluster, point, &mut version)
                .await
                .unwrap_or_else(|error| panic!("{cluster} killed at {point}: {error:#}"));
        }
    }
    no_commit_twice(&landscape, APP).await.expect("no commit is there twice");
}

/// Pushes a new version of the application.
async fn push(landscape: &Landscape, version: &mut u32) -> Result<String> {
    *version += 1;
    let page = format!("<p>{APP}, version {version}</p>\n");
    let message = format!("version {version}");
    landscape.push_source(&[("site/index.html", Some(page.as_bytes()))], &message).await
}

async fn travel(landscape: &Landscape, version: &mut u32) -> Result<()> {
    let pushed = Instant::now();
    let source = push(landscape, version).await?;
    let journey = follow(landscape, &source, pushed, &|_| {}).await?;
    ensure!(journey.arrived(), "the change did not arrive: {journey:?}");
    Ok(())
}

fn member<'l>(landscape: &'l mut Landscape, cluster: &str) -> &'l mut Member {
    if cluster == "build" { &mut landscape.build } else { &mut landscape.staging }
}

/// Restarts a program so that it stops at a point, pushes a change, waits until the point is reached,
/// looks at what is in flight, kills, restarts, and follows the change to its end.
async fn killed_at(
    landscape: &mut Landscape,
    cluster: &str,
    point: &str,
    version: &mut u32,
) -> Result<()> {
    at_rest(landscape).await?;
    let program = &mut member(landscape, cluster).program;
    let reached = program.dir().join(format!("reached-{}", point.replace('@', "-")));
    program.stop().await?;
    let fail_point = FailPoint { name: point.into(), reached: reached.clone() };
    program.restart(Some(fail_point)).await?;
    let pushed = Instant::now();
    let source = push(landscape, version).await?;
    until(&format!("{cluster} to reach {point}"), DEADLINE, async || {
        reached.exists().then_some(())
    })
    .await?;
    let with = std::fs::read_to_string(&reached)?;
    in_flight(landscape, cluster, point, &source)
        .await
        .with_context(|| format!("it was reached with {with}"))?;
    let program = &mut member(landscape, cluster).program;
    program.kill()?;
    program.restart(None).await?;
    let journey = follow(landscape, &source, pushed, &|_| {}).await?;
    ensure!(journey.arrived(), "the change did not arrive: {journey:?}");
    Ok(())
}

/// Waits until everything about the last change is told: the point must be reached by the next one.
async fn at_rest(landscape: &Landscape) -> Result<()> {
    ready(&landscape.build, "Workload", APP, "True", "Ready").await?;
    let production = tip(landscape, "production").await?;
    until("the promotion to be told", DEADLINE, async || {
        let writer = landscape.staging.own("GitWriter", "shop-to-production").await.ok()?;
        (writer.pointer("/status/revision")? == &production).then_some(())
    })
    .await?;
    ready(&landscape.staging, "Deliverable", APP, "True", "Ready").await?;
    Ok(())
}

/// Asserts that the effect is in flight: not yet at the other system before, there but not yet told
/// in any status after.
async fn in_flight(
    landscape: &mut Landscape,
    cluster: &str,
    point: &str,
    source: &str,
) -> Result<()> {
    let (point, kind) = point.split_once('@').unwrap_or((point, ""));
    let (effect, when) = point.rsplit_once('-').unwrap_or((point, ""));
    let there = when == "after";
    let done = match (cluster, effect) {
        ("build", "image-push") => {
            let tags = landscape.registry.tags("demo/shop").await?;
            let told = told(&landscape.build, "SourceImage", "/status/builtFrom/revision").await?;
            ensure!(told != source, "the image is told already");
            tags.iter().any(|tag| *tag == source[..12])
        }
        ("build", "git-push") => {
            let tip = tip(landscape, "staging").await?;
            let told = told(&landscape.build, "GitWriter", "/status/revision").await?;
            ensure!(told != tip || !there, "the commit is told already");
            let written = record(landscape, APP, &tip).await?.provenance.source;
            written.is_some_and(|written| written.revision == source)
        }
        ("build", "apply") => {
            let at = "/spec/source/revision";
            sent(&landscape.build, "SourceImage", at, source, there).await?
        }
        // Its spec changes twice, first in where the content comes from: which change it was does not
        // matter, only that it is told.
        ("build", "status") if kind == "GitWriter" => {
            let writer = landscape.build.own(kind, APP).await?;
            let generation = writer["metadata"]["generation"].as_i64().unwrap_or_default();
            let told = writer["status"]["observedGeneration"].as_i64().unwrap_or_default();
            // The second change of the spec may come while the program stands at the first.
            let behind = generation - told;
            ensure!(if there { behind <= 1 } else { behind >= 1 }, "{behind} behind");
            there
        }
        (_, "status") => {
            let config = tip(landscape, "staging").await?;
            let (at, value) = match kind {
                "GitSource" if cluster == "build" => ("/status/artifact/revision", source),
                "SourceImage" => ("/status/builtFrom/revision", source),
                "GitSource" => ("/status/artifact/revision", config.as_str()),
                // The inventory, before anything is applied.
                "GitDeployment" => ("/status/attemptedRevision", config.as_str()),
                "Verification" => ("/status/verified/revision", config.as_str()),
                _ => bail!("no such status"),
            };
            sent(member(landscape, cluster), kind, at, value, there).await?
        }
        ("staging", effect) => staging_in_flight(landscape, effect, there).await?,
        _ => bail!("no such point"),
    };
    ensure!(done == there, "the effect is {} there", if done { "already" } else { "not" });
    Ok(())
}

async fn staging_in_flight(landscape: &Landscape, effect: &str, there: bool) -> Result<bool> {
    let staging = &landscape.staging;
    let config = tip(landscape, "staging").await?;
    match effect {
        "apply" => sent(staging, "GitDeployment", "/spec/source/revision", &config, there).await,
        "deploy" => {
            let told = told(staging, "GitDeployment", "/status/appliedRevision").await?;
            ensure!(told != config, "the revision is told already");
            let manifest = format!("apps/{APP}/deployment.yaml");
            let manifest = landscape.forge.read_file(TEAM, CONFIG, &config, &manifest).await?;
            let manifest = String::from_utf8(manifest.unwrap_or_default())?;
            let deployment = staging.object("apps/v1", "Deployment", APP).await?;
            let image = deployment.pointer("/spec/template/spec/containers/0/image");
            let image = image.and_then(|image| image.as_str()).unwrap_or_default();
            Ok(manifest.contains(image))
        }
        "git-push" => {
            let promoted = tip(landscape, "production").await?;
            let hop = record(landscape, APP, &promoted).await?.hops.pop();
            Ok(hop.is_some_and(|hop| hop.revision == config))
        }
        _ => bail!("no such point"),
    }
}

/// Whether a value has reached an object. An effect that was sent arrives in a moment.
async fn sent(member: &Member, kind: &str, at: &str, value: &str, expected: bool) -> Result<bool> {
    if !expected {
        return Ok(told(member, kind, at).await? == value);
    }
    until(&format!("{kind} to have {at} {value}"), DEADLINE, async || {
        (told(member, kind, at).await.ok()? == value).then_some(true)
    })
    .await
}

async fn told(member: &Member, kind: &str, at: &str) -> Result<String> {
    let object = member.own(kind, APP).await?;
    Ok(match object.pointer(at) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    })
}

async fn tip(landscape: &Landscape, branch: &str) -> Result<String> {
    Ok(landscape.forge.branch_tip(TEAM, CONFIG, branch).await?.unwrap_or_default())
}
