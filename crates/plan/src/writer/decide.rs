//! The decision table of a GitWriter (native-kinds, section 4, "What to do").
//!
//! Rows are named as the table names them.

use super::content::{edits, holds, replaces};
use super::desired::Desired;
use super::view::{Committed, FoundRecord, History, Place, Tip, View};

/// What the writer is asked for, beside the content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Files of others in the directory are removed.
    pub exclusive: bool,
    /// Writer whose path is taken over.
    pub take_over: Option<String>,
    /// An empty repository gets the base branch.
    pub create_base: bool,
    /// A person asked for one look now and has not been answered: what was taken back is written
    /// again.
    pub requested: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Tips alone do not tell: show the histories.
    NeedHistory,
    /// The goal holds the content.
    Done {
        /// The goal's commit that brought it.
        revision: String,
    },
    /// The branch holds the content, for people to merge.
    Leave {
        /// The branch's commit that brought it.
        revision: String,
        /// What a person changed on the branch since.
        edited: Option<String>,
    },
    /// Write, with this sequence.
    Write {
        /// Sequence of the new record.
        sequence: u64,
        /// What the commit says it replaces.
        replaces: Option<String>,
    },
    /// The repository is empty: make the base branch first.
    CreateBase,
    /// The base branch does not exist.
    BaseNotFound,
    /// Someone took the content back from the goal.
    Reverted {
        /// What happened, for people.
        message: String,
    },
    /// Someone changed the content in the goal.
    Edited {
        /// What happened, for people.
        message: String,
    },
    /// Someone closed the content's request without merging it.
    Declined {
        /// What happened, for people.
        message: String,
    },
    /// Another writer's record stands at an overlapping path.
    OwnedByAnother {
        /// Which, for people.
        message: String,
    },
    /// Something that is no directory is in the way.
    Obstructed {
        /// What, for people.
        message: String,
    },
}

/// Decides, from what git shows and nothing else.
pub fn decide(
    place: &Place,
    desired: &Desired,
    facts: &Facts,
    view: &View,
    history: Option<&History>,
) -> Decision {
    if let Some(obstacle) = &view.obstacle {
        let message =
            format!("{obstacle} is in the way of {}: move it, or write elsewhere", place.path);
        return Decision::Obstructed { message };
    }
    if let Some(message) = foreign(place, facts, view) {
        return Decision::OwnedByAnother { message };
    }
    let goal = match (&view.goal, &place.base) {
        (Some(goal), _) => goal,
        (None, None) => return write(1, None),
        (None, Some(_)) if view.empty && facts.create_base => return Decision::CreateBase,
        (None, Some(_)) => return Decision::BaseNotFound,
    };
    let held = holds(goal, desired, &place.writer, facts.exclusive);
    if held && (view.branch.is_none() || view.branch_in_goal) && is_recorded(goal, place, desired) {
        return match history.and_then(|history| history.brought.as_ref()) {
            Some(brought) => Decision::Done { revision: brought.id.clone() },
            None => Decision::NeedHistory,
        };
    }
    let Some(history) = history else { return Decision::NeedHistory };
    with_history(place, desired, facts, view, history, goal, held)
}

fn with_history(
    place: &Place,
    desired: &Desired,
    facts: &Facts,
    view: &View,
    history: &History,
    goal: &Tip,
    held: bool,
) -> Decision {
    let sequence = |found: Option<&FoundRecord>| found.map_or(0, |found| found.record.sequence);
    let in_goal = sequence(history.in_goal.as_ref());
    let on_branch = sequence(history.on_branch.as_ref());
    let declined = history.on_requests.iter().max_by_key(|(_, found)| found.record.sequence);
    let found = [&history.in_goal, &history.on_branch].into_iter().flatten();
    let newest = found.chain(declined.map(|(_, found)| found)).reduce(|best, other| {
        if sequence(Some(other)) > sequence(Some(best)) { other } else { best }
    });
    let next = sequence(newest) + 1;
    let unmerged = on_branch > in_goal;
    let done = || Decision::Done {
        revision: history.brought.as_ref().map_or(&goal.commit, |brought| &brought.id).clone(),
    };
    let wanted = newest.filter(|found| found.record.digest == desired.digest);
    let Some(newest) = wanted else {
        // Row 1.
        if held && !unmerged {
            return done();
        }
        return write(next, replaced(place, view, goal));
    };
    if held {
        // Row 2a.
        return done();
    }
    if newest.record.sequence == in_goal {
        // Row 2b.
        if facts.requested {
            return write(next, None);
        }
        if facts.exclusive
            && is_recorded(goal, place, desired)
            && edits(goal, &place.writer).is_empty()
        {
            return write(
                next,
                Some("Removes files of others: the directory is exclusive.".into()),
            );
        }
        return taken_back(place, goal, newest);
    }
    if let Some((number, found)) = declined
        && found.record.sequence == newest.record.sequence
    {
        // Row 2c.
        if facts.requested {
            return write(next, None);
        }
        return turned_down(place, *number);
    }
    // Row 2d; a branch that is gone (2e) has no record and falls under row 1.
    on_the_branch(place, view, newest, next)
}

