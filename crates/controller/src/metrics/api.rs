//! Requests to the API server.

use axum::http::StatusCode;
use portolan_cluster::{Asked, Observer};
use prometheus::{HistogramVec, IntCounterVec};

use super::family::{ANSWERS, Maker};
use super::round;

/// Counts requests to the API server.
pub(super) struct Requests {
    total: IntCounterVec,
    seconds: HistogramVec,
}

impl Requests {
    pub(super) fn new(family: &Maker<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            total: family.counters(
                "portolan_api_requests_total",
                "Requests to the API server, by verb, kind, whose rights were used and status code; \
                 code none: no answer came.",
                &["verb", "group", "resource", "subresource", "identity", "code"],
            )?,
            seconds: family.histograms(
                "portolan_api_request_duration_seconds",
                "Time until the API server began to answer, by verb and kind.",
                &["verb", "group", "resource"],
                &ANSWERS,
            )?,
        })
    }
}

impl Observer for Requests {
    fn asked(&self, asked: &Asked<'_>) {
        if asked.has_written() {
            round::wrote();
        }
        let identity = if asked.impersonated { "account" } else { "controller" };
        let code = text(asked.code);
        let labels = [
            asked.verb,
            asked.group,
            asked.resource,
            asked.subresource,
            identity,
            code.as_ref().map_or(NO_ANSWER, StatusCode::as_str),
        ];
        self.total.with_label_values(&labels).inc();
        self.seconds.with_label_values(&labels[..3]).observe(asked.took.as_secs_f64());
    }
}

/// The code of what was not answered.
pub(super) const NO_ANSWER: &str = "none";

/// A status code that can be shown as text.
pub(super) fn text(code: Option<u16>) -> Option<StatusCode> {
    code.and_then(|code| StatusCode::from_u16(code).ok())
}
