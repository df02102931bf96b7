//! Where branches are while a batch is planned: at the server, and after the commits that wait.

use portolan_plan::writer::{Edit, Place, Start};

use crate::error::Error;
use crate::wire::{Observe, Tips, Update};

/// Where branches are.
pub(super) struct Board {
    tips: Tips,
    /// Branches that will move, in the order in which they were written, and where to.
    pending: Vec<(String, String)>,
}

impl Board {
    pub(super) fn new(tips: Tips) -> Self {
        Self { tips, pending: Vec::new() }
    }

    /// The tip of a branch, with the commits that wait.
    fn tip(&self, branch: &str) -> Option<&String> {
        let pending =
            self.pending.iter().find(|(name, _)| name == branch).map(|(_, commit)| commit);
        pending.or_else(|| self.tips.commits.get(branch))
    }

    /// What a writer is shown.
    pub(super) fn observe(&self, place: &Place) -> Observe {
        Observe {
            place: place.clone(),
            empty: self.tips.empty && self.pending.is_empty(),
            goal: self.tip(place.goal()).cloned(),
            branch: place.base.as_ref().and_then(|_| self.tip(&place.branch).cloned()),
        }
    }

    /// Checks that an edit is of the writer's place and starts where its branch is.
    pub(super) fn check(&self, place: &Place, edit: &Edit) -> Result<(), Error> {
        let bad = |problem: &str| Err(Error::invalid("edit", problem));
        if edit.branch != place.branch && Some(&edit.branch) != place.base.as_ref() {
            return bad("it is of another branch than the writer's");
        }
        let from = match &edit.start {
            Start::Root => None,
            Start::On { branch, .. } => branch.as_ref(),
            Start::Join { branch, .. } => Some(branch),
        };
        if from != self.tip(&edit.branch) {
            return bad("it does not start where its branch is");
        }
        Ok(())
    }

    /// Moves a branch to a commit that waits.
    pub(super) fn advance(&mut self, branch: &str, commit: String) {
        match self.pending.iter_mut().find(|(name, _)| name == branch) {
            Some((_, tip)) => *tip = commit,
            None => self.pending.push((branch.to_owned(), commit)),
        }
    }

    /// Forgets the commits that wait.
    pub(super) fn reset(&mut self) {
        self.pending.clear();
    }

    /// The push that all of this comes to.
    pub(super) fn updates(&self) -> Vec<Update> {
        let update = |(branch, new): &(String, String)| Update {
            branch: branch.clone(),
            old: self.tips.commits.get(branch).cloned(),
            new: Some(new.clone()),
        };
        self.pending.iter().map(update).collect()
    }
}
