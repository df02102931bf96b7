//! The whole demo, told to a person.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::hop::Hop;
use super::journey::{Journey, follow, record};
use super::picture::picture;
use crate::audit::{AuditEntry, writes_by_user};
use crate::landscape::{APP, CONFIG, Landscape, Member, Plan, TEAM};
use crate::wait::until;

/// How long nothing may happen while nothing changes.
const QUIET: Duration = Duration::from_secs(30);

/// Longest time a change may take to be written; it only ends what would hang.
const DEADLINE: Duration = Duration::from_mins(2);

/// Most reads of one Secret in that time: a credential may be read anew once it is old, and it is old
/// after minutes.
const READS: usize = 2;

/// What the demo shows and where it goes.
pub struct Show<'s> {
    /// Keep everything in this folder and leave it running.
    pub keep: Option<PathBuf>,
    /// Hears each line.
    pub line: &'s (dyn Fn(&str) + Sync),
}

/// What came of the demo.
#[derive(Clone, Debug)]
pub struct Story {
    /// The changes, in order: two that arrive, one that stops, one after the quiet time.
    pub journeys: Vec<Journey>,
    /// Requests of each program while nothing changed, besides watches, leases and the few reads of
    /// Secrets that are due.
    pub quiet: Vec<(String, usize)>,
    /// The tip of branch `production` when the third change had stopped.
    pub production: String,
}

/// Runs the demo; the landscape is handed back so that it can be looked at.
pub async fn run(show: &Show<'_>) -> Result<(Landscape, Story)> {
    let started = Instant::now();
    let say =
        |text: &str| (show.line)(&format!("{:6.1} s  {text}", started.elapsed().as_secs_f32()));
    let plan = Plan { dir: show.keep.clone(), ..Plan::default() };
    let landscape = Landscape::start(plan, &say).await?;
    let writes = Mutex::new(Vec::new());
    let mut journeys = Vec::new();
    for (number, title) in [
        (1, "first change: a new application"),
        (2, "second change: a new version"),
        (3, "third change: asks for 64 cpus, which no node has"),
    ] {
        let cpu = (number == 3).then_some("64");
        journeys.push(change(&landscape, number, title, cpu, &say, &writes).await?);
    }
    ensure!(journeys[0].arrived() && journeys[1].arrived(), "a change did not arrive");
    ensure!(journeys[2].stopped.is_some(), "the third change did not stop");
    let production = landscape.forge.branch_tip(TEAM, CONFIG, "production").await?;
    let production = production.unwrap_or_default();
    say(&format!("branch production keeps the second change: {}", short(&production)));
    let quiet = quiet(&landscape, &say).await?;
    let last = change(&landscape, 4, "fourth change: asks for less again", None, &say, &writes);
    journeys.push(last.await?);
    ensure!(journeys[3].arrived(), "the fourth change did not arrive");
    say("done");
    (show.line)("");
    for (title, journey) in ["first ", "second", "third ", "fourth"].iter().zip(&journeys) {
        (show.line)(&picture(&format!("The {title} change"), journey));
    }
    for line in writes.into_inner().unwrap_or_default() {
        (show.line)(&line);
    }
    for (program, requests) in &quiet {
        let seconds = QUIET.as_secs();
        (show.line)(&format!("requests of {program} in {seconds} s without a change: {requests}"));
    }
    (show.line)(&format!("wall time: {:.0} s", started.elapsed().as_secs_f32()));
    Ok((landscape, Story { journeys, quiet, production }))
}

/// Pushes one change and follows it.
async fn change(
    landscape: &Landscape,
    number: u32,
    title: &str,
    cpu: Option<&str>,
    say: &(dyn Fn(&str) + Sync),
    writes: &Mutex<Vec<String>>,
) -> Result<Journey> {
    say(&format!("── {title}"));
    let marks = [&landscape.build, &landscape.staging].map(|member| member.plane.audit().mark());
    let pushed = Instant::now();
    if let Some(cpu) = cpu {
        set_cpu(&landscape.build, cpu).await?;
    }
    let source = push(landscape, number).await?;
    if number == 4 {
        ask_for_less(landscape, &source).await?;
    }
    let tell = |hop: &Hop| {
        say(&format!("{:58} {}", hop.place.told(), short(digest_or_id(&hop.what))));
    };
    let journey = follow(landscape, &source, pushed, &tell).await?;
    if let Some(reason) = &journey.stopped {
        say(&format!("staging stopped it: {reason}"));
    }
    for (member, mark) in [&landscape.build, &landscape.staging].into_iter().zip(marks) {
        let audit = member.plane.audit();
        audit.settle().await?;
        let requests: Vec<AuditEntry> = audit.requests(mark)?;
        let ours: Vec<AuditEntry> =
            requests.into_iter().filter(|entry| entry.user == member.user()).collect();
        let (mut objects, mut events) = (0, 0);
        for written in writes_by_user(&ours).values() {
            objects += written.objects;
            events += written.events;
        }
        let line = format!(
            "API writes of change {number} in {}: {objects}, and {events} events",
            member.name()
        );
        writes.lock().map(|mut lines| lines.push(line)).ok();
    }
    Ok(journey)
}

