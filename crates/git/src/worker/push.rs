//! The push: the only place that moves a branch, and each from exactly the commit that was planned on.

use std::cell::RefCell;
use std::collections::BTreeMap;

use git2::{ErrorClass, ErrorCode, Oid, RemoteCallbacks, Repository};

use super::remote::{Head, Server, push_options};
use super::triage::is_race;
use crate::error::Error;
use crate::refs::HEADS;
use crate::text::{WORDS, shown};
use crate::wire::{Failure, Outcome, Update};

/// Most bytes of what a server says that are kept.
const MAX_WORDS: usize = 4096;

/// What happened in one conversation.
#[derive(Default)]
struct Told {
    /// Branches that are not where we thought, and where they are.
    moved: BTreeMap<String, Oid>,
    /// What the server says of each reference; no words where it moved.
    status: BTreeMap<String, Option<String>>,
    /// What hooks say.
    words: Vec<u8>,
}

/// Pushes; one outcome for each update.
pub(super) fn push(
    server: &Server,
    repo: &Repository,
    updates: &[Update],
) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes: BTreeMap<&str, Outcome> = BTreeMap::new();
    let mut left: Vec<&Update> = updates.iter().collect();
    while !left.is_empty() {
        let told = RefCell::new(Told::default());
        let pushed = converse(server, repo, &left, &told);
        let told = told.into_inner();
        let before = outcomes.len();
        for update in &left {
            if let Some(outcome) = told.outcome(server, update) {
                outcomes.insert(&update.branch, outcome);
            }
        }
        left.retain(|update| !outcomes.contains_key(update.branch.as_str()));
        if left.is_empty() {
            break;
        }
        // Some were moved by others, and the rest was not sent for their sake.
        if !told.moved.is_empty() && outcomes.len() > before {
            continue;
        }
        let error = match pushed {
            Err(error) if error.code() == ErrorCode::NotFastForward => {
                let lost = Outcome::Lost(shown(error.message(), WORDS));
                outcomes
                    .extend(left.drain(..).map(|update| (update.branch.as_str(), lost.clone())));
                break;
            }
            Err(error) => match server.context().of(&error) {
                Failure::Error(error) => error,
                dropped @ Failure::CacheDropped(_) => return Err(dropped),
            },
            Ok(()) => server.context().silence(),
        };
        let found = look(server, repo, &left, &error);
        outcomes.extend(left.drain(..).map(|update| update.branch.as_str()).zip(found));
    }
    let outcome = |update: &Update| outcomes.remove(update.branch.as_str());
    let missing = || Outcome::Lost("the server says nothing of it".into());
    Ok(updates.iter().map(outcome).map(|outcome| outcome.unwrap_or_else(missing)).collect())
}

/// What became of updates of which the answer is lost: they may be done (fault F61).
fn look(server: &Server, repo: &Repository, updates: &[&Update], error: &Error) -> Vec<Outcome> {
    let heads = server.connect(repo).map(|connection| connection.heads).ok();
    let is_done = |update: &Update| {
        let head = |heads: &BTreeMap<String, Head>| {
            heads.get(&format!("{HEADS}{}", update.branch)).map(|head| head.id.to_string())
        };
        heads.as_ref().is_some_and(|heads| head(heads) == update.new)
    };
    let outcome = |update: &&Update| {
        if is_done(update) { Outcome::Accepted } else { Outcome::Failed(error.clone()) }
    };
    updates.iter().map(outcome).collect()
}

fn converse(
    server: &Server,
    repo: &Repository,
    updates: &[&Update],
    told: &RefCell<Told>,
) -> Result<(), git2::Error> {
    server.gate.begin(server.limits.advertised);
    let planned: BTreeMap<String, Option<&str>> = updates
        .iter()
        .map(|update| (format!("{HEADS}{}", update.branch), update.old.as_deref()))
        .collect();
    let mut callbacks = RemoteCallbacks::new();
    callbacks.push_negotiation(|offered| {
        let mut told = told.borrow_mut();
        for update in offered {
            let name = update.dst_refname()?;
            let there = Some(update.src()).filter(|id| !id.is_zero()).map(|id| id.to_string());
            if planned.get(name).is_none_or(|old| there.as_deref() != *old) {
                told.moved.insert(name.to_owned(), update.src());
            }
        }
        if told.moved.is_empty() {
            return Ok(());
        }
        Err(git2::Error::new(ErrorCode::Modified, ErrorClass::Callback, "a branch has moved"))
    });
    callbacks.push_update_reference(|name, status| {
        told.borrow_mut().status.insert(name.to_owned(), status.map(str::to_owned));
        Ok(())
    });
    callbacks.sideband_progress(|words| {
        let mut told = told.borrow_mut();
        let room = MAX_WORDS.saturating_sub(told.words.len());
        told.words.extend_from_slice(&words[..words.len().min(room)]);
        true
    });
    // Nothing on the left: the branch on the right goes.
    let spec = |update: &&Update| {
        format!("{}:{HEADS}{}", update.new.as_deref().unwrap_or_default(), update.branch)
    };
    let specs: Vec<String> = updates.iter().map(spec).collect();
    let mut remote = repo.remote_anonymous(server.gate.url())?;
    remote.push(&specs, Some(&mut push_options(callbacks)))
}

impl Told {
    /// What became of an update, where the conversation tells.
    fn outcome(&self, server: &Server, update: &Update) -> Option<Outcome> {
        let name = format!("{HEADS}{}", update.branch);
        if let Some(there) = self.moved.get(&name) {
            let there =
                if there.is_zero() { "is gone".to_owned() } else { format!("moved to {there}") };
            return Some(Outcome::Lost(format!("it {there} meanwhile")));
        }
        let Some(status) = self.status.get(&name)? else { return Some(Outcome::Accepted) };
        let words = server.redactor.clean(&String::from_utf8_lossy(&self.words));
        if status.starts_with("unpacker error") {
            return Some(Outcome::Failed(server.context().unpacking(&words)));
        }
        let status = server.redactor.clean(status);
        let text = shown(&format!("{status}: {words}"), WORDS);
        let text = text.trim_end_matches([':', ' ']).to_owned();
        Some(if is_race(&status, &words) { Outcome::Lost(text) } else { Outcome::Refused(text) })
    }
}
