//! Doing what a seed means, while the story is played.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::draw::{Disturbance, Kind};
use crate::landscape::{Landscape, Member};
use crate::story::Teller;
use crate::wait::eventually;

/// Longest time a server or controller may take to come back; it only ends what would hang.
const DEADLINE: Duration = Duration::from_mins(3);

/// Most characters of a line about what went before.
const WIDTH: usize = 200;

/// Does all disturbances, each at its moment; several may overlap, but for two of one server or
/// controller. Ends when all that went away is back.
pub async fn disturb(
    landscape: &Landscape,
    teller: &Teller<'_>,
    disturbances: &[Disturbance],
) -> Result<()> {
    let locks = Locks::default();
    let each = disturbances.iter().map(|disturbance| {
        let count = disturbances.len();
        one(landscape, teller, disturbance, count, &locks)
    });
    try_join_all(each).await.map(|_| ())
}

/// One for the forge, and for each cluster one for its controller and one for its API server.
#[derive(Default)]
struct Locks {
    forge: Mutex<()>,
    controllers: [Mutex<()>; 3],
    api_servers: [Mutex<()>; 3],
}

async fn one(
    landscape: &Landscape,
    teller: &Teller<'_>,
    disturbance: &Disturbance,
    count: usize,
    locks: &Locks,
) -> Result<()> {
    let mut progress = teller.progress();
    progress.wait_for(|progress| progress.has(&disturbance.after)).await?;
    sleep(disturbance.delay).await;
    let number = disturbance.number;
    let member = |cluster: &str| -> Result<(usize, &Member)> {
        let mut members = landscape.members().enumerate();
        members.find(|(_, member)| member.name() == cluster).context("there is such a cluster")
    };
    // The seconds of absence count from the moment that the lock is held.
    let (begun, what) = match disturbance.kind {
        Kind::Controller(cluster) => {
            let (index, member) = member(cluster)?;
            let _lock = locks.controllers[index].lock().await;
            let log = member.program.log();
            let line = log.lines().last().unwrap_or_default();
            tell(teller, disturbance, count, &last_write(member));
            teller.say(&cut(&format!("   last line of its log before: {line}")));
            let begun = Instant::now();
            member.program.kill()?;
            // It ends again where its API server is away: what runs it starts it again.
            eventually(&format!("{cluster}'s controller to be back"), DEADLINE, async || {
                member.program.restart(None).await.map(Some)
            })
            .await?;
            (begun, format!("{cluster}'s controller"))
        }
        Kind::Forge(away) => {
            let _lock = locks.forge.lock().await;
            tell(teller, disturbance, count, &last_change(landscape));
            let begun = Instant::now();
            landscape.forge.stop_server().await;
            sleep(away).await;
            landscape.forge.start_server().await?;
            (begun, "the forge".to_owned())
        }
        Kind::ApiServer(cluster, away) => {
            let (index, member) = member(cluster)?;
            let _lock = locks.api_servers[index].lock().await;
            tell(teller, disturbance, count, &last_write(member));
            let begun = Instant::now();
            member.plane.stop_api_server().await;
            sleep(away).await;
            member.plane.start_api_server().await?;
            (begun, format!("{cluster}'s API server"))
        }
    };
    let seconds = begun.elapsed().as_secs_f32();
    teller.say(&format!("!! {number}/{count} {what} is back after {seconds:.1} s"));
    Ok(())
}

/// Tells a disturbance, what the story waited for and the last write before: what is under way at the
/// very moment is noted nowhere.
fn tell(teller: &Teller<'_>, disturbance: &Disturbance, count: usize, last: &str) {
    teller.say(&format!("!! {}/{count} {disturbance}", disturbance.number));
    let waits = teller.progress().borrow().waits_for();
    let waits = if waits.is_empty() { "nothing".to_owned() } else { waits };
    teller.say(&format!("   waited for: {waits}; {}", cut(last)));
}

/// The beginning of a line of others, without control characters.
fn cut(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(WIDTH).collect()
}

/// The last write that a cluster's API server noted, other than of leases.
fn last_write(member: &Member) -> String {
    let requests = member.plane.audit().requests(crate::Mark::default()).unwrap_or_default();
    let mut writes = requests.iter().rev().filter(|entry| entry.is_write() && !entry.is_lease());
    match writes.next() {
        Some(entry) => format!(
            "last write before in the cluster: {} {} {} for {}, answered {}",
            entry.at,
            entry.verb,
            entry.path,
            entry.actor(),
            entry.code
        ),
        None => "nothing was written in the cluster before".to_owned(),
    }
}

/// The last request to the forge that was to change something.
fn last_change(landscape: &Landscape) -> String {
    let log = landscape.forge.dir().join("logs/gitea.log");
    let log = std::fs::read(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let changes = |line: &&str| {
        ["POST", "PUT", "PATCH", "DELETE"].iter().any(|method| line.contains(method))
            && !line.contains("git-upload-pack")
    };
    let last = log.lines().rfind(changes).unwrap_or("none");
    format!("last change before in the forge: {last}")
}