/// What the developer pushes.
async fn push(landscape: &Landscape, number: u32) -> Result<String> {
    let page = format!("<!doctype html>\n<title>{APP}</title>\n<p>{APP}, version {number}</p>\n");
    let readme = std::fs::read(crate::manifests::project("examples/basic/source/README.md"))?;
    let mut files: Vec<(&str, Option<&[u8]>)> = vec![("site/index.html", Some(page.as_bytes()))];
    if number == 1 {
        files.push(("README.md", Some(&readme)));
    }
    landscape.push_source(&files, &format!("{APP}, version {number}")).await
}

/// Sets the Workload's parameter `cpu`, as a developer edits the file.
async fn set_cpu(build: &Member, cpu: &str) -> Result<()> {
    let mut documents = build.example("team/workload.yaml")?;
    for document in &mut documents {
        let params = document["spec"]["params"].as_array_mut();
        if let Some(params) = params {
            params.retain(|param| param["name"] != "cpu");
            params.push(json!({"name": "cpu", "value": cpu}));
        }
    }
    build.apply(&documents).await
}

/// Takes the parameter back once the new source is written with it: the third change is not to pass
/// with less, it stays where it stopped.
async fn ask_for_less(landscape: &Landscape, source: &str) -> Result<()> {
    let first = until("the change to be written", DEADLINE, async || {
        let tip = landscape.forge.branch_tip(TEAM, CONFIG, "staging").await.ok()??;
        let record = record(landscape, "staging", &tip).await.ok()?;
        record.provenance.source.is_some_and(|s| s.revision == source).then_some(tip)
    })
    .await?;
    set_cpu(&landscape.build, "200m").await?;
    until("it to be written with less", DEADLINE, async || {
        let tip = landscape.forge.branch_tip(TEAM, CONFIG, "staging").await.ok()??;
        (tip != first).then_some(())
    })
    .await
}

/// Waits while nothing changes and counts what the programs ask all the same.
async fn quiet(landscape: &Landscape, say: &(dyn Fn(&str) + Sync)) -> Result<Vec<(String, usize)>> {
    settle(landscape).await?;
    let seconds = QUIET.as_secs();
    say(&format!("nothing changes for {seconds} s; git is polled every 2 s"));
    let members = [&landscape.build, &landscape.staging];
    let mut marks = Vec::new();
    for member in members {
        marks.push(member.plane.audit().settle().await?);
    }
    tokio::time::sleep(QUIET).await;
    let mut counts = Vec::new();
    for (member, mark) in members.into_iter().zip(marks) {
        let (asked, secrets) = asked(member, mark).await?;
        for entry in asked.iter().chain(&secrets) {
            say(&format!("{} asked {} {}", member.name(), entry.verb, entry.path));
        }
        for (secret, reads) in by_path(&secrets) {
            ensure!(reads <= READS, "{} read {secret} {reads} times in {seconds} s", member.name());
        }
        say(&format!("{}: {} requests", member.name(), asked.len()));
        counts.push((member.user(), asked.len()));
    }
    Ok(counts)
}

/// Waits until a second passes without a request: what the last change set in motion has come to rest.
async fn settle(landscape: &Landscape) -> Result<()> {
    for member in [&landscape.build, &landscape.staging] {
        for _ in 0..60 {
            let mark = member.plane.audit().settle().await?;
            tokio::time::sleep(Duration::from_secs(2)).await;
            if asked(member, mark).await?.0.is_empty() {
                break;
            }
        }
    }
    Ok(())
}

/// Requests of a member's program since a mark, besides watches and leases; reads of Secrets apart.
async fn asked(member: &Member, mark: crate::Mark) -> Result<(Vec<AuditEntry>, Vec<AuditEntry>)> {
    let audit = member.plane.audit();
    audit.settle().await?;
    let requests = audit.requests(mark)?;
    Ok(requests
        .into_iter()
        .filter(|entry| entry.user == member.user())
        .filter(|entry| !entry.is_watch() && !entry.is_lease())
        .partition(|entry| !(entry.resource == "secrets" && entry.verb == "get")))
}

/// How often each path was asked for.
fn by_path(entries: &[AuditEntry]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        *counts.entry(entry.path.as_str()).or_default() += 1;
    }
    counts
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// The digest of an image by digest, else the id as it is.
fn digest_or_id(what: &str) -> &str {
    what.rsplit_once("@sha256:").map_or(what, |(_, digest)| digest)
}
