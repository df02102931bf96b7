//! Seconds a hop: how long a change takes from one place of its way to the next.

use std::time::Duration;

use jiff::Timestamp;
use portolan_cluster::Key;
use prometheus::{Histogram, HistogramVec};
use tokio::time::Instant;

use super::family::Maker;
use crate::native::{Memory, recall, remember};

/// A hop on the way of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    /// From the commit, by its own time, to the artifact that a GitSource offers.
    Source,
    /// From a SourceImage that names a new source to the image in the registry.
    Image,
    /// From a GitWriter that asks for new content to the commit in git.
    Written,
    /// From the first attempt at a revision to all its objects being healthy.
    Deployed,
    /// From a revision being live to its checks having passed.
    Verified,
    /// From the checks having passed to the commit that promotes what was checked.
    Promoted,
}

/// All hops, in the order of the way.
const ALL: [(Hop, &str); 6] = [
    (Hop::Source, "source"),
    (Hop::Image, "image"),
    (Hop::Written, "written"),
    (Hop::Deployed, "deployed"),
    (Hop::Verified, "verified"),
    (Hop::Promoted, "promoted"),
];

/// The hops that were made.
pub(super) struct Hops([Histogram; 6]);

impl Hops {
    pub(super) fn new(family: &Maker<'_>) -> Result<Self, prometheus::Error> {
        let seconds: HistogramVec = family.histograms(
            "portolan_hop_duration_seconds",
            "Time a change took for a hop of its way. Hops image and written are measured from when \
             this process first saw that they were asked for: a restart makes one under way shorter, \
             or loses it. The others begin at a time that git or a status tells.",
            &["hop"],
            &[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0],
        )?;
        Ok(Self(ALL.map(|(_, hop)| seconds.with_label_values(&[hop]))))
    }

    pub(super) fn made(&self, hop: Hop, took: Duration) {
        self.0[hop as usize].observe(took.as_secs_f64());
    }
}

/// How long ago a time was that git or a status tells; zero where a clock is ahead of ours.
pub(crate) fn since(told: &str) -> Option<Duration> {
    let told: Timestamp = told.parse().ok()?;
    Some(Duration::try_from(Timestamp::now().duration_since(told)).unwrap_or_default())
}

/// When objects began to ask for something that they do not have yet.
pub(crate) struct Begun<T>(Memory<(T, Instant)>);

impl<T> Default for Begun<T> {
    fn default() -> Self {
        Self(Memory::default())
    }
}

impl<T: Clone + PartialEq> Begun<T> {
    /// An object asks for something now, if it has not asked for the same before.
    pub(crate) fn asks(&self, key: &Key, wanted: T) {
        if recall(&self.0, key).is_none_or(|(before, _)| before != wanted) {
            remember(&self.0, key, Some((wanted, Instant::now())));
        }
    }

    /// An object has what it asked for, or is gone; tells for how long it had asked.
    pub(crate) fn ends(&self, key: &Key) -> Option<Duration> {
        let (_, since) = recall(&self.0, key)?;
        remember(&self.0, key, None);
        Some(since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_numbered_in_order() {
        for (number, (hop, _)) in ALL.into_iter().enumerate() {
            assert_eq!(hop as usize, number);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn asking_again_for_the_same_begins_nothing_anew() {
        let (begun, key) = (Begun::default(), Key::new("dev", "app"));
        let second = Duration::from_secs(1);
        assert_eq!(begun.ends(&key), None);
        begun.asks(&key, 1);
        tokio::time::advance(second).await;
        begun.asks(&key, 1);
        assert_eq!(begun.ends(&key), Some(second));
        assert_eq!(begun.ends(&key), None, "it is told once");
        begun.asks(&key, 1);
        tokio::time::advance(second).await;
        begun.asks(&key, 2);
        assert_eq!(begun.ends(&key), Some(Duration::ZERO), "something else is asked for");
    }

    #[test]
    fn a_time_ahead_of_ours_is_no_time_ago() {
        let ahead = Timestamp::now() + jiff::SignedDuration::from_mins(5);
        assert_eq!(since(&ahead.to_string()), Some(Duration::ZERO));
        assert!(since("1970-01-01T00:00:00Z").is_some_and(|ago| ago > Duration::from_hours(24)));
        assert_eq!(since("yesterday"), None);
    }
}
