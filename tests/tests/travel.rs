//! The path of `examples/basic` end to end: what each place holds must belong together.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::landscape::{APP, CONFIG, Landscape, Member, Plan, TEAM};
use portolan_testbed::story::{Breakage, Journey, Place, follow, quiet};
use portolan_tests::changes::push_version;
use portolan_tests::history::{no_commit_twice, record};
use portolan_tests::world::{ready, travel};
use serde_json::Value;

/// How long nothing may happen while nothing changes.
const QUIET: Duration = Duration::from_secs(30);

/// One run serves all assertions: it takes a minute.
#[tokio::test]
async fn a_change_travels_from_source_to_a_promoted_branch() {
    let landscape = Landscape::start(Plan::default(), &|_| {}).await.expect("it starts");
    let mut journeys = Vec::new();
    for version in [1, 2] {
        let journey = travel(&landscape, version).await.expect("it travels");
        belongs_together(&landscape, &journey).await.expect("it belongs together");
        journeys.push(journey);
    }
    let breakage = Breakage::of(&landscape);
    breakage.make(&landscape, APP).await.expect("it asks for too much");
    let source = push_version(&landscape, 3).await.expect("it is pushed");
    let third = follow(&landscape, &source, Instant::now(), &|_| {}).await.expect("it stops");
    let why = third.stopped.as_deref().unwrap_or_default();
    assert!(why.starts_with("Unhealthy: ") && why.contains(breakage.reason()), "{why}");
    assert_eq!(third.what(Place::Deployed), None);
    let production = landscape.forge.branch_tip(TEAM, CONFIG, "production").await;
    let production = production.expect("the forge answers").unwrap_or_default();
    let second = journeys[1].what(Place::Promoted);
    assert_eq!(Some(production.as_str()), second, "production keeps the second change");
    let say = |line: &str| println!("{line}");
    let asked = quiet(&landscape, QUIET, &say).await.expect("nothing changes");
    for (program, requests) in asked {
        assert_eq!(requests, 0, "{program} asked while nothing changed");
    }
    breakage.mend(&landscape, APP).await.expect("it asks for less");
    let fourth = travel(&landscape, 4).await.expect("it travels");
    belongs_together(&landscape, &fourth).await.expect("it belongs together");
    let landscape = restarted(landscape).await.expect("restarted programs write nothing");
    no_commit_twice(&landscape, APP).await.expect("no commit is there twice");
    only_its_own_credentials(&landscape).expect("each program has only its own credentials");
}

/// Restarts both programs, once with their caches on disk and once without: what is converged stays
/// as it is, not one object is written.
async fn restarted(landscape: Landscape) -> Result<Landscape> {
    ready(&landscape.build, "Workload", APP, "True", "Ready").await?;
    ready(&landscape.staging, "Deliverable", APP, "True", "Ready").await?;
    for forget in [false, true] {
        for member in landscape.members() {
            member.program.stop().await?;
            if forget {
                member.program.forget()?;
            }
            let mark = member.plane.audit().settle().await?;
            member.program.restart(None).await?;
            settled(member).await?;
            let requests = member.plane.audit().requests(mark)?;
            let wrote: Vec<_> = requests
                .iter()
                .filter(|entry| entry.user == member.user())
                .filter(|entry| entry.is_write() && !entry.is_lease())
                .map(|entry| format!("{} {}", entry.verb, entry.path))
                .collect();
            ensure!(wrote.is_empty(), "{} wrote after its restart: {wrote:?}", member.name());
        }
    }
    Ok(landscape)
}

/// Waits until a program that was just started has looked at everything: five seconds without a
/// request.
async fn settled(member: &Member) -> Result<()> {
    loop {
        let mark = member.plane.audit().settle().await?;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        member.plane.audit().settle().await?;
        let requests = member.plane.audit().requests(mark)?;
        let asked = requests
            .iter()
            .filter(|entry| entry.user == member.user())
            .any(|entry| !entry.is_lease() && !entry.is_watch());
        if !asked {
            return Ok(());
        }
    }
}

