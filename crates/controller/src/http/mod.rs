//! The program's own servers: artifacts, metrics, health.

mod artifacts;
mod health;
mod metrics;

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use artifacts::artifacts;
pub(crate) use health::{Health, health};
pub(crate) use metrics::metrics;

/// Serves a router at an address until told to stop; `off` serves nothing.
pub(crate) async fn serve(
    what: &'static str,
    address: &str,
    router: Router,
    health: &Health,
    stop: CancellationToken,
) -> std::io::Result<Option<SocketAddr>> {
    if address == "off" {
        return Ok(None);
    }
    // `:8080` listens on all addresses, as flags of other controllers read.
    let address = if address.starts_with(':') { format!("[::]{address}") } else { address.into() };
    let listener = TcpListener::bind(&address).await?;
    let local = listener.local_addr()?;
    health.listens(what, true);
    let health = health.clone();
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(what, %error, "the server ended");
        }
        health.listens(what, false);
    });
    tracing::info!(what, address = %local, "serving");
    Ok(Some(local))
}
