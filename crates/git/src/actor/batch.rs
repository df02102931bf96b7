//! A batch of writes: one fetch, one push of all their branches, a result for each.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use portolan_plan::writer::{History, View};

use super::board::Board;
use super::pending::Pending;
use super::unexpected;
use crate::client::{Session, Trouble};
use crate::error::Error;
use crate::planner::{Step, Written};
use crate::wire::{Observe, Outcome, Request, Response, Tips, Update};

/// Commits that one writer may want in one batch.
const MAX_STEPS: usize = 4;

/// A write whose commits are built.
struct Built {
    pending: Pending,
    /// The branches it moves.
    branches: BTreeSet<String>,
    /// Its last commit.
    commit: String,
}

/// How planning a write ended.
enum Planned {
    Built(Built),
    /// Answered. Whether commits of it are on the board all the same.
    Answered {
        left_commits: bool,
    },
}

/// Writes; what is to be tried again comes back.
pub(super) async fn run(session: &mut Session, group: Vec<Pending>) -> Vec<Pending> {
    let branches: BTreeSet<String> = group.iter().flat_map(Pending::branches).cloned().collect();
    let branches: Vec<String> = branches.into_iter().collect();
    let tips = match session.ask(Request::Fetch { branches }).await {
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
            Err((rest, trouble)) => return fail(session, rest, Some(trouble)),
        }
    };
    if built.is_empty() {
        return Vec::new();
    }
    match push(session, board.updates()).await {
        Ok(outcomes) => settle(session, built, &outcomes),
        Err(error) => {
            for built in built {
                built.pending.answer(Err(error.clone()));
            }
            Vec::new()
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
            Ok(Planned::Built(one)) => built.push(one),
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
    Ok(match last {
        Some(commit) => Planned::Built(Built { pending, branches, commit }),
        None => {
            pending.answer(Ok(Written::Stopped));
            Planned::Answered { left_commits: false }
        }
    })
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
    ask(pending, &view, Some(&history))
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

fn confirm(pending: &mut Pending) -> bool {
    catch_unwind(AssertUnwindSafe(|| pending.planner.confirm())).unwrap_or(false)
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
    if let Trouble::CacheDropped(error) = &trouble {
        let (pause, why) = (session.shared.options.pause, error.to_string());
        return group.into_iter().filter_map(|pending| pending.again(pause, &why)).collect();
    }
    let error = trouble.into_error();
    for pending in group {
        pending.answer(Err(error.clone()));
    }
    Vec::new()
}

/// Pushes, and finds out what happened where that is not clear.
async fn push(
    session: &mut Session,
    updates: Vec<Update>,
) -> Result<BTreeMap<String, Outcome>, Error> {
    let mut outcomes = push_once(session, &updates).await?;
    let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
    if updates.len() > 1 && outcomes.values().all(is_refused) {
        // A hook that judges the push as a whole: one bad branch shall not hold the others.
        for update in updates {
            let outcome = push_once(session, &[update]).await?;
            outcomes.extend(outcome);
        }
    }
    Ok(outcomes)
}

async fn push_once(
    session: &mut Session,
    updates: &[Update],
) -> Result<BTreeMap<String, Outcome>, Error> {
    let names = || updates.iter().map(|update| update.branch.clone());
    let request = Request::Push { updates: updates.to_vec() };
    let error = match session.ask(request).await {
        Ok(Response::Pushed(outcomes)) => return Ok(names().zip(outcomes).collect()),
        Err(Trouble::Gone(error)) => error,
        other => return Err(unexpected(other)),
    };
    // The worker is gone, and whether the push happened is not known: look (faults F60, F61).
    let branches = names().collect();
    let Ok(Response::Tips(Tips { commits, .. })) = session.ask(Request::Tips { branches }).await
    else {
        return Err(error);
    };
    if updates.iter().all(|update| commits.get(&update.branch) == Some(&update.new)) {
        return Ok(names().map(|name| (name, Outcome::Accepted)).collect());
    }
    Err(error)
}

/// Answers each write by what became of its branches.
fn settle(
    session: &Session,
    built: Vec<Built>,
    outcomes: &BTreeMap<String, Outcome>,
) -> Vec<Pending> {
    let mut writers: BTreeMap<&String, usize> = BTreeMap::new();
    for branch in built.iter().flat_map(|built| &built.branches) {
        *writers.entry(branch).or_default() += 1;
    }
    let shared: BTreeSet<String> = writers
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|(branch, _)| branch.clone())
        .collect();
    let mut again = Vec::new();
    for Built { pending, branches, commit } in built {
        let mut lost = None;
        let mut refused = None;
        for branch in &branches {
            match outcomes.get(branch) {
                Some(Outcome::Accepted) => {}
                Some(Outcome::Refused(why)) => refused = Some((branch.clone(), session.clean(why))),
                Some(Outcome::Lost(why)) => lost = Some(session.clean(why)),
                None => lost = Some("nothing was said of it".into()),
            }
        }
        match (refused, lost) {
            (Some((branch, _)), _) if shared.contains(&branch) => again.push(pending.alone()),
            (Some((reference, message)), _) => {
                pending.answer(Err(Error::PushRefused { reference, message }));
            }
            (None, Some(why)) => again.extend(pending.again(session.shared.options.pause, &why)),
            (None, None) => pending.answer(Ok(Written::Pushed { commit })),
        }
    }
    again
}
