//! A queue and its rounds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portolan_plan::outcome::Again;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use tokio::time::Instant;

use super::family::Maker;
use super::round::{Ending, noting};

/// Buckets for rounds and for the wait before them.
const ROUNDS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];

/// The metrics of all queues.
pub(super) struct Families {
    depth: IntGaugeVec,
    adds: IntCounterVec,
    wait: HistogramVec,
    retries: IntCounterVec,
    failing: IntGaugeVec,
    rounds: IntCounterVec,
    seconds: HistogramVec,
}

impl Families {
    pub(super) fn new(family: &Maker<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            depth: family.gauges(
                "portolan_queue_depth",
                "Objects that wait for a round, by kind. Without the lease all objects do.",
                &["kind"],
            )?,
            adds: family.counters(
                "portolan_queue_adds_total",
                "Objects that began to wait for a round, by kind.",
                &["kind"],
            )?,
            wait: family.histograms(
                "portolan_queue_wait_seconds",
                "Time an object waited for its round, by kind; not the time without the lease.",
                &["kind"],
                &ROUNDS,
            )?,
            retries: family.counters(
                "portolan_queue_retries_total",
                "Rounds after which an object is tried again after a growing pause, by kind.",
                &["kind"],
            )?,
            failing: family.gauges(
                "portolan_queue_failing",
                "Objects whose last round is to be tried again, by kind.",
                &["kind"],
            )?,
            rounds: family.counters(
                "portolan_reconciles_total",
                "Rounds of reconciling, by kind and how they ended.",
                &["kind", "result"],
            )?,
            seconds: family.histograms(
                "portolan_reconcile_duration_seconds",
                "Time a round took, by kind. A Verification's lasts as long as its checks.",
                &["kind"],
                &ROUNDS,
            )?,
        })
    }

    /// The metrics of the queue of a kind.
    pub(super) fn of(&self, kind: &str) -> QueueMetrics {
        let kind = &[kind];
        QueueMetrics {
            depth: self.depth.with_label_values(kind),
            adds: self.adds.with_label_values(kind),
            wait: self.wait.with_label_values(kind),
            retries: self.retries.with_label_values(kind),
            failing: self.failing.with_label_values(kind),
            endings: Ending::ALL
                .map(|(_, result)| self.rounds.with_label_values(&[kind[0], result])),
            seconds: self.seconds.with_label_values(kind),
            running: Running::default(),
        }
    }
}

/// The metrics of one queue: handles that cost an atomic operation each. Cheap to clone.
#[derive(Clone)]
pub(crate) struct QueueMetrics {
    depth: IntGauge,
    adds: IntCounter,
    wait: Histogram,
    retries: IntCounter,
    failing: IntGauge,
    endings: [IntCounter; 6],
    seconds: Histogram,
    running: Running,
}

impl QueueMetrics {
    /// So many objects wait.
    pub(crate) fn depth(&self, depth: usize) {
        self.depth.set(number(depth));
    }

    /// An object began to wait.
    pub(crate) fn added(&self) {
        self.adds.inc();
    }

    /// An object has waited so long for its round, which begins.
    pub(crate) fn waited(&self, time: Duration) {
        self.wait.observe(time.as_secs_f64());
    }

    /// An object is tried again after a growing pause, as one of so many.
    pub(crate) fn retried(&self, failing: usize) {
        self.retries.inc();
        self.failing(failing);
    }

    /// So many objects are to be tried again.
    pub(crate) fn failing(&self, failing: usize) {
        self.failing.set(number(failing));
    }

    /// Runs a round and counts it; the round says none where it panicked.
    pub(crate) async fn round(&self, round: impl Future<Output = Option<Again>>) -> Option<Again> {
        let running = self.running.begin();
        let (again, noted) = noting(round).await;
        self.endings[Ending::of(noted, again) as usize].inc();
        self.seconds.observe(running.began.elapsed().as_secs_f64());
        again
    }

    pub(super) fn running(&self) -> Running {
        self.running.clone()
    }
}

/// The rounds of one queue that run now.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<Mutex<BTreeSet<(Instant, u64)>>>);

impl Running {
    fn begin(&self) -> Round {
        let began = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Two rounds that began at once are told apart.
        let number = all.last().map_or(0, |(_, number)| number + 1);
        all.insert((began, number));
        Round { began, number, all: self.clone() }
    }

    /// How many rounds run, and for how long the longest of them has.
    pub(super) fn now(&self) -> (i64, Duration) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = all.first().map(|(began, _)| began.elapsed()).unwrap_or_default();
        (number(all.len()), longest)
    }
}

/// A round that runs; also one that is cut off ends.
struct Round {
    began: Instant,
    number: u64,
    all: Running,
}

impl Drop for Round {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&(self.began, self.number));
    }
}

/// A count as a gauge holds it.
pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rounds_run_until_they_end_or_are_cut_off() {
        let running = Running::default();
        let (first, second) = (running.begin(), running.begin());
        tokio::time::advance(Duration::from_secs(7)).await;
        let third = running.begin();
        assert_eq!(running.now(), (3, Duration::from_secs(7)));
        drop((first, second));
        assert_eq!(running.now(), (1, Duration::ZERO));
        drop(third);
        assert_eq!(running.now(), (0, Duration::ZERO));
    }

    #[test]
    fn endings_are_numbered_in_order() {
        for (number, (ending, _)) in Ending::ALL.into_iter().enumerate() {
            assert_eq!(ending as usize, number);
        }
    }
}
