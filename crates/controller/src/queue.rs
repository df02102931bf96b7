//! The work queue of one kind: each object at most once at a time, the others side by side.
//!
//! Wakes for an object that is being worked on are kept and become one more round. A round that ends
//! in trouble comes back at growing intervals; a panic quarantines its object the same way and stops
//! nobody else.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use portolan_cluster::{Key, Leader};
use portolan_plan::outcome::Again;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue;

use crate::jitter::jitter;
use crate::metrics::QueueMetrics;
use crate::pulse::Pulse;

/// First pause after trouble.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause after trouble.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Longest time a stop waits for rounds under way. What is cut off then was not told to be done, and
/// is found half done by the next round: every effect is compare-and-swap.
const LAST_ROUNDS: Duration = Duration::from_secs(5);

/// Brings one object closer to what its spec asks for.
pub(crate) trait Reconciler: Send + Sync + 'static {
    /// Kind of the objects.
    fn kind(&self) -> &'static str;
    /// One round for an object; it may be gone.
    fn reconcile(&self, key: Key) -> impl Future<Output = Again> + Send;
    /// Whether a stop ends its rounds at once: they last long, and begin anew after a restart.
    fn begins_anew(&self) -> bool {
        false
    }
}

/// Wakes objects of one kind. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    wakes: mpsc::UnboundedSender<Key>,
}

impl Queue {
    /// Starts working: `concurrency` objects at a time, only while the lease is held: rounds under way
    /// are cut off when it is lost. When it stops, its rounds end first, as far as they do so soon; the
    /// task tells whether some did not and were cut off.
    pub(crate) fn start<R: Reconciler>(
        reconciler: Arc<R>,
        concurrency: usize,
        leader: Leader,
        metrics: QueueMetrics,
        pulse: Pulse,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<bool>) {
        let (wakes, woken) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher {
            reconciler,
            concurrency,
            metrics,
            pulse,
            led_since: Instant::now(),
            ready: VecDeque::new(),
            queued: HashSet::new(),
            running: HashMap::new(),
            rounds: JoinSet::new(),
            delayed: DelayQueue::new(),
            delays: HashMap::new(),
            failures: HashMap::new(),
        };
        (Self { wakes }, tokio::spawn(dispatcher.run(woken, leader, stop)))
    }

    /// Asks for a round for an object.
    pub(crate) fn wake(&self, key: Key) {
        let _ = self.wakes.send(key);
    }
}

struct Dispatcher<R> {
    reconciler: Arc<R>,
    concurrency: usize,
    metrics: QueueMetrics,
    pulse: Pulse,
    /// Since when the lease was held last that had to be waited for.
    led_since: Instant,
    /// Objects that wait for a round, and since when.
    ready: VecDeque<(Key, Instant)>,
    queued: HashSet<Key>,
    /// Objects in a round, and when they were woken meanwhile.
    running: HashMap<Key, Option<Instant>>,
    rounds: JoinSet<(Key, Option<Again>)>,
    delayed: DelayQueue<Key>,
    delays: HashMap<Key, delay_queue::Key>,
    failures: HashMap<Key, u32>,
}

impl<R: Reconciler> Dispatcher<R> {
    async fn run(
        mut self,
        mut woken: mpsc::UnboundedReceiver<Key>,
        mut leader: Leader,
        stop: CancellationToken,
    ) -> bool {
        let mut turns = Pulse::turns();
        let mut lease = leader.clone();
        loop {
            self.pulse.beat();
            while leader.holds()
                && !stop.is_cancelled()
                && self.rounds.len() < self.concurrency
                && let Some((key, since)) = self.ready.pop_front()
            {
                self.metrics.waited(since.max(self.led_since).elapsed());
                self.start_round(key);
            }
            self.metrics.depth(self.ready.len());
            let waits_for_lease = !leader.holds() && !self.ready.is_empty();
            let leads = !self.rounds.is_empty() || !self.failures.is_empty();
            tokio::select! {
                () = stop.cancelled() => break,
                key = woken.recv() => match key {
                    Some(key) => self.enqueue(key, Instant::now()),
                    None => break,
                },
                Some(expired) = self.delayed.next() => {
                    let key = expired.into_inner();
                    self.delays.remove(&key);
                    self.enqueue(key, Instant::now());
                }
                Some(ended) = self.rounds.join_next() => {
                    if let Ok((key, again)) = ended {
                        self.end_round(&key, again);
                    }
                }
                held = leader.acquired(), if waits_for_lease => {
                    if !held {
                        break;
                    }
                    self.led_since = Instant::now();
                }
                () = lease.lost(), if leads => self.lose().await,
                _ = turns.tick() => {}
            }
        }
        self.end_rounds().await
    }

