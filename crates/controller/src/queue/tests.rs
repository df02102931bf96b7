use std::sync::Mutex;

use super::*;
use crate::metrics::Metrics;
use crate::pulse::Pulses;

/// Objects named `never` do not end, `panics` panic once, `fails` back off, others are done at once.
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
            "never" => {
                let _cut_off = CutOff(self.began.clone());
                std::future::pending().await
            }
            "fails" => Again::BackOff,
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

/// Tells that a round went without coming to its end.
struct CutOff(mpsc::UnboundedSender<String>);

impl Drop for CutOff {
    fn drop(&mut self) {
        let _ = self.0.send("cut off".into());
    }
}

struct Lab {
    queue: Queue,
    ended: tokio::task::JoinHandle<bool>,
    began: mpsc::UnboundedReceiver<String>,
    stop: CancellationToken,
    metrics: Metrics,
}

impl Lab {
    fn start(concurrency: usize, begins_anew: bool, lease: Duration) -> Self {
        Self::led(concurrency, begins_anew, Leader::alone(lease))
    }

    fn led(concurrency: usize, begins_anew: bool, leader: Leader) -> Self {
        let (began, heard) = mpsc::unbounded_channel();
        let rounds = Rounds { began, panicked: Mutex::default(), begins_anew };
        let (all, stop) = (Metrics::new("test").unwrap(), CancellationToken::new());
        let metrics = all.queue("Test", concurrency);
        let pulse = Pulses::default().begin("test");
        let (queue, ended) =
            Queue::start(Arc::new(rounds), concurrency, leader, metrics, pulse, stop.clone());
        Self { queue, ended, began: heard, stop, metrics: all }
    }

    async fn hears(&mut self, word: &str) {
        assert_eq!(self.began.recv().await.as_deref(), Some(word));
    }

    /// How many objects are said to fail.
    fn failing(&self, count: usize) -> bool {
        let line = format!("portolan_queue_failing{{kind=\"Test\"}} {count}\n");
        self.metrics.text().unwrap().contains(&line)
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

#[tokio::test(start_paused = true)]
async fn a_round_is_cut_off_with_the_lease_and_begins_anew_when_it_is_back() {
    let held = || Some(Instant::now() + LONG);
    let (until, told) = tokio::sync::watch::channel(held());
    let mut lab = Lab::led(2, false, Leader::told(told));
    lab.wake("never");
    lab.hears("never").await;
    until.send_replace(None);
    lab.hears("cut off").await;
    lab.wake("a");
    let silence = tokio::time::timeout(Duration::from_mins(1), lab.began.recv()).await;
    assert!(silence.is_err(), "{silence:?}");
    until.send_replace(held());
    lab.hears("never").await;
    lab.hears("a").await;
    // One that cannot be renewed runs out without a word.
    tokio::time::advance(LONG).await;
    lab.hears("cut off").await;
    assert_eq!(lab.stops().await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_lost_the_lease_tells_of_no_failures() {
    let (until, told) = tokio::sync::watch::channel(Some(Instant::now() + LONG));
    let mut lab = Lab::led(1, false, Leader::told(told));
    lab.wake("fails");
    lab.hears("fails").await;
    lab.wake("never");
    lab.hears("never").await;
    assert!(lab.failing(1), "{}", lab.metrics.text().unwrap());
    until.send_replace(None);
    lab.hears("cut off").await;
    // The pause of what failed ends later, and nothing begins.
    let silence = tokio::time::timeout(Duration::from_mins(1), lab.began.recv()).await;
    assert!(silence.is_err(), "{silence:?}");
    assert!(lab.failing(0), "{}", lab.metrics.text().unwrap());
}
