//! What a seed means.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

use crate::landscape::APP;
use crate::story::{Moment, OTHER, Place};

/// Disturbances in each round.
const EACH_ROUND: usize = 2;
/// Longest time from a hop to a disturbance, in milliseconds: half of them come while the next effect is
/// likely under way, half at any time until most hops are over.
const LATEST: [u64; 2] = [300, 2_000];
/// How long a server stays away, in milliseconds.
const AWAY: std::ops::Range<u64> = 500..4_000;
/// What happens in a story, in the order in which it is shuffled.
const DECK: [What; 10] = [
    What::Controller,
    What::Controller,
    What::Controller,
    What::Controller,
    What::Controller,
    What::Forge,
    What::Forge,
    What::Forge,
    What::ApiServer,
    What::ApiServer,
];
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

/// A kind without its details.
#[derive(Clone, Copy)]
enum What {
    Controller,
    Forge,
    ApiServer,
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
    let mut deck = DECK;
    rng.shuffle(&mut deck);
    let mut deck = deck.into_iter().rev();
    let mut drawn = Vec::new();
    for round in 1..=5 {
        let mut moments = moments(round);
        rng.shuffle(&mut moments);
        moments.truncate(EACH_ROUND);
        moments.sort();
        for (after, what) in moments.into_iter().zip(&mut deck) {
            let latest = LATEST[rng.usize(..LATEST.len())];
            let delay = Duration::from_millis(rng.u64(..latest));
            let kind = kind(what, &mut rng, after.place);
            drawn.push(Disturbance { number: drawn.len() + 1, after, delay, kind });
        }
    }
    drawn
}

/// A disturbance of a kind after a hop: two of three of those that are about a cluster are about the one
/// whose turn it is.
fn kind(what: What, rng: &mut Rng, place: Place) -> Kind {
    let cluster = match rng.usize(..3) {
        0 => CLUSTERS[rng.usize(..CLUSTERS.len())],
        _ => whose_turn(place),
    };
    let away = Duration::from_millis(rng.u64(AWAY));
    match what {
        What::Controller => Kind::Controller(cluster),
        What::Forge => Kind::Forge(away),
        What::ApiServer => Kind::ApiServer(cluster, away),
    }
}

/// The cluster that does something after a hop.
fn whose_turn(place: Place) -> &'static str {
    match place {
        Place::Pushed | Place::Source | Place::Image | Place::Config | Place::Offered => "build",
        Place::ProductionMerged | Place::ProductionDeployed | Place::ProductionVerified => {
            "production"
        }
        _ => "staging",
    }
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
    use super::*;

    #[test]
    fn a_seed_means_the_same_each_time_and_has_every_kind() {
        for seed in 0..100 {
            let drawn = draw(seed);
            assert_eq!(drawn, draw(seed));
            assert_eq!(drawn.len(), 10);
            let count = |is: fn(&Kind) -> bool| drawn.iter().filter(|d| is(&d.kind)).count();
            assert_eq!(count(|kind| matches!(kind, Kind::Controller(_))), 5, "{drawn:?}");
            assert_eq!(count(|kind| matches!(kind, Kind::Forge(_))), 3, "{drawn:?}");
            assert_eq!(count(|kind| matches!(kind, Kind::ApiServer(..))), 2, "{drawn:?}");
            for round in 1..=5 {
                let of = drawn.iter().filter(|disturbance| disturbance.after.round == round);
                assert_eq!(of.count(), EACH_ROUND, "{drawn:?}");
            }
        }
        assert_ne!(draw(1), draw(2));
    }

    // A seed that somebody noted has to mean the same tomorrow.
    #[test]
    fn what_a_seed_means_does_not_change() {
        use Place::{
            Config, Image, Offered, ProductionDeployed, ProductionMerged, Source, Verified,
        };
        let ms = Duration::from_millis;
        let (shop, cart) = (APP, OTHER);
        let expected = [
            (1, cart, Config, 69, Kind::Forge(ms(3604))),
            (1, shop, Config, 231, Kind::Forge(ms(3438))),
            (2, cart, Offered, 235, Kind::Controller("build")),
            (2, shop, Source, 16, Kind::Forge(ms(3790))),
            (3, shop, Config, 1402, Kind::Controller("build")),
            (3, shop, Offered, 249, Kind::Controller("build")),
            (4, cart, ProductionMerged, 122, Kind::Controller("production")),
            (4, shop, ProductionDeployed, 1446, Kind::Controller("production")),
            (5, cart, Image, 70, Kind::ApiServer("build", ms(3520))),
            (5, cart, Verified, 278, Kind::ApiServer("staging", ms(3760))),
        ];
        let expected = expected.into_iter().enumerate().map(|(index, drawn)| {
            let (round, app, place, delay, kind) = drawn;
            let after = Moment { round, app, place };
            Disturbance { number: index + 1, after, delay: ms(delay), kind }
        });
        assert_eq!(draw(7), expected.collect::<Vec<_>>());
    }

    #[test]
    fn the_moments_of_the_broken_round_are_before_it_stops() {
        let moments = moments(3);
        assert!(moments.iter().all(|moment| moment.app == APP && moment.place < Place::Deployed));
        assert_eq!(moments.len(), 7);
    }
}