/// Row 2c: the content was offered and not taken.
fn turned_down(place: &Place, number: i64) -> Decision {
    let message = format!(
        "request #{number} from {} to {} was closed without being merged. It stays so; reopen it, write \
         new content, or set annotation portolan.carto.run/requestedAt to offer it again",
        place.branch,
        place.goal()
    );
    Decision::Declined { message }
}

fn write(sequence: u64, replaces: Option<String>) -> Decision {
    Decision::Write { sequence, replaces }
}

/// Whether the goal's own record speaks of this content, so that the last commit to touch the
/// directory's record is the one that brought it.
fn is_recorded(goal: &Tip, place: &Place, desired: &Desired) -> bool {
    goal.record
        .as_ref()
        .is_some_and(|record| record.writer == place.writer && record.digest == desired.digest)
}

/// Row 2b: the content was in the goal and is not there any more.
fn taken_back(place: &Place, goal: &Tip, newest: &FoundRecord) -> Decision {
    let by = newest
        .changed_by
        .as_ref()
        .map_or_else(String::new, |commit| format!(" by {}", named(commit)));
    let what = format!("{} on {}", place.path, place.goal());
    let hint =
        "write new content, or set annotation portolan.carto.run/requestedAt to write it again";
    let at_tip = goal.record.as_ref().is_some_and(|record| {
        record.writer == place.writer && record.sequence == newest.record.sequence
    });
    if at_tip {
        let files = edits(goal, &place.writer).join(", ");
        let message = format!("{what} was changed{by}: {files}. It stays so; {hint}");
        return Decision::Edited { message };
    }
    let message = format!("{what} was taken back{by}. It stays so; {hint}");
    Decision::Reverted { message }
}

/// Row 2d: the content waits on the branch.
fn on_the_branch(place: &Place, view: &View, newest: &FoundRecord, next: u64) -> Decision {
    let revision = newest.commit.id.clone();
    let edited = view.branch.as_ref().map(|tip| edits(tip, &place.writer)).unwrap_or_default();
    if !edited.is_empty() {
        let by = newest
            .changed_by
            .as_ref()
            .map_or_else(String::new, |commit| format!(" by {}", named(commit)));
        let message =
            format!("{} on {} was changed{by}: {}", place.path, place.branch, edited.join(", "));
        return Decision::Leave { revision, edited: Some(message) };
    }
    if !view.goal_changed.is_empty() {
        let files = view.goal_changed.join(", ");
        let base = place.goal();
        return write(next, Some(format!("Joins {base}, which changed {files}.")));
    }
    Decision::Leave { revision, edited: None }
}

/// What a new write replaces: a person's edit of what was written before.
fn replaced(place: &Place, view: &View, goal: &Tip) -> Option<String> {
    let tip = view.branch.as_ref().filter(|_| !view.branch_in_goal).unwrap_or(goal);
    replaces(&edits(tip, &place.writer))
}

/// Another writer's record at an overlapping path, unless it is taken over.
fn foreign(place: &Place, facts: &Facts, view: &View) -> Option<String> {
    let may = |writer: &str| writer == place.writer || facts.take_over.as_deref() == Some(writer);
    for tip in view.goal.iter().chain(&view.branch) {
        if let Some(error) = &tip.unreadable {
            return Some(format!(
                "the record at {} does not read ({error}): restore it, or remove it to let this \
                 writer start anew",
                place.path
            ));
        }
        let records = tip.overlapping.iter().map(|(path, record)| (path.as_str(), record));
        let own = tip.record.iter().map(|record| (place.path.as_str(), record));
        if let Some((path, record)) = own.chain(records).find(|(_, record)| !may(&record.writer)) {
            return Some(format!(
                "{path} belongs to writer {}: write elsewhere, delete that writer with prune, or \
                 set spec.takeOver to its name",
                record.writer
            ));
        }
    }
    None
}

fn named(commit: &Committed) -> String {
    format!("commit {} ({}, {:?})", commit.short(), commit.author, commit.subject)
}

#[cfg(test)]
mod tests;