/// Source commit, image, configuration, verification and promotion tell of one passage.
async fn belongs_together(landscape: &Landscape, journey: &Journey) -> Result<()> {
    let passage = journey.passage.clone().context("the configuration has a passage")?;
    let what = |place| journey.what(place).map(str::to_owned).context("the hop happened");
    let (config, promoted) = (what(Place::Config)?, what(Place::Promoted)?);
    let staging = record(landscape, APP, &config).await?;
    let production = record(landscape, APP, &promoted).await?;
    ensure!(staging.passage == passage && production.passage == passage, "one passage");
    ensure!(production.parent.is_none() && production.digest == staging.digest, "unchanged");
    let source = staging.provenance.source.clone().context("the record names the source")?;
    ensure!(source.revision == journey.source, "the source's commit");
    let image = what(Place::Image)?;
    ensure!(staging.provenance.image.as_deref() == Some(&image), "the image by digest");
    let hop = production.hops.last().context("the promotion is a hop")?;
    ensure!(hop.environment == "staging" && hop.revision == config, "from staging's commit");
    ensure!(hop.verification.as_deref() == Some("staging/shop"), "vouched for");
    for commit in [&config, &promoted] {
        let manifest = file(landscape, commit, "deployment.yaml").await?;
        ensure!(manifest.contains(&image), "the manifest runs the image by digest");
        let message = message(landscape, commit).await?;
        ensure!(message.contains(&format!("Portolan-Passage: {passage}\n")), "{message}");
        ensure!(message.contains(&format!("Portolan-Image: {image}\n")), "{message}");
    }
    // The image in the registry is the one that the digest names, made of this commit.
    let (repository, digest) = image.split_once('@').context("the image has a digest")?;
    let repository = repository.split_once('/').context("and a registry")?.1;
    let tag = &journey.source[..12];
    let (found, manifest) = landscape.registry.manifest(repository, tag).await?;
    ensure!(found == digest, "tag {tag} is {found}");
    let revision = manifest["annotations"]["org.opencontainers.image.revision"].as_str();
    ensure!(revision == Some(&journey.source), "the image names its commit: {manifest}");
    Ok(())
}

async fn file(landscape: &Landscape, commit: &str, path: &str) -> Result<String> {
    let path = format!("apps/{APP}/{path}");
    let bytes = landscape.forge.read_file(TEAM, CONFIG, commit, &path).await?;
    Ok(String::from_utf8(bytes.with_context(|| format!("{path} at {commit}"))?)?)
}

async fn message(landscape: &Landscape, commit: &str) -> Result<String> {
    let path = format!("/repos/{TEAM}/{CONFIG}/git/commits/{commit}");
    let (_, found) = landscape.forge.api(reqwest::Method::GET, &path, None).await?;
    Ok(found["commit"]["message"].as_str().unwrap_or_default().to_owned() + "\n")
}

/// Looks through environment, arguments and files of each program for what belongs to the other
/// cluster: its address, its token, its accounts' passwords.
fn only_its_own_credentials(landscape: &Landscape) -> Result<()> {
    let members = [&landscape.build, &landscape.staging];
    for (own, other) in [(members[0], members[1]), (members[1], members[0])] {
        let pid = own.program.pid();
        let mut seen = Vec::new();
        for file in ["environ", "cmdline"] {
            seen.push((file.to_owned(), std::fs::read(format!("/proc/{pid}/{file}"))?));
        }
        for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
            let target = std::fs::read_link(entry?.path()).unwrap_or_default();
            seen.push(("open file".into(), target.to_string_lossy().into_owned().into_bytes()));
        }
        files(own.program.dir(), &mut seen)?;
        let kubeconfig = read_kubeconfig(other)?;
        let secrets = [
            ("the other API server", other.plane.server_url()),
            ("the other token", kubeconfig),
            ("the other account", format!("{}-cluster", other.name())),
            ("the other program's folder", other.program.dir().display().to_string()),
            ("the forge's administrator", landscape.forge.admin_token().to_owned()),
        ];
        for (place, bytes) in &seen {
            let text = String::from_utf8_lossy(bytes);
            for (what, secret) in &secrets {
                ensure!(!text.contains(secret.as_str()), "{} has {what} in {place}", own.name());
            }
        }
        ensure!(seen.len() > 10, "there was something to look through");
    }
    Ok(())
}

/// The token in a program's kubeconfig.
fn read_kubeconfig(member: &Member) -> Result<String> {
    for entry in std::fs::read_dir(member.program.dir())? {
        let path = entry?.path();
        if path.is_file() && path.to_string_lossy().contains("kubeconfig") {
            let value: Value = serde_saphyr::from_str(&std::fs::read_to_string(&path)?)?;
            let token = value.pointer("/users/0/user/token").and_then(Value::as_str);
            return token.map(str::to_owned).context("the kubeconfig holds a token");
        }
    }
    anyhow::bail!("{} has no kubeconfig", member.name())
}

fn files(folder: &std::path::Path, seen: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, seen)?;
        } else if path.is_file() {
            seen.push((path.display().to_string(), std::fs::read(&path)?));
        }
    }
    Ok(())
}
