//! What a watch makes of refusals, and of kinds that go and come.

use std::time::Duration;

use portolan_cluster::{Caches, Change, Key, Selection};
use portolan_plan::choreography::WatchState;
use portolan_plan::object::{Gvk, ServedKind};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use crate::server::Server;

fn kind() -> ServedKind {
    ServedKind { gvk: Gvk::new("test.run/v1", "Test"), plural: "tests".into(), namespaced: false }
}

struct Lab {
    server: Server,
    caches: Caches,
    changes: UnboundedReceiver<Change>,
}

impl Lab {
    fn start(server: Server) -> Self {
        let (caches, changes) = Caches::new(server.cluster());
        caches.keep(&kind(), &Selection::default());
        Self { server, caches, changes }
    }

    async fn synced() -> Self {
        let mut lab = Self::start(Server::new());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(lab.state(), WatchState::Synced);
        assert_eq!(lab.told(), 1);
        lab
    }

    fn state(&self) -> WatchState {
        self.caches.state(&kind().gvk, &Selection::default())
    }

    /// How often it was told since the last call that the watch stands otherwise.
    fn told(&mut self) -> usize {
        let mut told = 0;
        while let Ok(change) = self.changes.try_recv() {
            told += usize::from(matches!(change, Change::Watch(_)));
        }
        told
    }

    fn sees(&self, name: &str) -> bool {
        self.caches.get(&kind().gvk, &Selection::default(), &Key::new("", name)).is_some()
    }

    fn may(&self, list: bool, watch: bool) {
        self.server.becomes(|manner| (manner.list, manner.watch) = (list, watch));
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_taken_and_given_back() {
    let mut lab = Lab::synced().await;
    lab.may(false, false);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(lab.state(), WatchState::Forbidden);
    assert!(lab.sees("a"), "what was seen stays");
    lab.server.becomes(|manner| manner.objects = vec!["b"]);
    lab.may(true, true);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(lab.state(), WatchState::Synced);
    assert!(lab.sees("b") && !lab.sees("a"));
    assert_eq!(lab.told(), 2, "once each");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_server_that_starts_is_not_told() {
    let mut lab = Lab::synced().await;
    lab.may(false, false);
    sleep(Duration::from_secs(1)).await;
    lab.may(true, true);
    sleep(Duration::from_mins(1)).await;
    assert_eq!((lab.state(), lab.told()), (WatchState::Synced, 0));
    // A later refusal is counted from its own beginning.
    lab.may(true, false);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((lab.state(), lab.told()), (WatchState::Synced, 0));
}

#[tokio::test(start_paused = true)]
async fn the_right_to_list_alone_is_not_enough() {
    let mut lab = Lab::synced().await;
    lab.may(true, false);
    sleep(Duration::from_mins(10)).await;
    assert_eq!((lab.state(), lab.told()), (WatchState::Forbidden, 1));
    lab.may(true, true);
    sleep(Duration::from_secs(10)).await;
    assert_eq!((lab.state(), lab.told()), (WatchState::Synced, 1));
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_asks_seldom() {
    let server = Server::new();
    server.becomes(|manner| (manner.list, manner.watch) = (false, false));
    let mut lab = Lab::start(server);
    sleep(Duration::from_millis(100)).await;
    assert_eq!((lab.state(), lab.told()), (WatchState::Forbidden, 1), "told at once");
    sleep(Duration::from_secs(100)).await;
    let asked = lab.server.asked();
    assert!((15..30).contains(&asked), "{asked}");
    lab.may(true, true);
    sleep(Duration::from_secs(10)).await;
    assert_eq!((lab.state(), lab.told()), (WatchState::Synced, 1));
}

#[tokio::test(start_paused = true)]
async fn a_kept_kind_that_goes_and_comes_back() {
    let mut lab = Lab::synced().await;
    let other = Selection::labelled("a");
    lab.caches.ensure(&kind(), &other);
    sleep(Duration::from_secs(1)).await;
    lab.told();
    lab.caches.kinds_changed(|_| None);
    assert_eq!(lab.caches.missing(), [kind().gvk]);
    assert_eq!(lab.state(), WatchState::Pending);
    assert!(lab.caches.store(&kind().gvk, &Selection::default()).is_some());
    assert!(lab.caches.store(&kind().gvk, &other).is_none(), "what is not kept ends");
    // The definition is made again; its kind has other objects then.
    lab.server.becomes(|manner| manner.objects = vec!["b"]);
    lab.caches.kinds_changed(|gvk| (*gvk == kind().gvk).then(kind));
    sleep(Duration::from_secs(1)).await;
    assert!(lab.caches.missing().is_empty());
    assert_eq!((lab.state(), lab.told()), (WatchState::Synced, 1));
    assert!(lab.sees("b") && !lab.sees("a"));
}
