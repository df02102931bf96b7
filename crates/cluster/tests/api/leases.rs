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
        let (server, stop) = (Server::new(), CancellationToken::new());
        let settings = LeaseSettings::lasting(Duration::from_secs(15));
        let cluster = server.cluster();
        let (mut leader, ended) =
            Leader::contend(&cluster, "portolan-system", "a", "me", settings, stop.clone());
        assert!(leader.acquired().await);
        Self { server, leader, ended, stop }
    }
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
