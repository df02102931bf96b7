//! What a seed means.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

use crate::landscape::APP;
use crate::story::{Moment, OTHER, Place};

/// Disturbances in each round.
const EACH_ROUND: usize = 2;
/// Longest time from a hop to a disturbance, in milliseconds: longer than most hops take.
const LATEST: u64 = 2_000;
/// How long a server stays away, in milliseconds.
const AWAY: std::ops::Range<u64> = 500..4_000;
/// The clusters.
const CLUSTERS: [&str; 3] = ["build", "staging", "production"];

/// One disturbance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// Its number, from 1, in the order of the story.
    pub number: usize,
    /// The hop it comes after.
    pub after: Moment,
    /// How long after it.
    pub delay: Duration,
    /// What happens.
    pub kind: Kind,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The controller of a cluster is killed by `kill -9`, and started again.
    Controller(&'static str),
    /// The forge is stopped, and started after a while.
    Forge(Duration),
    /// The API server of a cluster is stopped, and started after a while.
    ApiServer(&'static str, Duration),
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Controller(cluster) => write!(f, "kill -9 of {cluster}'s controller")?,
            Kind::Forge(away) => write!(f, "the forge goes for {} ms", away.as_millis())?,
            Kind::ApiServer(cluster, away) => {
                write!(f, "{cluster}'s API server goes for {} ms", away.as_millis())?;
            }
        }
        let Moment { round, app, place } = &self.after;
        let delay = self.delay.as_millis();
        write!(f, ", {delay} ms after {app} in round {round}: {}", place.told())
    }
}

/// The disturbances of a seed: the same number in each round, each kind more than once.
pub fn draw(seed: u64) -> Vec<Disturbance> {
    let mut rng = Rng::with_seed(seed);
    let mut kinds = kinds(&mut rng);
    let mut drawn = Vec::new();
    for round in 1..=5 {
        let mut moments = moments(round);
        rng.shuffle(&mut moments);
        moments.truncate(EACH_ROUND);
        moments.sort();
        for after in moments {
            let delay = Duration::from_millis(rng.u64(..LATEST));
            let Some(kind) = kinds.pop() else { break };
            drawn.push(Disturbance { number: drawn.len() + 1, after, delay, kind });
        }
    }
    drawn
}

/// Ten disturbances, in the order they are drawn in: each cluster's controller, the forge and an API
/// server for certain.
fn kinds(rng: &mut Rng) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = CLUSTERS.map(Kind::Controller).into();
    for _ in 0..2 {
        let cluster = CLUSTERS[rng.usize(..CLUSTERS.len())];
        kinds.push(Kind::Controller(cluster));
        let cluster = CLUSTERS[rng.usize(..CLUSTERS.len())];
        kinds.push(Kind::ApiServer(cluster, Duration::from_millis(rng.u64(AWAY))));
    }
    for _ in 0..3 {
        kinds.push(Kind::Forge(Duration::from_millis(rng.u64(AWAY))));
    }
    rng.shuffle(&mut kinds);
    kinds
}

/// The hops of a round that happen for certain, but for its last: what comes after that is another
/// round's.
fn moments(round: u32) -> Vec<Moment> {
    let of = |app: &'static str, way: &[Place]| -> Vec<Moment> {
        let way = &way[..way.len() - 1];
        way.iter().map(|place| Moment { round, app, place: *place }).collect()
    };
    let all = &Place::REVIEWED;
    match round {
        3 => {
            let end = all.iter().position(|place| *place == Place::Deployed).unwrap_or(all.len());
            of(APP, &all[..=end])
        }
        4 => [of(APP, &Place::REVERTED), of(OTHER, all)].concat(),
        _ => [of(OTHER, all), of(APP, all)].concat(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_means_the_same_each_time_and_has_every_kind() {
        for seed in 0..100 {
            let drawn = draw(seed);
            assert_eq!(drawn, draw(seed));
            assert_eq!(drawn.len(), 10);
            let kinds: BTreeSet<&str> = drawn
                .iter()
                .map(|disturbance| match disturbance.kind {
                    Kind::Controller(cluster) => cluster,
                    Kind::Forge(_) => "forge",
                    Kind::ApiServer(..) => "API server",
                })
                .collect();
            assert_eq!(kinds.len(), 5, "{drawn:?}");
            for round in 1..=5 {
                let of = drawn.iter().filter(|disturbance| disturbance.after.round == round);
                assert_eq!(of.count(), EACH_ROUND, "{drawn:?}");
            }
        }
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn the_moments_of_the_broken_round_are_before_it_stops() {
        let moments = moments(3);
        assert!(moments.iter().all(|moment| moment.app == APP && moment.place < Place::Deployed));
        assert_eq!(moments.len(), 7);
    }
}
