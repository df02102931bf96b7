//! `/metrics`.

use axum::Router;
use axum::routing::get;

use crate::metrics::Metrics;

/// The metrics server.
pub(crate) fn metrics(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(move || async move { metrics.text() }))
}
