//! Progress of the story: lines for a person, and moments for whoever waits for one.

use std::collections::BTreeMap;
use std::time::Instant;

use tokio::sync::watch;

use super::hop::{Hop, Place};
use super::journey::Tell;

/// A hop of an application in a round of the story.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The round, from 1.
    pub round: u32,
    /// The application.
    pub app: &'static str,
    /// The place it has reached.
    pub place: Place,
}

/// How far the story is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// The round, from 1.
    pub round: u32,
    /// What happened, in order.
    pub reached: Vec<(u32, String, Place)>,
    /// What each application waits for.
    pub waiting: BTreeMap<String, Place>,
}

impl Progress {
    /// Whether a moment has come.
    pub fn has(&self, moment: &Moment) -> bool {
        self.reached.iter().any(|(round, app, place)| {
            (*round, app.as_str(), *place) == (moment.round, moment.app, moment.place)
        })
    }

    /// What the story waits for, in words.
    pub fn waits_for(&self) -> String {
        let waits = self.waiting.iter().map(|(app, place)| format!("{app}: {}", place.told()));
        waits.collect::<Vec<_>>().join("; ")
    }
}

/// Tells the story.
pub struct Teller<'t> {
    started: Instant,
    line: &'t (dyn Fn(&str) + Sync),
    progress: watch::Sender<Progress>,
}

impl<'t> Teller<'t> {
    /// A story that begins now.
    pub fn new(line: &'t (dyn Fn(&str) + Sync)) -> Self {
        Self { started: Instant::now(), line, progress: watch::Sender::default() }
    }

    /// A line with the time.
    pub fn say(&self, text: &str) {
        (self.line)(&format!("{:6.1} s  {text}", self.started.elapsed().as_secs_f32()));
    }

    /// A line as it is.
    pub fn show(&self, text: &str) {
        (self.line)(text);
    }

    /// Time since the beginning.
    pub fn elapsed(&self) -> std::time::Duration {
        self.started.elapsed()
    }

    /// Begins a round.
    pub fn round(&self, number: u32, title: &str) {
        self.say(&format!("── round {number}: {title}"));
        self.progress.send_modify(|progress| progress.round = number);
    }

    /// How far the story is, to be waited on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }
}

impl Tell for Teller<'_> {
    fn waits(&self, app: &str, place: Place) {
        self.progress.send_modify(|progress| {
            progress.waiting.insert(app.to_owned(), place);
        });
    }

    fn reached(&self, app: &str, hop: &Hop) {
        let what = if hop.place == Place::Reverted { "" } else { super::digest_or_id(&hop.what) };
        let what = super::short(what);
        self.say(&format!("{app:<5} {:52} {what}", hop.place.told()));
        self.progress.send_modify(|progress| {
            progress.waiting.remove(app);
            progress.reached.push((progress.round, app.to_owned(), hop.place));
        });
    }
}
