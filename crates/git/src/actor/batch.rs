//! A batch of writes: one fetch, one push of all their branches, a result for each.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use portolan_plan::writer::{History, View};

use super::board::Board;
use super::pending::Pending;
use super::settle::{push, settle};
use super::unexpected;
use crate::client::{Session, Trouble};
use crate::error::Error;
use crate::planner::{Step, Written};
use crate::wire::{Observe, Request, Response};

/// Commits that one writer may want in one batch.
const MAX_STEPS: usize = 4;

/// Attempts after which a cache that breaks again and again is an error.
const CACHE_ATTEMPTS: u32 = 2;

/// A write whose commits are built.
pub(super) struct Built {
    pub(super) pending: Pending,
    /// The branches it moves.
    pub(super) branches: BTreeSet<String>,
    /// Its last commit.
    pub(super) commit: String,
}

/// How planning a write ended.
enum Planned {
    Built(Box<Built>),
    /// Answered. Whether commits of it are on the board all the same.
    Answered {
        left_commits: bool,
    },
}

/// Writes; what is to be tried again comes back.
pub(super) async fn run(session: &mut Session, group: Vec<Pending>) -> Vec<Pending> {
    let branches: BTreeSet<String> = group.iter().flat_map(Pending::branches).cloned().collect();
    let branches: Vec<String> = branches.into_iter().collect();
    let heads: BTreeSet<String> = group.iter().flat_map(Pending::references).cloned().collect();
    let references = heads.into_iter().collect();
    let tips = match session.ask(Request::Fetch { branches, references }).await {
        Ok(Response::Tips(tips)) => tips,
        other => return fail(session, group, other.err()),
    };
    let mut board = Board::new(tips);
    let mut left = group;
    let built = loop {
        match plan(session, &mut board, left).await {
            Ok(Round::Ready(built)) => break built,
            Ok(Round::Again(rest)) => {
                board.reset();
                left = rest;
            }
            // One that costs the worker its life shall not cost the others theirs.
            Err((rest, Trouble::Gone(_))) if rest.len() > 1 => {
                return rest.into_iter().map(Pending::alone).collect();
            }
            Err((rest, trouble)) => return fail(session, rest, Some(trouble)),
        }
    };
    if built.is_empty() {
        return Vec::new();
    }
    match push(session, board.updates()).await {
        Ok(outcomes) => settle(session, built, &outcomes),
        Err(trouble) => {
            let group = built.into_iter().map(|built| built.pending).collect();
            fail(session, group, Some(trouble))
        }
    }
}

enum Round {
    /// All that is left is built and confirmed.
    Ready(Vec<Built>),
    /// Commits that others may have built on are not wanted after all.
    Again(Vec<Pending>),
}

/// Plans all, each on top of those before it, and asks for confirmation.
async fn plan(
    session: &mut Session,
    board: &mut Board,
    left: Vec<Pending>,
) -> Result<Round, (Vec<Pending>, Trouble)> {
    let mut built: Vec<Built> = Vec::new();
    let mut again = false;
    let mut left = left.into_iter();
    while let Some(pending) = left.next() {
        match one(session, board, pending).await {
            Ok(Planned::Built(one)) => built.push(*one),
            Ok(Planned::Answered { left_commits }) => again |= left_commits,
            Err((pending, trouble)) => {
                let rest =
                    built.into_iter().map(|built| built.pending).chain([pending]).chain(left);
                return Err((rest.collect(), trouble));
            }
        }
    }
    let mut ready = Vec::new();
    for mut built in built {
        if confirm(&mut built.pending) {
            ready.push(built);
        } else {
            again = true;
            built.pending.answer(Ok(Written::Stopped));
        }
    }
    if again {
        return Ok(Round::Again(ready.into_iter().map(|built| built.pending).collect()));
    }
    Ok(Round::Ready(ready))
}

