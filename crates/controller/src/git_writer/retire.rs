//! Deleting a GitWriter with `prune`: what its record lists is removed, in one commit.

use std::time::Duration;

use portolan_api::native::GitWriter;
use portolan_git::{Planner, Step};
use portolan_plan::object;
use portolan_plan::outcome::{Again, Event};
use portolan_plan::writer::{History, Place, Signature, View, retire};

use super::{GitWriters, KIND, planner};
use crate::native::{Native, has_finalizer, is_recently_deleted, set_finalizer};
use crate::trouble::{Class, Trouble};

impl GitWriters {
    /// Keeps the finalizer as `prune` asks, and cleans up when the object is being deleted. Returns
    /// when the round ends here.
    pub(super) async fn finalize(&self, writer: &Native<GitWriter>) -> Option<Again> {
        let held = has_finalizer(&writer.value);
        let prune = writer.typed.spec.prune;
        if !object::is_terminating(&writer.value) {
            if prune == held {
                return None;
            }
            return Some(set_finalizer(&self.cx, KIND, &writer.value, prune).await);
        }
        if !held {
            return Some(Again::OnChange);
        }
        if prune && let Err(trouble) = self.remove(writer).await {
            tracing::warn!(key = %writer.key, %trouble, "a deleted writer's files stay for now");
            let event = Event::warning("CleanupBlocked", trouble.to_string());
            self.cx.events.record(&writer.value, vec![event]);
            // A forge that is away may come back; what a person would have to mend, or what takes too
            // long, must not hold a namespace for ever.
            if trouble.class == Class::Transient && is_recently_deleted(&writer.value) {
                return Some(Again::BackOff);
            }
        }
        Some(set_finalizer(&self.cx, KIND, &writer.value, false).await)
    }

    async fn remove(&self, writer: &Native<GitWriter>) -> Result<(), Trouble> {
        let place = self.place(writer)?;
        let remote = super::remote(writer);
        let repository = self.cx.polls.repository(&remote, Duration::ZERO).await?;
        let author = planner::signature(writer);
        let planner = Box::new(Retire { place: place.clone(), author });
        self.cx.git.write(&repository, place, planner).await?;
        Ok(())
    }
}

struct Retire {
    place: Place,
    author: Signature,
}

impl Planner for Retire {
    fn plan(&mut self, view: &View, _history: Option<&History>) -> Step {
        match retire(&self.place, view, &self.author) {
            Some(edit) => Step::Write { edit, again: false },
            None => Step::Stop,
        }
    }
}
