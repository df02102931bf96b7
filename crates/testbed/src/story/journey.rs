//! The way of one change, and following it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::hop::{Hop, Place};
use super::look::{self, Seen};
use crate::forge::Request;
use crate::landscape::{APP, Landscape};
use crate::wait::eventually;

/// Longest time one hop may take, on a busy machine and while servers come and go.
const DEADLINE: Duration = Duration::from_mins(5);

/// The way of one change.
#[derive(Clone, Debug)]
pub struct Journey {
    /// The application.
    pub app: String,
    /// The source commit; empty where the change is no new source.
    pub source: String,
    /// The places it has to pass.
    pub way: &'static [Place],
    /// The hops that happened.
    pub hops: Vec<Hop>,
    /// The requests that carried it, as they were when they were merged.
    pub requests: Vec<Merged>,
    /// Id of the passage, once its configuration is written.
    pub passage: Option<String>,
    /// Why it stopped, where it did.
    pub stopped: Option<String>,
}

/// A request that was merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The request.
    pub request: Request,
    /// How: `merge` or `squash`.
    pub style: &'static str,
    /// Whether its branch was deleted.
    pub branch_deleted: bool,
}

impl Journey {
    /// A change that is at its beginning.
    pub fn new(app: &str, source: &str, way: &'static [Place]) -> Self {
        Self {
            app: app.into(),
            source: source.into(),
            way,
            hops: Vec::new(),
            requests: Vec::new(),
            passage: None,
            stopped: None,
        }
    }

    /// What a hop left behind.
    pub fn what(&self, place: Place) -> Option<&str> {
        self.hops.iter().find(|hop| hop.place == place).map(|hop| hop.what.as_str())
    }

    /// Whether the change came to its end.
    pub fn arrived(&self) -> bool {
        self.way.last().is_some_and(|last| self.what(*last).is_some())
    }

    /// The request that carried it into an environment.
    pub fn request_into(&self, environment: &str) -> Option<&Merged> {
        self.requests.iter().find(|merged| merged.request.base == environment)
    }

    /// The commit that brought it into branch `staging`.
    pub(super) fn in_staging(&self) -> Option<&str> {
        let reviewed = self.way.contains(&Place::Merged);
        self.what(if reviewed { Place::Merged } else { Place::Config })
    }
}

/// Who hears of a change on its way.
pub trait Tell: Sync {
    /// The next place that a change has to reach.
    fn waits(&self, app: &str, place: Place);
    /// A hop that happened.
    fn reached(&self, app: &str, hop: &Hop);
}

/// Follows one change.
pub struct Follower<'l> {
    landscape: &'l Landscape,
    journey: Journey,
    begun: Instant,
    tell: &'l dyn Tell,
    /// Words of the reason for which the change may stop in staging. Another is looked at again: what
    /// is told while servers come and go passes.
    pub(super) may_stop: Option<&'static str>,
    /// The open request that was seen last.
    pub(super) offered: Option<Request>,
}

impl<'l> Follower<'l> {
    /// Begins to follow a change.
    pub fn new(
        landscape: &'l Landscape,
        journey: Journey,
        begun: Instant,
        tell: &'l dyn Tell,
    ) -> Self {
        let mut this = Self { landscape, journey, begun, tell, may_stop: None, offered: None };
        if !this.journey.source.is_empty() {
            this.reached(Place::Pushed, this.journey.source.clone());
        }
        this
    }

    /// Waits until the change has reached a place, and all before it; false where it stopped.
    pub async fn to(&mut self, last: Place) -> Result<bool> {
        let way = self.journey.way;
        let end = way.iter().position(|place| *place == last).context("it is on the way")?;
        for place in way[..=end].iter().copied() {
            if self.journey.what(place).is_some() {
                continue;
            }
            self.tell.waits(&self.journey.app, place);
            match self.wait(place).await? {
                Seen::There(what) => self.reached(place, what),
                Seen::Offered(request) => {
                    self.reached(place, format!("#{}", request.number));
                    self.offered = Some(*request);
                }
                Seen::Stopped(why) => {
                    self.journey.stopped = Some(why);
                    return Ok(false);
                }
            }
            if place == Place::Config {
                self.journey.passage = Some(self.passage().await?);
            }
        }
        Ok(true)
    }

    async fn wait(&self, place: Place) -> Result<Seen> {
        let Journey { app, .. } = &self.journey;
        let seen = eventually(&format!("{app}: {}", place.told()), DEADLINE, async || {
            let seen = look::look(self.landscape, &self.journey, place).await?;
            let passes = |why: &str| !self.may_stop.is_some_and(|words| why.contains(words));
            match seen {
                Some(Seen::Stopped(why)) if passes(&why) => bail!("staging stopped it: {why}"),
                seen => Ok(seen),
            }
        })
        .await;
        match seen {
            Ok(seen) => Ok(seen),
            Err(error) => Err(error.context(look::standing(self.landscape, app).await)),
        }
    }

    async fn passage(&self) -> Result<String> {
        let config = self.journey.what(Place::Config).context("its configuration is written")?;
        eventually("the passage of a commit", DEADLINE, async || {
            Ok(Some(look::record(self.landscape, &self.journey.app, config).await?.passage))
        })
        .await
    }

    /// Notes a hop.
    pub fn reached(&mut self, place: Place, what: String) {
        let hop = Hop { place, what, after: self.begun.elapsed() };
        self.tell.reached(&self.journey.app, &hop);
        self.journey.hops.push(hop);
    }

    /// Notes a request that was merged.
    pub(super) fn merged(&mut self, place: Place, merged: Merged) {
        self.reached(place, merged.request.merged_as.clone().unwrap_or_default());
        self.journey.requests.push(merged);
    }

    /// What is known of the change so far.
    pub fn journey(&self) -> &Journey {
        &self.journey
    }

    /// The end of following.
    pub fn into_journey(self) -> Journey {
        self.journey
    }
}

/// Follows a pushed source commit, where nobody reviews, until it is promoted, or stops in staging.
/// Each hop is told once, when it is seen.
pub async fn follow(
    landscape: &Landscape,
    source: &str,
    pushed: Instant,
    tell: &(dyn Fn(&Hop) + Sync),
) -> Result<Journey> {
    let tell = Each(tell);
    let journey = Journey::new(APP, source, &Place::DIRECT);
    let mut follower = Follower::new(landscape, journey, pushed, &tell);
    follower.may_stop = Some("");
    follower.to(Place::Promoted).await?;
    Ok(follower.into_journey())
}

/// Tells the hops of one change alone.
struct Each<'t>(&'t (dyn Fn(&Hop) + Sync));

impl Tell for Each<'_> {
    fn waits(&self, _: &str, _: Place) {}

    fn reached(&self, _: &str, hop: &Hop) {
        (self.0)(hop);
    }
}
