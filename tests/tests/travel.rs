//! The path end to end, as the demo shows it: what each place holds must belong together.

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::landscape::{APP, CONFIG, Landscape, Member, TEAM};
use portolan_testbed::story::{Journey, Place, Show, run};
use portolan_tests::history::{no_commit_twice, record};
use portolan_tests::world::ready;
use serde_json::Value;

/// One run of the demo serves all assertions: it takes a minute.
#[tokio::test]
async fn a_change_travels_from_source_to_a_promoted_branch() {
    let show = Show { keep: None, line: &|line| println!("{line}") };
    let (landscape, story) = run(&show).await.expect("the demo comes to its end");
    for arrived in [0, 1, 3] {
        belongs_together(&landscape, &story.journeys[arrived]).await.expect("it belongs together");
    }
    let third = &story.journeys[2];
    let why = third.stopped.as_deref().unwrap_or_default();
    assert!(why.starts_with("Unhealthy: ") && why.contains("Insufficient cpu"), "{why}");
    assert_eq!(third.what(Place::Deployed), None);
    assert_eq!(
        story.production,
        story.journeys[1].what(Place::Promoted).unwrap_or_default(),
        "production keeps the second change"
    );
    for (program, requests) in &story.quiet {
        assert_eq!(*requests, 0, "{program} asked while nothing changed");
    }
    let landscape = restarted(landscape).await.expect("restarted programs write nothing");
    no_commit_twice(&landscape, APP).await.expect("no commit is there twice");
    only_its_own_credentials(&landscape).expect("each program has only its own credentials");
}

/// Restarts both programs, once with their caches on disk and once without: what is converged stays
/// as it is, not one object is written.
async fn restarted(mut landscape: Landscape) -> Result<Landscape> {
    ready(&landscape.build, "Workload", APP, "True", "Ready").await?;
    ready(&landscape.staging, "Deliverable", APP, "True", "Ready").await?;
    for forget in [false, true] {
        for member in [&mut landscape.build, &mut landscape.staging] {
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
