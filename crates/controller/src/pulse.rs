//! Loops that show that they still turn.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

/// A loop turns at least this often, also with nothing to do.
const TURN: Duration = Duration::from_secs(10);

/// The loops of a program. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulses(Arc<Mutex<Vec<Pulse>>>);

/// The pulse of one loop.
#[derive(Clone, Debug)]
pub(crate) struct Pulse {
    name: Arc<str>,
    last: Arc<Mutex<Instant>>,
}

impl Pulses {
    /// The pulse of a loop that begins now.
    pub(crate) fn begin(&self, name: impl Into<Arc<str>>) -> Pulse {
        let pulse = Pulse { name: name.into(), last: Arc::new(Mutex::new(Instant::now())) };
        self.all().push(pulse.clone());
        pulse
    }

    /// The loops that have not turned for so long, and for how long.
    pub(crate) fn still(&self, bound: Duration) -> Vec<(Arc<str>, Duration)> {
        let since = |pulse: &Pulse| (Arc::clone(&pulse.name), pulse.last().elapsed());
        self.all().iter().map(since).filter(|(_, since)| *since > bound).collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Pulse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pulse {
    /// The loop turns.
    pub(crate) fn beat(&self) {
        *self.last() = Instant::now();
    }

    /// Ticks that let a loop turn that has nothing to do.
    pub(crate) fn turns() -> Interval {
        let mut turns = interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        turns
    }

    fn last(&self) -> MutexGuard<'_, Instant> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_stands_still_is_named() {
        let pulses = Pulses::default();
        let (first, _second) = (pulses.begin("first"), pulses.begin("second"));
        let mut turns = Pulse::turns();
        for _ in 0..4 {
            turns.tick().await;
            first.beat();
        }
        let still = pulses.still(TURN * 2);
        assert_eq!(still, [("second".into(), TURN * 3)]);
        assert!(pulses.still(TURN * 3).is_empty());
    }
}
