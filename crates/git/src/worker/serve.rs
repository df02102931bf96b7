//! The loop of a worker.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use super::setup;
use super::state::State;
use crate::error::Error;
use crate::frame;
use crate::text::{WORDS, shown};
use crate::wire::{Failure, Request, Response};

/// How long work may go on when nobody waits for it any more.
const GRACE: Duration = Duration::from_secs(1);

/// Answers requests until the input ends.
pub fn serve(input: impl Read + Send + 'static, mut output: impl Write) -> io::Result<()> {
    setup::process();
    let requests = read_aside(input)?;
    let mut state: Option<State> = None;
    while let Ok(request) = requests.recv() {
        let result = catch_unwind(AssertUnwindSafe(|| answer(&mut state, request)));
        let panicked = result.is_err();
        let response = result.unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
            let words = state.as_ref().map_or_else(String::new, |state| state.clean(words));
            let problem = format!("stopped over an error of its own: {}", shown(&words, WORDS));
            Response::Failed(Error::worker(problem).into())
        });
        frame::send(&mut output, &response)?;
        if panicked {
            return Err(io::Error::other("a request panicked"));
        }
    }
    Ok(())
}

/// Reads requests in a thread of its own, so that the end of the input ends this process even in the
/// middle of a request that hangs.
fn read_aside(mut input: impl Read + Send + 'static) -> io::Result<Receiver<Request>> {
    let (tell, requests): (Sender<Request>, _) = channel();
    std::thread::Builder::new().name("requests".into()).spawn(move || {
        while let Ok(Some(request)) = frame::receive(&mut input) {
            if tell.send(request).is_err() {
                return;
            }
        }
        drop(tell);
        std::thread::park_timeout(GRACE);
        // Nothing is lost: what is on disk is a cache, and a push is on its way or is not.
        let _ = kill_process(getpid(), Signal::KILL);
    })?;
    Ok(requests)
}

fn answer(state: &mut Option<State>, request: Request) -> Response {
    let result = match (request, state.as_mut()) {
        (Request::Hello(hello), None) => match State::new(*hello) {
            Ok(new) => {
                *state = Some(new);
                Ok(Response::Ready)
            }
            Err(error) => Err(error.into()),
        },
        (Request::Hello(_), Some(_)) | (_, None) => {
            Err(Failure::Error(Error::worker("was asked in the wrong order")))
        }
        (request, Some(state)) => state.answer(request),
    };
    result.unwrap_or_else(Response::Failed)
}
