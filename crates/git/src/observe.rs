//! What is told of work on repositories and forges, to whoever counts it.

use std::fmt;
use std::time::Duration;

use crate::error::Error;

/// What became of a branch that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Push {
    /// The server has it.
    Accepted,
    /// Somebody else was faster; it is planned again.
    Lost,
    /// The server does not want it.
    Refused,
    /// It did not come to that, as far as can be seen.
    Failed,
}

/// Why a worker is gone that was not sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// It did not answer in time and was killed.
    Deadline,
    /// It wrote more than it may.
    Size,
    /// It ended, or was ended by somebody else.
    Died,
}

/// A request to a forge and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgeCall<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// What it is about, in one word of a short list.
    pub resource: &'static str,
    /// HTTP status; none where no answer came.
    pub code: Option<u16>,
    /// Time until the head of the answer came.
    pub took: Duration,
}

/// Hears of work on repositories and forges. Nothing that is told names a repository or a person.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// A worker was asked to do something, in one word, and how that ended.
    fn operation(&self, operation: &'static str, error: Option<&Error>, took: Duration);
    /// A branch was pushed.
    fn pushed(&self, push: Push);
    /// A worker was started.
    fn worker_started(&self);
    /// A worker is gone that was not sent away.
    fn worker_lost(&self, loss: Loss);
    /// A forge was asked.
    fn forge(&self, call: &ForgeCall<'_>);
}

/// Hears nothing.
#[derive(Debug)]
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn operation(&self, _: &'static str, _: Option<&Error>, _: Duration) {}
    fn pushed(&self, _: Push) {}
    fn worker_started(&self) {}
    fn worker_lost(&self, _: Loss) {}
    fn forge(&self, _: &ForgeCall<'_>) {}
}