    /// Without the lease nothing goes on: rounds under way are cut off, as by a crash, and wait with the
    /// others for the lease to come back. What failed is the next holder's to tell.
    async fn lose(&mut self) {
        self.cut_off().await;
        for (key, woken) in std::mem::take(&mut self.running) {
            self.enqueue(key, woken.unwrap_or_else(Instant::now));
        }
        self.failures.clear();
        self.metrics.failing(0);
    }

    /// Ends the rounds under way at once; nothing of them runs any more afterwards.
    async fn cut_off(&mut self) {
        if !self.rounds.is_empty() {
            let (kind, rounds) = (self.reconciler.kind(), self.rounds.len());
            tracing::warn!(kind, rounds, "rounds under way are cut off");
        }
        self.rounds.shutdown().await;
    }

    /// Rounds under way end before the lease is given back. True where some had to be cut off.
    async fn end_rounds(&mut self) -> bool {
        if self.reconciler.begins_anew() {
            self.rounds.abort_all();
        }
        let ended = async { while self.rounds.join_next().await.is_some() {} };
        let lasts = tokio::time::timeout(LAST_ROUNDS, ended).await.is_err();
        if lasts {
            self.cut_off().await;
        }
        lasts
    }

    fn enqueue(&mut self, key: Key, since: Instant) {
        if let Some(woken) = self.running.get_mut(&key) {
            woken.get_or_insert(since);
        } else if self.queued.insert(key.clone()) {
            self.metrics.added();
            self.ready.push_back((key, since));
        }
    }

    fn start_round(&mut self, key: Key) {
        self.queued.remove(&key);
        if let Some(delay) = self.delays.remove(&key) {
            self.delayed.remove(&delay);
        }
        self.running.insert(key.clone(), None);
        let (reconciler, metrics) = (Arc::clone(&self.reconciler), self.metrics.clone());
        self.rounds.spawn(async move {
            let round = AssertUnwindSafe(reconciler.reconcile(key.clone())).catch_unwind();
            let again = metrics.round(async { round.await.ok() }).await;
            (key, again)
        });
    }

    fn end_round(&mut self, key: &Key, again: Option<Again>) {
        let woken = self.running.remove(key).flatten();
        let pause = match again {
            Some(Again::OnChange) => {
                self.succeeded(key);
                None
            }
            Some(Again::After(pause)) => {
                self.succeeded(key);
                Some(pause)
            }
            Some(Again::BackOff) => Some(self.back_off(key)),
            None => {
                tracing::error!(kind = self.reconciler.kind(), %key, "a round panicked; the object is tried again later");
                Some(self.back_off(key))
            }
        };
        if let Some(since) = woken {
            self.enqueue(key.clone(), since);
        } else if let Some(pause) = pause {
            let delay = self.delayed.insert(key.clone(), pause);
            self.delays.insert(key.clone(), delay);
        }
    }

    fn succeeded(&mut self, key: &Key) {
        self.failures.remove(key);
        self.metrics.failing(self.failures.len());
    }

    fn back_off(&mut self, key: &Key) -> Duration {
        let failures = self.failures.entry(key.clone()).or_default();
        let pause = FIRST_PAUSE.saturating_mul(1 << (*failures).min(10)).min(LONGEST_PAUSE);
        *failures += 1;
        self.metrics.retried(self.failures.len());
        pause.mul_f64(0.75 + jitter() / 4.0)
    }
}

#[cfg(test)]
mod tests;