/// Plans one write and builds its commits.
async fn one(
    session: &mut Session,
    board: &mut Board,
    mut pending: Pending,
) -> Result<Planned, (Pending, Trouble)> {
    let mut branches = BTreeSet::new();
    let mut last = None;
    for _ in 0..MAX_STEPS {
        let step = match step(session, &board.observe(&pending.place), &mut pending).await {
            Ok(step) => step,
            Err(Trouble::Failed(error)) => {
                pending.answer(Err(error));
                return Ok(Planned::Answered { left_commits: last.is_some() });
            }
            Err(trouble) => return Err((pending, trouble)),
        };
        let (edit, again) = match step {
            Step::Write { edit, again } => (edit, again),
            Step::Stop | Step::NeedHistory => break,
        };
        let branch = edit.branch.clone();
        let answer = match board.check(&pending.place, &edit) {
            Ok(()) => session.ask(Request::Commit(Box::new(edit))).await,
            Err(error) => Err(Trouble::Failed(error)),
        };
        match answer {
            Ok(Response::Committed(commit)) => {
                board.advance(&branch, commit.clone());
                branches.insert(branch);
                last = Some(commit);
            }
            Err(trouble @ (Trouble::CacheDropped(_) | Trouble::Gone(_))) => {
                return Err((pending, trouble));
            }
            other => {
                pending.answer(Err(unexpected(other)));
                return Ok(Planned::Answered { left_commits: last.is_some() });
            }
        }
        if !again {
            break;
        }
    }
    let Some(commit) = last else {
        pending.answer(Ok(Written::Stopped));
        return Ok(Planned::Answered { left_commits: false });
    };
    Ok(Planned::Built(Box::new(Built { pending, branches, commit })))
}

/// Shows a writer its place, with the histories if it wants them.
async fn step(
    session: &mut Session,
    observe: &Observe,
    pending: &mut Pending,
) -> Result<Step, Trouble> {
    let view = match session.ask(Request::View(observe.clone())).await {
        Ok(Response::View(view)) => view,
        other => return Err(keep(other)),
    };
    let step = ask(pending, &view, None)?;
    if !matches!(step, Step::NeedHistory) {
        return Ok(step);
    }
    let history = match session.ask(Request::History(observe.clone())).await {
        Ok(Response::History(history)) => history,
        other => return Err(keep(other)),
    };
    match ask(pending, &view, Some(&history))? {
        Step::NeedHistory => {
            let problem = "it asks for the histories that it was shown";
            Err(Trouble::Failed(Error::invalid("plan", problem)))
        }
        step => Ok(step),
    }
}

/// Asks a planner; one that panics ends nothing but its own write.
fn ask(pending: &mut Pending, view: &View, history: Option<&History>) -> Result<Step, Trouble> {
    let asked = catch_unwind(AssertUnwindSafe(|| pending.planner.plan(view, history)));
    asked.map_err(|_| {
        Trouble::Failed(Error::invalid(
            "plan",
            "planning this write stopped over an error of its own",
        ))
    })
}

/// Asks a last time before the push; what nobody waits for any more is not pushed.
fn confirm(pending: &mut Pending) -> bool {
    !pending.reply.is_closed()
        && catch_unwind(AssertUnwindSafe(|| pending.planner.confirm())).unwrap_or(false)
}

fn keep(answer: Result<Response, Trouble>) -> Trouble {
    match answer {
        Err(trouble) => trouble,
        Ok(_) => Trouble::Failed(Error::worker("answered something else")),
    }
}

/// Answers all with what went wrong; a cache that was broken is worth another try.
fn fail(session: &Session, group: Vec<Pending>, trouble: Option<Trouble>) -> Vec<Pending> {
    let trouble =
        trouble.unwrap_or_else(|| Trouble::Failed(Error::worker("answered something else")));
    let (mut again, mut failed) = (Vec::new(), group);
    if let Trouble::CacheDropped(error) = &trouble {
        let why = error.to_string();
        tracing::warn!(host = session.address.host(), why, "cache of a repository dropped");
        let (fresh, tried): (Vec<_>, Vec<_>) =
            failed.into_iter().partition(|pending| pending.attempts < CACHE_ATTEMPTS);
        failed = tried;
        let pause = session.shared.options.pause;
        again.extend(fresh.into_iter().filter_map(|pending| pending.again(pause, &why)));
    }
    let error = trouble.into_error();
    for pending in failed {
        pending.answer(Err(error.clone()));
    }
    again
}
