//! `/healthz` and `/readyz`.
//!
//! Alive: what only a restart would mend is not the case. Ready: the program sees what it must see, and
//! others can reach it; whether it leads does not matter. Each check is named, with what it waits for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use portolan_cluster::{Caches, Cluster, Contact, Selection};
use portolan_plan::choreography::WatchState;
use portolan_plan::object::Gvk;
use tokio_util::sync::CancellationToken;

use crate::pulse::Pulses;

/// Longest time without an answer of the API server that the program is ready for: an API server
/// restarts in less.
const UNREACHABLE: Duration = Duration::from_secs(20);
/// A watch that has failed for longer is told: what is seen of its kind is too old to call it well.
const FAILING: Duration = Duration::from_mins(2);
/// A loop that has not turned for so long does not turn any more.
const STUCK: Duration = Duration::from_mins(3);

/// What health is told from. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Health(Arc<Inner>);

struct Inner {
    stop: CancellationToken,
    contact: Contact,
    pulses: Pulses,
    /// What the start waits for; none once it is over.
    start: Mutex<Option<String>>,
    /// The program's own servers, and whether each listens.
    servers: Mutex<BTreeMap<&'static str, bool>>,
    watches: OnceLock<(Caches, Vec<(Gvk, Selection)>)>,
}

/// One thing that is looked at: its name, and what is wrong with it.
type Check = (&'static str, Result<(), String>);

impl Health {
    /// Health of a program that starts; `stop` ends it.
    pub(crate) fn new(cluster: &Cluster, stop: CancellationToken) -> Self {
        Self::with(cluster.contact().clone(), stop)
    }

    fn with(contact: Contact, stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            stop,
            contact,
            pulses: Pulses::default(),
            start: Mutex::new(Some("its first steps".into())),
            servers: Mutex::default(),
            watches: OnceLock::new(),
        }))
    }

    /// The loops that must turn.
    pub(crate) fn pulses(&self) -> &Pulses {
        &self.0.pulses
    }

    /// The start waits for something.
    pub(crate) fn waits_for(&self, what: impl Into<String>) {
        *lock(&self.0.start) = Some(what.into());
    }

    /// The start is over.
    pub(crate) fn started(&self) {
        *lock(&self.0.start) = None;
    }

    /// A server of the program's own listens, or does not any more.
    pub(crate) fn listens(&self, server: &'static str, listens: bool) {
        lock(&self.0.servers).insert(server, listens);
    }

    /// The watches that must be in the cache.
    pub(crate) fn needs(&self, caches: Caches, watches: Vec<(Gvk, Selection)>) {
        let _ = self.0.watches.set((caches, watches));
    }

    fn live(&self) -> Vec<Check> {
        let still = self.0.pulses.still(STUCK);
        let still = still
            .into_iter()
            .map(|(name, since)| format!("{name} has not turned for {} s", since.as_secs()));
        vec![("loops", all_well(still))]
    }

    fn ready(&self) -> Vec<Check> {
        let running = if self.0.stop.is_cancelled() {
            Err("the program was asked to stop".into())
        } else {
            Ok(())
        };
        let start = match &*lock(&self.0.start) {
            Some(what) => Err(format!("waits for {what}")),
            None => Ok(()),
        };
        let servers = lock(&self.0.servers);
        let silent = servers.iter().filter(|(_, listens)| !**listens);
        let silent = all_well(silent.map(|(server, _)| format!("{server} does not listen")));
        drop(servers);
        vec![
            ("running", running),
            ("api-server", self.api_server()),
            ("start", start),
            ("watches", self.watches()),
            ("servers", silent),
        ]
    }

    fn api_server(&self) -> Result<(), String> {
        match self.0.contact.lost_since().as_ref().map(Instant::elapsed) {
            Some(lost) if lost > UNREACHABLE => {
                Err(format!("it has answered no request for {} s", lost.as_secs()))
            }
            _ => Ok(()),
        }
    }

    fn watches(&self) -> Result<(), String> {
        let Some((caches, watches)) = self.0.watches.get() else {
            return Err("none is open yet".into());
        };
        all_well(watches.iter().filter_map(|(gvk, selection)| {
            let failing = caches.failing_for(gvk, selection);
            unseen(&gvk.kind, &caches.state(gvk, selection), failing)
        }))
    }
}

