//! The push of a batch, and what each writer is told of it.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::Built;
use super::pending::Pending;
use super::unexpected;
use crate::client::{Session, Trouble};
use crate::error::Error;
use crate::observe::Push;
use crate::planner::Written;
use crate::wire::{Outcome, Request, Response, Update};

/// What became of each branch.
pub(super) type Outcomes = BTreeMap<String, Outcome>;

/// Pushes, and finds out what happened where that is not clear.
pub(super) async fn push(session: &mut Session, updates: Vec<Update>) -> Result<Outcomes, Trouble> {
    let mut outcomes = push_once(session, &updates).await?;
    let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
    if updates.len() > 1 && outcomes.values().all(is_refused) {
        // A hook that judges the push as a whole: one bad branch shall not hold the others.
        for update in updates {
            outcomes.extend(push_once(session, &[update]).await?);
        }
    }
    for outcome in outcomes.values() {
        session.shared.options.observer.pushed(match outcome {
            Outcome::Accepted => Push::Accepted,
            Outcome::Lost(_) => Push::Lost,
            Outcome::Refused(_) => Push::Refused,
            Outcome::Failed(_) => Push::Failed,
        });
    }
    Ok(outcomes)
}

async fn push_once(session: &mut Session, updates: &[Update]) -> Result<Outcomes, Trouble> {
    let names = || updates.iter().map(|update| update.branch.clone());
    let error = match session.ask(Request::Push { updates: updates.to_vec() }).await {
        Ok(Response::Pushed(outcomes)) => return Ok(names().zip(outcomes).collect()),
        Err(dropped @ Trouble::CacheDropped(_)) => return Err(dropped),
        Err(Trouble::Gone(error)) => error,
        other => {
            let failed = Outcome::Failed(unexpected(other));
            return Ok(names().map(|name| (name, failed.clone())).collect());
        }
    };
    // The worker is gone, and whether the push happened is not known: look (faults F60, F61).
    let tips = match session.ask(Request::Tips { branches: names().collect() }).await {
        Ok(Response::Tips(tips)) => Some(tips.commits),
        _ => None,
    };
    let outcome = |update: &Update| match &tips {
        Some(tips) if tips.get(&update.branch) == update.new.as_ref() => Outcome::Accepted,
        _ => Outcome::Failed(error.clone()),
    };
    Ok(updates.iter().map(|update| (update.branch.clone(), outcome(update))).collect())
}

/// Deletes a branch, provided that it is at a commit; false where it is at another.
pub(super) async fn delete(
    session: &mut Session,
    branch: String,
    commit: String,
) -> Result<bool, Error> {
    let update = Update { branch: branch.clone(), old: Some(commit.clone()), new: None };
    let outcome = match push(session, vec![update]).await {
        Ok(mut outcomes) => outcomes.remove(&branch),
        Err(trouble) => return Err(trouble.into_error()),
    };
    let why = match outcome {
        Some(Outcome::Accepted) => return Ok(true),
        Some(Outcome::Refused(why)) => {
            return Err(Error::PushRefused { reference: branch, message: session.clean(&why) });
        }
        Some(Outcome::Failed(error)) => return Err(error),
        Some(Outcome::Lost(why)) => session.clean(&why),
        None => "nothing was said of it".into(),
    };
    let tips = match session.ask(Request::Tips { branches: vec![branch.clone()] }).await {
        Ok(Response::Tips(tips)) => tips.commits,
        other => return Err(unexpected(other)),
    };
    match tips.get(&branch) {
        None => Ok(true),
        Some(tip) if *tip == commit => {
            Err(Error::Contended { reference: branch, attempts: 1, message: why })
        }
        Some(_) => Ok(false),
    }
}

/// Answers each write by what became of its branches.
pub(super) fn settle(session: &Session, built: Vec<Built>, outcomes: &Outcomes) -> Vec<Pending> {
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
        let mut failed = None;
        for branch in &branches {
            match outcomes.get(branch) {
                Some(Outcome::Accepted) => {}
                Some(Outcome::Refused(why)) => refused = Some((branch.clone(), session.clean(why))),
                Some(Outcome::Failed(error)) => failed = Some(error.clone()),
                Some(Outcome::Lost(why)) => lost = Some(session.clean(why)),
                None => lost = Some("nothing was said of it".into()),
            }
        }
        match (refused, failed, lost) {
            (Some((branch, _)), _, _) if shared.contains(&branch) => again.push(pending.alone()),
            (Some((reference, message)), _, _) => {
                pending.answer(Err(Error::PushRefused { reference, message }));
            }
            (None, Some(error), _) => pending.answer(Err(error)),
            (None, None, Some(why)) => {
                again.extend(pending.again(session.shared.options.pause, &why));
            }
            (None, None, None) => pending.answer(Ok(Written::Pushed { commit })),
        }
    }
    again
}
