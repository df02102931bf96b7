//! A lease ends in time, whatever the API server does.

use std::time::Duration;

use portolan_cluster::{Leader, LeaseSettings};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::server::Server;

struct Lab {
    server: Server,
    leader: Leader,
    ended: JoinHandle<()>,
    stop: CancellationToken,
}

impl Lab {
    async fn start() -> Self {
        let mut lab = Self::contend(&Server::new(), "me");
        assert!(lab.leader.acquired().await);
        lab
    }

    fn contend(server: &Server, me: &str) -> Self {
        let (server, stop) = (server.clone(), CancellationToken::new());
        let settings = LeaseSettings::lasting(Duration::from_secs(15));
        let cluster = server.cluster();
        let (leader, ended) =
            Leader::contend(&cluster, "portolan-system", "a", me, settings, stop.clone());
        Self { server, leader, ended, stop }
    }

    /// Somebody else who waits for it, and has seen it renewed a few times.
    async fn other(&self) -> Self {
        let other = Self::contend(&self.server, "other");
        sleep(Duration::from_secs(11)).await;
        assert!(self.leader.holds() && !other.leader.holds());
        other
    }
}

/// Time until a lease is taken.
async fn taken(lab: &mut Lab) -> Duration {
    let before = Instant::now();
    assert!(lab.leader.acquired().await);
    before.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_does_not_prolong_it() {
    let mut lab = Lab::start().await;
    sleep(Duration::from_mins(1)).await;
    assert!(lab.leader.holds(), "it is renewed");
    lab.server.becomes(|manner| manner.hangs = true);
    let before = Instant::now();
    while lab.leader.holds() {
        sleep(Duration::from_millis(100)).await;
    }
    let took = before.elapsed();
    // Two seconds may have passed since the last renewal.
    assert!((8..=10).contains(&took.as_secs()), "{took:?}");
    let again = timeout(Duration::from_mins(1), lab.leader.acquired()).await;
    assert!(again.is_err(), "and it is not taken again");
    lab.server.becomes(|manner| manner.hangs = false);
    assert!(timeout(Duration::from_secs(15), lab.leader.acquired()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn one_request_that_hangs_does_not_lose_it() {
    let lab = Lab::start().await;
    sleep(Duration::from_millis(1)).await;
    lab.server.becomes(|manner| manner.hangs = true);
    sleep(Duration::from_secs(3)).await;
    lab.server.becomes(|manner| manner.hangs = false);
    for _ in 0..600 {
        sleep(Duration::from_millis(100)).await;
        assert!(lab.leader.holds());
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_given_back_at_once_or_left() {
    let lab = Lab::start().await;
    assert_eq!(lab.server.holder().as_deref(), Some("me"));
    lab.stop.cancel();
    lab.ended.await.unwrap();
    assert_eq!(lab.server.holder().as_deref(), Some(""));

    let lab = Lab::start().await;
    lab.server.becomes(|manner| manner.hangs = true);
    sleep(Duration::from_secs(3)).await;
    let before = Instant::now();
    lab.stop.cancel();
    lab.ended.await.unwrap();
    assert!(before.elapsed() <= Duration::from_secs(2), "{:?}", before.elapsed());
    assert!(!lab.leader.holds());
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_taken_at_once() {
    let lab = Lab::start().await;
    let mut other = lab.other().await;
    lab.stop.cancel();
    lab.ended.await.unwrap();
    let took = taken(&mut other).await;
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert_eq!(lab.server.holder().as_deref(), Some("other"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_holder_is_taken_over_from_when_its_lease_has_run_out() {
    let lab = Lab::start().await;
    let mut other = lab.other().await;
    lab.ended.abort();
    let took = taken(&mut other).await;
    // The last renewal was up to two seconds before.
    assert!((13..=15).contains(&took.as_secs()), "{took:?}");
}

/// A role that does not let it watch, of an earlier version.
#[tokio::test(start_paused = true)]
async fn who_may_not_watch_looks_now_and_then() {
    let lab = Lab::start().await;
    lab.server.becomes(|manner| manner.watch = false);
    let mut other = lab.other().await;
    lab.stop.cancel();
    lab.ended.await.unwrap();
    let took = taken(&mut other).await;
    assert!(took <= Duration::from_secs(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_hangs_is_no_reason_to_take_it() {
    let lab = Lab::start().await;
    let other = lab.other().await;
    // Watches are not answered any more: the end of the lease is looked at before it is taken.
    lab.server.becomes(|manner| manner.quiet = true);
    for _ in 0..600 {
        sleep(Duration::from_millis(100)).await;
        assert!(lab.leader.holds() && !other.leader.holds());
    }
}
