//! From a program's arguments to its end: logs, TLS, signals, the runtime.

use std::io::IsTerminal;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::program::{Role, StartError, run};
use crate::settings::{Listen, Settings};

/// Longest time that threads are waited for which still pack or unpack a tree for a round that was cut
/// off.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// Runs a program until SIGTERM or SIGINT.
pub fn start(role: Role, settings: Settings, listen: Listen) -> Result<(), StartError> {
    log(settings.log_json);
    // The provider is chosen once; a second choice would be refused.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| StartError::Local { what: "the runtime".into(), error })?;
    let ended = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(on_signal(stop.clone()));
        run(role, settings, listen, stop).await
    });
    runtime.shutdown_timeout(LAST_THREADS);
    ended
}

/// Serves as the git worker where this process was started as one, and does not return then.
pub fn git_worker() {
    portolan_git::worker::run_if_worker();
}

fn log(json: bool) {
    let filter = EnvFilter::try_from_env("PORTOLAN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        subscriber.json().init();
    } else {
        subscriber.with_ansi(std::io::stderr().is_terminal()).init();
    }
}

async fn on_signal(stop: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
}
