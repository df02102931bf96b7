//! What became of content on a branch.

use jiff::Timestamp;
use portolan_api::record::Record;

use super::clean::clean;
use super::evidence::{Commit, What};
use super::lines::{Lines, Seen};
use super::story::{Edit, Fate};
use super::tell::{FILES, ID, NAME, PATH};

/// What people changed of it, and what became of it in the end.
pub(super) fn fate(lines: &Lines<'_>, seen: Seen<'_>, record: &Record) -> (Vec<Edit>, Fate) {
    let mut edits = Vec::new();
    for later in lines.after(seen) {
        let commit = &later.point.commit;
        match &later.change.what {
            What::Edited(files) => edits.push(Edit {
                commit: clean(&commit.id, ID),
                time: time(commit),
                author: clean(&commit.author, NAME),
                files: files.iter().take(FILES).map(|file| clean(file, PATH)).collect(),
            }),
            What::Written(_) => {
                let Some(next) = later.record(lines.evidence) else { continue };
                if next.passage == record.passage {
                    continue;
                }
                return (edits, next_record(lines, seen, later, next));
            }
            What::Removed => return (edits, reverted(commit, None)),
            What::Unreadable(_) => {
                let (id, author) = (clean(&commit.id, ID), clean(&commit.committer, NAME));
                return (edits, Fate::Lost { commit: id, time: time(commit), author });
            }
        }
    }
    (edits, Fate::Current)
}

/// Going back to what was there before is a revert; whatever else comes is new.
fn next_record(lines: &Lines<'_>, seen: Seen<'_>, later: Seen<'_>, next: &Record) -> Fate {
    let mut earlier = lines.history(Some(seen.at), &seen.change.path);
    let was_there = earlier
        .any(|other| other.record(lines.evidence).is_some_and(|record| is_same(record, next)));
    let commit = &later.point.commit;
    if was_there {
        return reverted(commit, Some(&next.passage));
    }
    Fate::Replaced {
        passage: clean(&next.passage, ID),
        commit: clean(&commit.id, ID),
        time: time(commit),
        author: clean(&commit.committer, NAME),
    }
}

fn reverted(commit: &Commit, passage: Option<&str>) -> Fate {
    Fate::Reverted {
        passage: passage.map(|passage| clean(passage, ID)),
        commit: clean(&commit.id, ID),
        time: time(commit),
        author: clean(&commit.committer, NAME),
    }
}

/// Whether two records are one write.
pub(super) fn is_same(one: &Record, other: &Record) -> bool {
    one.writer == other.writer
        && one.sequence == other.sequence
        && one.passage == other.passage
        && one.digest == other.digest
}

/// The time of a commit, which may be any number.
pub(super) fn time(commit: &Commit) -> Timestamp {
    Timestamp::from_second(commit.time).unwrap_or_default()
}
