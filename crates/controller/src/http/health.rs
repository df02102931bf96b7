//! `/healthz` and `/readyz`.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use portolan_cluster::{Caches, Selection};
use portolan_plan::choreography::WatchState;
use portolan_plan::object::Gvk;

/// What readiness is told from.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) caches: Caches,
    /// The watches that must be in the cache.
    pub(crate) watches: Arc<Vec<(Gvk, Selection)>>,
}

/// The health server. Alive: it answers. Ready: what it must see is in the cache.
pub(crate) fn health(health: Health) -> Router {
    Router::new().route("/healthz", get(|| async { "ok" })).route(
        "/readyz",
        get(move || async move {
            let missing: Vec<String> = health
                .watches
                .iter()
                .filter(|(gvk, selection)| {
                    health.caches.state(gvk, selection) != WatchState::Synced
                })
                .map(|(gvk, _)| gvk.kind.clone())
                .collect();
            if missing.is_empty() {
                (StatusCode::OK, "ok".to_owned())
            } else {
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    format!("not in the cache: {}", missing.join(", ")),
                )
            }
        }),
    )
}
