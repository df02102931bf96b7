use std::sync::Mutex;

use super::*;
use crate::metrics::Metrics;
use crate::pulse::Pulses;

/// Objects named `never` do not end, `panics` panic once, others are done at once.
struct Rounds {
    began: mpsc::UnboundedSender<String>,
    panicked: Mutex<bool>,
    begins_anew: bool,
}

impl Reconciler for Rounds {
    fn kind(&self) -> &'static str {
        "Test"
    }

    async fn reconcile(&self, key: Key) -> Again {
        let _ = self.began.send(key.name.clone());
        match key.name.as_str() {
            "never" => std::future::pending().await,
            "panics" if !std::mem::replace(&mut self.panicked.lock().unwrap(), true) => {
                panic!("as a defect would")
            }
            _ => Again::OnChange,
        }
    }

    fn begins_anew(&self) -> bool {
        self.begins_anew
    }
}

struct Lab {
    queue: Queue,
    ended: tokio::task::JoinHandle<()>,
    began: mpsc::UnboundedReceiver<String>,
    stop: CancellationToken,
}

impl Lab {
    fn start(concurrency: usize, begins_anew: bool, lease: Duration) -> Self {
        let (began, heard) = mpsc::unbounded_channel();
        let rounds = Rounds { began, panicked: Mutex::default(), begins_anew };
        let (leader, stop) = (Leader::alone(lease), CancellationToken::new());
        let metrics = Metrics::new("test").unwrap().queue("Test", concurrency);
        let pulse = Pulses::default().begin("test");
        let (queue, ended) =
            Queue::start(Arc::new(rounds), concurrency, leader, metrics, pulse, stop.clone());
        Self { queue, ended, began: heard, stop }
    }

    fn wake(&self, name: &str) {
        self.queue.wake(Key::new("dev", name));
    }

    /// Stops; tells how long that took.
    async fn stops(self) -> Duration {
        let before = tokio::time::Instant::now();
        self.stop.cancel();
        self.ended.await.unwrap();
        before.elapsed()
    }
}

const LONG: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn a_panic_stops_nobody_else_and_is_tried_again() {
    let mut lab = Lab::start(1, false, LONG);
    lab.wake("panics");
    lab.wake("a");
    let mut began = Vec::new();
    for _ in 0..3 {
        began.extend(lab.began.recv().await);
    }
    assert_eq!(began, ["panics", "a", "panics"]);
    lab.wake("b");
    assert_eq!(lab.began.recv().await.as_deref(), Some("b"));
    assert_eq!(lab.stops().await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_rounds_but_not_forever() {
    let mut lab = Lab::start(2, false, LONG);
    lab.wake("never");
    lab.began.recv().await;
    let took = lab.stops().await;
    assert!((LAST_ROUNDS..LAST_ROUNDS * 2).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_at_once_what_begins_anew() {
    let mut lab = Lab::start(2, true, LONG);
    lab.wake("never");
    lab.began.recv().await;
    assert_eq!(lab.stops().await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_round_that_never_ends_holds_up_only_its_object() {
    let mut lab = Lab::start(2, true, LONG);
    for name in ["never", "never", "a", "b"] {
        lab.wake(name);
    }
    let mut began = Vec::new();
    for _ in 0..3 {
        began.extend(lab.began.recv().await);
    }
    assert_eq!(began, ["never", "a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_once_the_lease_has_run_out() {
    let mut lab = Lab::start(2, false, Duration::from_secs(10));
    lab.wake("a");
    assert_eq!(lab.began.recv().await.as_deref(), Some("a"));
    tokio::time::advance(Duration::from_secs(10)).await;
    lab.wake("b");
    let silence = tokio::time::timeout(Duration::from_mins(1), lab.began.recv()).await;
    assert!(!matches!(silence, Ok(Some(_))), "{silence:?}");
}
