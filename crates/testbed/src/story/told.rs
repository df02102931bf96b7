//! The whole demo, told to a person.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::picture::picture;
use super::play::{OTHER, Play, Round};
use super::quiet::quiet;
use super::teller::Teller;
use super::writes::Counter;
use crate::chaos::{disturb, draw};
use crate::checker::{Verdict, check, gather};
use crate::landscape::{APP, Example, Landscape, Nodes, Plan};

/// How long nothing may happen while nothing changes.
const QUIET: Duration = Duration::from_secs(30);

/// What the demo shows and where it goes.
pub struct Show<'s> {
    /// Keep everything in this folder and leave it running.
    pub keep: Option<PathBuf>,
    /// Disturb it as this seed means.
    pub chaos: Option<u64>,
    /// What runs pods.
    pub nodes: Nodes,
    /// Hears each line.
    pub line: &'s (dyn Fn(&str) + Sync),
}

/// What came of the demo.
#[derive(Clone, Debug)]
pub struct Story {
    /// The rounds, in order.
    pub rounds: Vec<Round>,
    /// Requests of each cluster's program while nothing changed, besides watches, leases and the few
    /// reads of Secrets that are due.
    pub quiet: Vec<(String, usize)>,
    /// What git, the forge, the registry and the clusters prove of it.
    pub verdict: Verdict,
}

/// Runs the demo; the landscape is handed back so that it can be looked at.
pub async fn run(show: &Show<'_>) -> Result<(Landscape, Story)> {
    let teller = Teller::new(show.line);
    let say = |text: &str| teller.say(text);
    let example = Example::PullRequests;
    let plan = Plan { dir: show.keep.clone(), example, nodes: show.nodes, ..Plan::default() };
    let landscape = Landscape::start(plan, &say).await?;
    landscape.add_app(OTHER).await?;
    let (rounds, writes) = match show.chaos {
        None => play(&landscape, &teller).await?,
        Some(seed) => {
            say(&format!("chaos of seed {seed}: `make demo CHAOS=1 SEED={seed}` plays it again"));
            let disturbances = draw(seed);
            let disturbed = disturb(&landscape, &teller, &disturbances);
            let (told, ()) = tokio::try_join!(play(&landscape, &teller), disturbed)?;
            told
        }
    };
    let quiet = quiet(&landscape, QUIET, &say).await?;
    let verdict = check(&gather(&landscape, &[APP, OTHER]).await?);
    teller.say("done");
    teller.show("");
    pictures(&teller, &rounds);
    for (round, writes) in rounds.iter().zip(&writes) {
        teller.show(&format!("API writes in round {}: {writes}", round.number));
    }
    let asked: Vec<String> = quiet.iter().map(|(name, asked)| format!("{name} {asked}")).collect();
    let seconds = QUIET.as_secs();
    teller.show(&format!("requests in {seconds} s without a change: {}", asked.join(", ")));
    teller.show(&format!("checked: {verdict}"));
    teller.show(&format!("wall time: {:.0} s", teller.elapsed().as_secs_f32()));
    ensure!(verdict.holds(), "the demo lost something, or did it twice");
    Ok((landscape, Story { rounds, quiet, verdict }))
}

/// Plays all rounds, and counts what each writes.
async fn play(landscape: &Landscape, teller: &Teller<'_>) -> Result<(Vec<Round>, Vec<String>)> {
    let play = Play { landscape, teller };
    let mut counter = Counter::new(landscape);
    let (mut rounds, mut writes) = (Vec::new(), Vec::new());
    for number in 1..=5 {
        rounds.push(play.round(number).await?);
        writes.push(counter.count().await?);
    }
    Ok((rounds, writes))
}

fn pictures(teller: &Teller<'_>, rounds: &[Round]) {
    for round in rounds {
        teller.show(&format!("Round {}: {}", round.number, round.title));
        for journey in &round.journeys {
            teller.show(&picture(&format!("  {}", journey.app), journey));
        }
    }
}