/// What is wrong with the watch of a kind, which has failed for some time or works.
fn unseen(kind: &str, state: &WatchState, failing: Option<Duration>) -> Option<String> {
    match state {
        WatchState::Synced => failing.filter(|failing| *failing > FAILING).map(|failing| {
            let seconds = failing.as_secs();
            format!("{kind} has not been watched for {seconds} s: each attempt fails")
        }),
        WatchState::Pending => Some(format!("{kind} is not listed yet")),
        WatchState::Forbidden => Some(format!("{kind} may not be listed and watched")),
    }
}

/// The health server.
pub(crate) fn health(health: Health) -> Router {
    let live = health.clone();
    Router::new()
        .route("/healthz", get(async move || told(&live.live())))
        .route("/readyz", get(async move || told(&health.ready())))
}

/// All checks, one a line.
fn told(checks: &[Check]) -> (StatusCode, String) {
    let mut text = String::new();
    for (name, result) in checks {
        let _ = match result {
            Ok(()) => writeln!(text, "[+] {name}: ok"),
            Err(problem) => writeln!(text, "[-] {name}: {problem}"),
        };
    }
    let well = checks.iter().all(|(_, result)| result.is_ok());
    (if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}

/// Well where there is no problem.
fn all_well(problems: impl Iterator<Item = String>) -> Result<(), String> {
    let problems: Vec<String> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_starts_or_stops_is_not_ready_but_alive() {
        let stop = CancellationToken::new();
        let health = Health::with(Contact::default(), stop.clone());
        health.waits_for("the definition of Workload");
        health.listens("artifacts", false);
        let (code, text) = told(&health.ready());
        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
        for line in [
            "[+] running: ok",
            "[+] api-server: ok",
            "[-] start: waits for the definition of Workload",
            "[-] watches: none is open yet",
            "[-] servers: artifacts does not listen",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        health.started();
        health.listens("artifacts", true);
        stop.cancel();
        let (_, text) = told(&health.ready());
        assert!(text.contains("[-] running: the program was asked to stop\n"), "{text}");
        assert!(text.contains("[+] start: ok\n") && text.contains("[+] servers: ok\n"), "{text}");
        assert_eq!(told(&health.live()), (StatusCode::OK, "[+] loops: ok\n".into()));
    }

    #[test]
    fn a_watch_that_fails_for_long_is_told() {
        let seen = |state, failing| unseen("GitWriter", &state, failing);
        let long = FAILING + Duration::from_secs(1);
        assert_eq!(seen(WatchState::Synced, None), None);
        assert_eq!(seen(WatchState::Synced, Some(FAILING)), None);
        let told = "GitWriter has not been watched for 121 s: each attempt fails";
        assert_eq!(seen(WatchState::Synced, Some(long)).as_deref(), Some(told));
        let told = "GitWriter may not be listed and watched";
        assert_eq!(seen(WatchState::Forbidden, Some(long)).as_deref(), Some(told));
        assert_eq!(seen(WatchState::Pending, None).as_deref(), Some("GitWriter is not listed yet"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_stands_still_is_a_matter_of_life() {
        let health = Health::with(Contact::default(), CancellationToken::new());
        let pulse = health.pulses().begin("the queue of GitSource");
        tokio::time::advance(STUCK + Duration::from_secs(1)).await;
        let (code, text) = told(&health.live());
        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "[-] loops: the queue of GitSource has not turned for 181 s\n");
        pulse.beat();
        assert_eq!(told(&health.live()).0, StatusCode::OK);
    }
}
