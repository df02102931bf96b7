//! What is told of the work to whoever counts it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portolan_git::{Error, ForgeCall, Loss, Observer, Push};
use portolan_testbed::Fault;

use crate::faults::writer;
use crate::lab::{Lab, pushed};

/// Keeps what it hears as lines.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn line(&self, line: String) {
        self.0.lock().expect("no test panics while it tells").push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no test panics while it tells"))
    }
}

impl Observer for Heard {
    fn operation(&self, operation: &'static str, error: Option<&Error>, _: Duration) {
        self.line(format!("{operation} {}", error.map_or("success", Error::reason)));
    }

    fn pushed(&self, push: Push) {
        self.line(format!("pushed {push:?}"));
    }

    fn worker_started(&self) {
        self.line("worker".into());
    }

    fn worker_lost(&self, loss: Loss) {
        self.line(format!("lost {loss:?}"));
    }

    fn forge(&self, call: &ForgeCall<'_>) {
        self.line(format!("forge {} {} {:?}", call.method, call.resource, call.code));
    }
}

#[tokio::test]
async fn what_was_done_and_how_it_ended() {
    let heard = Arc::new(Heard::default());
    let observer = Arc::clone(&heard);
    let lab = Lab::with(|options| {
        options.observer = observer;
        options.deadline = Duration::from_secs(2);
    })
    .await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    lab.service.refs(&lab.repo()).await.unwrap();
    assert_eq!(heard.take(), ["worker", "start success", "ls_refs success"]);
    assert_eq!(lab.service.workers(), 1);
    pushed(lab.write(&writer()).await.unwrap());
    let told: BTreeSet<String> = heard.take().into_iter().collect();
    for line in
        ["fetch success", "view success", "commit success", "push success", "pushed Accepted"]
    {
        assert!(told.contains(line), "{line} in {told:?}");
    }
    lab.server.inject(Fault::Hang, "info/refs", Some(1));
    lab.service.refs(&lab.repo()).await.unwrap_err();
    assert_eq!(heard.take(), ["lost Deadline", "ls_refs GitUnreachable"]);
    assert_eq!(lab.service.workers(), 0);
}

/// A forge that is asked through the service is told of, whatever it answers.
#[tokio::test]
async fn a_forge_is_told_of() {
    let heard = Arc::new(Heard::default());
    let observer = Arc::clone(&heard);
    let lab = Lab::with(|options| options.observer = observer).await;
    lab.service.forge(&lab.repo(), None).await.unwrap_err();
    let told = heard.take();
    let [line] = told.as_slice() else { unreachable!("{told:?}") };
    assert!(line.starts_with("forge GET version Some("), "{line}");
}
