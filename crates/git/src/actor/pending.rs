//! Writes that wait for their turn, or for the next after a lost race.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use portolan_plan::writer::Place;
use tokio::time::Instant;

use super::Reply;
use crate::error::Error;
use crate::planner::{Planner, Written};

/// Attempts at one write.
pub(super) const ATTEMPTS: u32 = 10;
/// Longest pause between two of them.
const LONGEST: Duration = Duration::from_secs(30);

/// A write that waits.
pub(crate) struct Pending {
    pub(super) place: Place,
    pub(super) planner: Box<dyn Planner>,
    pub(super) reply: Reply<Written>,
    pub(super) attempts: u32,
    due: Instant,
    /// Its branch was refused together with others': it goes alone, so that only one is to blame.
    pub(super) alone: bool,
}

impl Pending {
    pub(crate) fn new(place: Place, planner: Box<dyn Planner>, reply: Reply<Written>) -> Self {
        Self { place, planner, reply, attempts: 0, due: Instant::now(), alone: false }
    }

    /// The branches it looks at.
    pub(super) fn branches(&self) -> impl Iterator<Item = &String> {
        self.place.base.iter().chain([&self.place.branch])
    }

    /// The heads of requests it looks at.
    pub(super) fn references(&self) -> impl Iterator<Item = &String> {
        self.place.declined.iter().map(|head| &head.reference)
    }

    pub(super) fn answer(self, written: Result<Written, Error>) {
        let _ = self.reply.send(written);
    }

    /// Tries again after a lost race, at once and then after growing pauses; gives up in the end.
    pub(super) fn again(mut self, first_pause: Duration, why: &str) -> Option<Self> {
        self.attempts += 1;
        if self.attempts >= ATTEMPTS {
            let reference = self.place.branch.clone();
            let (attempts, message) = (self.attempts, why.to_owned());
            self.answer(Err(Error::Contended { reference, attempts, message }));
            return None;
        }
        self.due = Instant::now() + pause(self.attempts, first_pause, chance());
        Some(self)
    }

    /// Goes alone, at once.
    pub(super) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }
}

/// The pause before an attempt, with `chance` between 0 and 1.
fn pause(attempts: u32, first: Duration, chance: f64) -> Duration {
    if attempts <= 1 {
        return Duration::ZERO;
    }
    let grown =
        first.mul_f64(1.5_f64.powi(i32::try_from(attempts - 2).unwrap_or(i32::MAX)).min(1e6));
    grown.min(LONGEST).mul_f64(0.5 + chance)
}

/// Two that lost to each other must not meet again.
fn chance() -> f64 {
    let random = RandomState::new().build_hasher().finish() >> 32;
    f64::from(u32::try_from(random).unwrap_or_default()) / f64::from(u32::MAX)
}

/// The writes that wait.
#[derive(Default)]
pub(super) struct Queue(Vec<Pending>);

impl Queue {
    pub(super) fn add(&mut self, pending: Pending) {
        self.0.push(pending);
    }

    /// When the next is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.iter().map(|pending| pending.due).min()
    }

    /// What is due, in groups that are pushed together. What nobody waits for any more is dropped.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Vec<Pending>> {
        let all =
            std::mem::take(&mut self.0).into_iter().filter(|pending| !pending.reply.is_closed());
        let (due, later): (Vec<_>, Vec<_>) = all.partition(|pending| pending.due <= now);
        self.0 = later;
        let (alone, together): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|pending| pending.alone);
        let mut groups: Vec<Vec<Pending>> =
            alone.into_iter().map(|pending| vec![pending]).collect();
        if !together.is_empty() {
            groups.insert(0, together);
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let second = Duration::from_secs(1);
        let at = |attempts| pause(attempts, second, 0.5).as_millis();
        assert_eq!([at(1), at(2), at(3), at(4)], [0, 1000, 1500, 2250]);
        assert_eq!(at(30), 30_000);
        assert_eq!(pause(2, second, 0.0), second / 2);
        let mut chances = (0..100).map(|_| chance());
        assert!(chances.all(|chance| (0.0..=1.0).contains(&chance)));
    }
}
