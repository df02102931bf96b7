//! Two replicas with the leases of an installation: the leader is stopped, or killed, with a push in
//! flight. What is asserted is what the servers recorded: leases, audit logs, git.

#[path = "failover/lab.rs"]
mod lab;

use anyhow::{Result, ensure};
use jiff::{SignedDuration, Timestamp};
use lab::{Gate, Lab, OFFER};
use portolan_testbed::landscape::{APP, CONFIG, TEAM};
use portolan_testbed::wait::until;
use portolan_tests::changes::push_version;
use portolan_tests::forge::{open_request, requests};
use portolan_tests::history::no_commit_twice;
use portolan_tests::world::{DEADLINE, ready};

/// Longest time from SIGTERM to the other replica's first write.
const STOPPED: SignedDuration = SignedDuration::from_secs(2);
/// Longest time from the leader's death to the other replica's first write.
const KILLED: SignedDuration = SignedDuration::from_secs(20);

#[tokio::test]
async fn the_other_replica_takes_over_and_does_nothing_twice() {
    let mut lab = Lab::start().await.expect("two replicas of each program run");
    let took = stopped(&mut lab).await.expect("a leader that is stopped is followed within 2 s");
    println!("{took}");
    let took = stopped_in_a_push(&mut lab).await.expect("its push ends before it lets go");
    println!("{took}");
    let took = killed(&mut lab).await.expect("a leader that dies is followed within 20 s");
    println!("{took}");
    for member in lab.landscape.members() {
        lab.made_once(member).await.expect("no object is made twice");
    }
    no_commit_twice(&lab.landscape, APP).await.expect("no commit is there twice");
}

/// SIGTERM at rest: nothing is written for it. With a change on its way, the next write is there soon.
async fn stopped(lab: &mut Lab) -> Result<String> {
    lab.travels(2).await?;
    let mark = lab.landscape.build.plane.audit().settle().await?;
    let (before, signalled) = lab.stop_leaders().await?;
    let taken = lab.taken(&before).await?;
    let writes = lab.writes(mark).await?;
    ensure!(writes.is_empty(), "taking over at rest wrote {writes:?}");
    let at_rest = told("SIGTERM at rest: leases taken", signalled, taken, STOPPED)?;
    lab.restart_stopped().await?;

    let source = push_version(&lab.landscape, 3).await?;
    let (before, signalled) = lab.stop_leaders().await?;
    let taken = lab.taken(&before).await?;
    lab.follow(&source).await?;
    let first = lab.first_write(taken).await?;
    let under_way = told("SIGTERM under way: first write", signalled, first, STOPPED)?;
    lab.restart_stopped().await?;
    Ok(format!("{at_rest}\n{under_way}"))
}

/// SIGTERM while a push stands in a hook of the forge: the lease is given back after it.
async fn stopped_in_a_push(lab: &mut Lab) -> Result<String> {
    let gate = Gate::close(&lab.landscape)?;
    let source = push_version(&lab.landscape, 4).await?;
    gate.stands(1).await?;
    let mark = lab.landscape.build.plane.audit().settle().await?;
    let before = lab.holders().await?;
    lab.signal_leaders_and_hear().await?;
    let now = lab.holders().await?;
    // The build cluster's second: of what writes to git. Of the first nothing is under way.
    ensure!(now[1] == before[1], "the lease is kept for the push: {before:?}, {now:?}");
    let opened = Timestamp::now();
    gate.open()?;
    lab.leaders_ended().await?;
    let taken = lab.taken(&before).await?;
    let written = lab.landscape.forge.commits(TEAM, CONFIG, "staging").await?;
    let written = written.first().and_then(|commit| commit["commit"]["message"].as_str());
    ensure!(written.is_some_and(|text| text.contains(&source)), "pushed first: {written:?}");
    // It was told by the old leader, before it let go.
    let status = lab.first_status(mark, "gitwriters", APP).await?;
    ensure!(status < taken, "{status} is not before {taken}");
    lab.follow(&source).await?;
    lab.restart_stopped().await?;
    told("SIGTERM in a push: leases taken, from when the push went on,", opened, taken, STOPPED)
}

/// `kill -9` with two pushes in flight, and the other replica's pushes beside them: one of each wins.
async fn killed(lab: &mut Lab) -> Result<String> {
    lab.offer("one").await?;
    open_request(&lab.landscape.forge, OFFER, "staging").await?;
    ready(&lab.landscape.build, "GitWriter", OFFER, "True", "Written").await?;
    let gate = Gate::close(&lab.landscape)?;
    let source = push_version(&lab.landscape, 5).await?;
    gate.stands(1).await?;
    let before = lab.holders().await?;
    let died = lab.kill_leaders()?;
    lab.offer("two").await?;
    // The dead leader's push still stands at the forge when the other's comes.
    gate.stands(2).await?;
    let taken = lab.taken(&before).await?;
    gate.open()?;
    lab.follow(&source).await?;
    let first = lab.first_write(died).await?;
    let leases = told("kill -9: leases taken", died, taken, KILLED)?;
    let write = told("kill -9: first write of the other", died, first, KILLED)?;
    until("the new content to be offered", DEADLINE, async || {
        let found = lab.landscape.forge.read_file(TEAM, CONFIG, OFFER, "offers/a.txt").await;
        (found.ok()?? == b"two").then_some(())
    })
    .await?;
    ready(&lab.landscape.build, "GitWriter", OFFER, "True", "Written").await?;
    let all = requests(&lab.landscape.forge, OFFER, "staging").await?;
    ensure!(all.len() == 1, "one request is there: {all:?}");
    let log = lab.landscape.forge.commits(TEAM, CONFIG, OFFER).await?;
    let writer = format!("Portolan-Writer: build/dev/{OFFER}");
    let ours = log.iter().filter_map(|commit| commit["commit"]["message"].as_str());
    let ours = ours.filter(|text| text.contains(&writer) && !text.starts_with("Join")).count();
    ensure!(ours == 2, "two contents are written {ours} times");
    Ok(format!("{leases}\n{write}"))
}

/// How long something took by the servers' records; refuses what took too long.
fn told(what: &str, from: Timestamp, to: Timestamp, bound: SignedDuration) -> Result<String> {
    let took = to.duration_since(from);
    let found = format!("{what} after {} ms", took.as_millis());
    ensure!(took < bound, "{found}, at most {bound:#} are promised");
    Ok(found)
}
