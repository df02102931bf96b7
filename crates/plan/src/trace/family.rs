//! Passages that came from one another where people edited files on the way.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::record::Record;

use super::evidence::Evidence;

/// Most passages of one chain.
const MAX: usize = 64;

/// The parents of all passages.
pub(super) struct Family<'e> {
    parents: BTreeMap<&'e str, &'e str>,
    children: BTreeMap<&'e str, BTreeSet<&'e str>>,
}

impl<'e> Family<'e> {
    pub(super) fn new(evidence: &'e Evidence) -> Self {
        let mut family = Self { parents: BTreeMap::new(), children: BTreeMap::new() };
        for Record { passage, parent, .. } in &evidence.records {
            let Some(parent) = parent.as_ref().filter(|parent| *parent != passage) else {
                continue;
            };
            family.parents.entry(passage).or_insert(parent);
            family.children.entry(parent).or_default().insert(passage);
        }
        family
    }

    pub(super) fn parent(&self, passage: &str) -> Option<&'e str> {
        self.parents.get(passage).copied()
    }

    /// The passage and those it came from, oldest first.
    pub(super) fn ancestors(&self, passage: &'e str) -> Vec<&'e str> {
        let mut line = vec![passage];
        let mut at = passage;
        while let Some(parent) = self.parent(at) {
            if line.len() >= MAX || line.contains(&parent) {
                break;
            }
            line.push(parent);
            at = parent;
        }
        line.reverse();
        line
    }

    /// The oldest passage that this one came from.
    pub(super) fn root(&self, passage: &'e str) -> &'e str {
        self.ancestors(passage).first().copied().unwrap_or(passage)
    }

    /// What the passage came from, it, and what came from it, oldest first.
    pub(super) fn chain(&self, passage: &'e str) -> Vec<&'e str> {
        let mut chain = self.ancestors(passage);
        let mut next = chain.len().saturating_sub(1);
        while let Some(at) = chain.get(next).copied() {
            for child in self.children.get(at).into_iter().flatten() {
                if chain.len() < MAX && !chain.contains(child) {
                    chain.push(child);
                }
            }
            next += 1;
        }
        chain
    }
}
