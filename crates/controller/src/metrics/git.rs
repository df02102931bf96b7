//! Work on repositories and forges.

use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use portolan_git::{Error, ForgeCall, Loss, Observer, Push};
use prometheus::{HistogramVec, IntCounter, IntCounterVec};

use super::api::{NO_ANSWER, text};
use super::family::{ANSWERS, Maker, SUCCESS};

/// Counts work on repositories and forges.
pub(super) struct Work {
    operations: IntCounterVec,
    seconds: HistogramVec,
    pushed: IntCounterVec,
    started: IntCounter,
    lost: IntCounterVec,
    forge: IntCounterVec,
    forge_seconds: HistogramVec,
}

impl Work {
    pub(super) fn new(family: &Maker<'_>) -> Result<Self, prometheus::Error> {
        let this = Self {
            operations: family.counters(
                "portolan_git_operations_total",
                "What git workers were asked for, by operation and how it ended.",
                &["operation", "outcome"],
            )?,
            seconds: family.histograms(
                "portolan_git_operation_duration_seconds",
                "Time that a git worker took, by operation.",
                &["operation"],
                &[0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0],
            )?,
            pushed: family.counters(
                "portolan_git_pushed_branches_total",
                "Branches pushed, by what became of them.",
                &["outcome"],
            )?,
            started: family.counter(
                "portolan_git_worker_starts_total",
                "Git workers started. One ends when it has had nothing to do for a while.",
            )?,
            lost: family.counters(
                "portolan_git_worker_losses_total",
                "Git workers that were killed or died, by cause.",
                &["cause"],
            )?,
            forge: family.counters(
                "portolan_forge_requests_total",
                "Requests to forges, by method, what they are about and status code; code none: no \
                 answer came.",
                &["method", "resource", "code"],
            )?,
            forge_seconds: family.histograms(
                "portolan_forge_request_duration_seconds",
                "Time until a forge began to answer, by method and what was asked.",
                &["method", "resource"],
                &ANSWERS,
            )?,
        };
        for operation in ["ls_refs", "fetch", "push"] {
            this.operations.with_label_values(&[operation, SUCCESS]);
            this.seconds.with_label_values(&[operation]);
        }
        for push in [Push::Accepted, Push::Lost, Push::Refused, Push::Failed] {
            this.pushed.with_label_values(&[outcome(push)]);
        }
        for loss in [Loss::Deadline, Loss::Size, Loss::Died] {
            this.lost.with_label_values(&[cause(loss)]);
        }
        this.forge.with_label_values(&["GET", "requests", StatusCode::OK.as_str()]);
        this.forge_seconds.with_label_values(&["GET", "requests"]);
        Ok(this)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metrics of git")
    }
}

impl Observer for Work {
    fn operation(&self, operation: &'static str, error: Option<&Error>, took: Duration) {
        let outcome = error.map_or(SUCCESS, Error::reason);
        self.operations.with_label_values(&[operation, outcome]).inc();
        self.seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
    }

    fn pushed(&self, push: Push) {
        self.pushed.with_label_values(&[outcome(push)]).inc();
    }

    fn worker_started(&self) {
        self.started.inc();
    }

    fn worker_lost(&self, loss: Loss) {
        self.lost.with_label_values(&[cause(loss)]).inc();
    }

    fn forge(&self, call: &ForgeCall<'_>) {
        let code = text(call.code);
        let code = code.as_ref().map_or(NO_ANSWER, StatusCode::as_str);
        self.forge.with_label_values(&[call.method, call.resource, code]).inc();
        let seconds = self.forge_seconds.with_label_values(&[call.method, call.resource]);
        seconds.observe(call.took.as_secs_f64());
    }
}

fn outcome(push: Push) -> &'static str {
    match push {
        Push::Accepted => "accepted",
        Push::Lost => "lost",
        Push::Refused => "refused",
        Push::Failed => "failed",
    }
}

fn cause(loss: Loss) -> &'static str {
    match loss {
        Loss::Deadline => "deadline",
        Loss::Size => "size",
        Loss::Died => "died",
    }
}
