//! The resources of an owner's blueprint: how each stands, and which of them holds the others.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::condition::ConditionStatus;
use portolan_api::native::reasons::READY;

use super::condition::find;
use super::owner::Entry;
use super::report::{Cause, Step, StepState};
use super::tell::Seen;
use super::{cause, facts};

/// Resources with what holds them.
pub(super) struct Steps<'a> {
    entries: &'a [Entry<'a>],
    seen: &'a BTreeMap<String, Seen>,
    troubles: BTreeMap<&'a str, Cause>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(entries: &'a [Entry<'a>], seen: &'a BTreeMap<String, Seen>) -> Self {
        let trouble = |entry: &Entry<'a>| {
            Some((entry.name, cause::of_resource(entry, seen.get(entry.name))?))
        };
        Self { entries, seen, troubles: entries.iter().filter_map(trouble).collect() }
    }

    /// What holds the others: the first in order, but what it takes its inputs from goes before it.
    pub(super) fn first_trouble(&self) -> Option<Cause> {
        let mut entry = self.entries.iter().find(|entry| self.is_troubled(entry.name))?;
        let mut passed = BTreeSet::from([entry.name]);
        while let Some(provider) = self.troubled_provider(entry) {
            if !passed.insert(provider.name) {
                break;
            }
            entry = provider;
        }
        self.troubles.get(entry.name).cloned()
    }

    /// The first that waits for a merge.
    pub(super) fn first_unmerged(&self) -> Option<Cause> {
        self.entries.iter().find_map(|entry| self.unmerged(entry))
    }

    fn unmerged(&self, entry: &Entry<'_>) -> Option<Cause> {
        cause::unmerged(entry, self.seen.get(entry.name))
    }

    fn is_troubled(&self, name: &str) -> bool {
        self.troubles.contains_key(name)
    }

    fn troubled_provider(&self, entry: &Entry<'_>) -> Option<&'a Entry<'a>> {
        let name = entry.inputs.iter().find(|input| self.is_troubled(input))?;
        self.entries.iter().find(|entry| entry.name == *name)
    }

    /// All of them, as they are told.
    pub(super) fn told(&self) -> Vec<Step> {
        self.entries.iter().map(|entry| self.step(entry)).collect()
    }

    fn step(&self, entry: &Entry<'_>) -> Step {
        let conditions = entry.conditions();
        let mut step = Step {
            name: entry.name.to_owned(),
            state: self.state(entry),
            object: entry.object.clone(),
            revision: None,
            attempted: None,
            image: None,
            branch: None,
            request: None,
            subject: None,
            since: find(&conditions, READY).and_then(|ready| ready.cause().since),
        };
        let object = match self.seen.get(entry.name) {
            Some(Seen::Object(object)) => Some(&**object),
            _ => None,
        };
        facts::note(&mut step, entry, object);
        step
    }

    fn state(&self, entry: &Entry<'_>) -> StepState {
        let Some(trouble) = self.troubles.get(entry.name) else {
            let unmerged = self.unmerged(entry).is_some();
            return if unmerged { StepState::Unmerged } else { StepState::Ready };
        };
        // What cannot be stamped for want of an input says nothing of itself.
        if trouble.object.is_none() && self.troubled_provider(entry).is_some() {
            return StepState::Unreached;
        }
        match trouble.status {
            ConditionStatus::Unknown => StepState::Waiting,
            ConditionStatus::True | ConditionStatus::False => StepState::Failed,
        }
    }
}
