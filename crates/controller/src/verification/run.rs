//! A run: all checks side by side, each tried as often as it may.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use portolan_api::native::verification::{Check, CheckState, CheckStatus, VerificationSpec};
use portolan_api::span;
use portolan_plan::outcome::Identity;
use tokio::time::{Instant, sleep, timeout_at};

use super::{http, object};
use crate::context::Context;

/// Longest time one try may take.
const TRY: Duration = Duration::from_secs(10);
/// Shortest time from one try to the next: objects stored before the schema had this rule may ask for
/// less, and would keep the API server busy.
const SHORTEST: Duration = Duration::from_secs(1);

/// Runs all checks; the first final failure stops the others. What does not end in time has failed.
pub(super) async fn all(
    cx: &Context,
    identity: &Identity,
    namespace: &str,
    spec: &VerificationSpec,
    timeout: Duration,
) -> Vec<CheckStatus> {
    let deadline = Instant::now() + timeout;
    let mut running: FuturesUnordered<_> = spec
        .checks
        .iter()
        .enumerate()
        .map(|(index, check)| async move {
            (index, one(cx, identity, namespace, check, deadline).await)
        })
        .collect();
    let mut ended: Vec<Option<CheckStatus>> = vec![None; spec.checks.len()];
    while let Some((index, status)) = running.next().await {
        let failed = status.state == CheckState::Failed;
        ended[index] = Some(status);
        if failed {
            break;
        }
    }
    drop(running);
    let names = spec.checks.iter().map(|check| check.name.clone());
    ended
        .into_iter()
        .zip(names)
        .map(|(status, name)| {
            status.unwrap_or(CheckStatus {
                name,
                state: CheckState::Stopped,
                attempts: 0,
                message: "another check had failed".into(),
            })
        })
        .collect()
}

/// Tries one check until it holds, or has failed as often as it may.
async fn one(
    cx: &Context,
    identity: &Identity,
    namespace: &str,
    check: &Check,
    deadline: Instant,
) -> CheckStatus {
    let every = span::parse(&check.every).unwrap_or(Duration::from_secs(3)).max(SHORTEST);
    let hold = check.for_.as_deref().and_then(|hold| span::parse(hold).ok());
    let mut status = CheckStatus {
        name: check.name.clone(),
        state: CheckState::Failed,
        attempts: 0,
        message: "there was no time to try it".into(),
    };
    let mut failures = 0;
    let mut held_since: Option<Instant> = None;
    while Instant::now() < deadline {
        status.attempts += 1;
        let attempt = tried(cx, identity, namespace, check);
        let until = deadline.min(Instant::now() + TRY);
        let result =
            timeout_at(until, attempt).await.unwrap_or_else(|_| Err("no answer in time".into()));
        match result {
            Ok(message) => {
                let since = *held_since.get_or_insert_with(Instant::now);
                status.message = message;
                if hold.is_none_or(|hold| since.elapsed() >= hold) {
                    status.state = CheckState::Passed;
                    return status;
                }
            }
            Err(message) => {
                held_since = None;
                failures += 1;
                status.message = message;
                if failures >= check.attempts {
                    return status;
                }
            }
        }
        sleep(every.min(deadline.saturating_duration_since(Instant::now()))).await;
    }
    status
}

/// One try: what was found, as success or failure.
async fn tried(
    cx: &Context,
    identity: &Identity,
    namespace: &str,
    check: &Check,
) -> Result<String, String> {
    match (&check.http, &check.object) {
        (Some(check), _) => http::check(cx, identity, namespace, check).await,
        (_, Some(check)) => object::check(cx, identity, namespace, check).await,
        _ => Err("the check has no kind".into()),
    }
}
