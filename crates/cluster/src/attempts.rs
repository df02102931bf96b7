//! How often a watch tries again, and when a refusal counts.

use std::time::Duration;

use tokio::time::Instant;

/// First pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Longest pause while refused: somebody who granted the missing right waits for it.
const LONGEST_REFUSED: Duration = Duration::from_secs(5);
/// An API server that starts refuses for a moment; what was seen before stays true that long.
const GRACE: Duration = Duration::from_secs(3);

/// The failures of a watch since it was last known to work.
///
/// A list that comes proves little: the right to watch may be missing all the same. So failures are
/// forgotten only when the watch itself has told something, or has stayed open.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// The next pause, where an attempt failed.
    pause: Option<Duration>,
    refused_since: Option<Instant>,
    failed_since: Option<Instant>,
}

impl Attempts {
    /// Takes a failure; tells how long to wait, before up to a quarter at random is added so that
    /// replicas and watches do not come back all at once.
    pub(crate) fn failed(&mut self, refused: bool) -> Duration {
        self.failed_since.get_or_insert_with(Instant::now);
        if refused {
            self.refused_since.get_or_insert_with(Instant::now);
        }
        let longest = if refused { LONGEST_REFUSED } else { LONGEST_PAUSE };
        let pause = self.pause.unwrap_or(FIRST_PAUSE).min(longest);
        self.pause = Some(pause * 2);
        pause
    }

    /// The watch is known to work.
    pub(crate) fn worked(&mut self) {
        *self = Self::default();
    }

    /// Since when it has failed without being known to work.
    pub(crate) fn failed_since(&self) -> Option<Instant> {
        self.failed_since
    }

    /// Whether a failure is not forgotten yet.
    pub(crate) fn failed_before(&self) -> bool {
        self.pause.is_some()
    }

    /// Whether it was refused and is not known to work again.
    pub(crate) fn was_refused(&self) -> bool {
        self.refused_since.is_some()
    }

    /// Whether it is refused for longer than a server takes to start.
    pub(crate) fn is_refused_for_good(&self) -> bool {
        self.refused_since.is_some_and(|since| since.elapsed() >= GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_that_is_lower_for_refusals() {
        let mut attempts = Attempts::default();
        let seconds: Vec<u64> = (0..10).map(|_| attempts.failed(false).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 1, 3, 6, 12, 25, 30, 30]);
        assert_eq!(attempts.failed(true), LONGEST_REFUSED);
        assert!(attempts.failed_before() && attempts.was_refused());
        attempts.worked();
        assert!(!attempts.failed_before() && !attempts.was_refused());
        assert_eq!(attempts.failed(true), FIRST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_count_from_the_first_until_it_works() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.failed_since(), None);
        attempts.failed(false);
        let first = Instant::now();
        tokio::time::advance(GRACE).await;
        attempts.failed(true);
        attempts.failed(false);
        assert_eq!(attempts.failed_since(), Some(first));
        attempts.worked();
        assert_eq!(attempts.failed_since(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_counts_when_it_lasts() {
        let mut attempts = Attempts::default();
        attempts.failed(true);
        assert!(!attempts.is_refused_for_good());
        tokio::time::advance(GRACE).await;
        attempts.failed(true);
        assert!(attempts.is_refused_for_good());
    }
}
