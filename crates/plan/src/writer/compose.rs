//! The commit that a decision to write comes to ("How to write").

use std::collections::BTreeMap;

use portolan_api::record::{self, Record};

use super::content::removals;
use super::desired::{Desired, recorded};
use super::message::{merge_message, message};
use super::view::{Edit, Place, PutFile, Signature, Start, View};

/// How the commit is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStyle {
    /// Text of the message.
    pub message: Option<String>,
    /// Author and committer.
    pub author: Signature,
    /// Files of others in the directory are removed.
    pub exclusive: bool,
    /// Writer whose path is taken over.
    pub take_over: Option<String>,
}

/// Makes the commit. A missing branch starts at the base's tip, without base as a root commit of its
/// own; a branch whose tip is in the base's history continues from the base's tip; any other is
/// joined with the base first, so that merge, squash and rebase on the forge all land it.
pub fn compose(
    place: &Place,
    desired: &Desired,
    style: &CommitStyle,
    view: &View,
    sequence: u64,
    replaces: Option<&str>,
) -> Edit {
    let record = Record {
        writer: place.writer.clone(),
        sequence,
        passage: desired.carried.passage.clone(),
        parent: desired.carried.parent.clone(),
        provenance: desired.carried.provenance.clone(),
        commits: desired.carried.commits.clone(),
        digest: desired.digest.clone(),
        files: recorded(&desired.files),
        hops: desired.carried.hops.clone(),
    };
    let mut put: BTreeMap<String, PutFile> = desired
        .files
        .iter()
        .chain(&desired.extra)
        .map(|(path, file)| {
            let put = PutFile { mode: file.mode.clone(), content: file.content.clone() };
            (path.clone(), put)
        })
        .collect();
    put.insert(record::FILE.to_owned(), PutFile { mode: "100644".into(), content: record.write() });
    Edit {
        branch: place.branch.clone(),
        path: place.path.clone(),
        start: start(place, view),
        put,
        remove: stale(place, desired, style, view),
        message: message(place, desired, style.message.as_deref(), replaces),
        merge_message: merge_message(place, desired),
        author: style.author.clone(),
    }
}

/// The commits that an edit of this place builds on.
pub(super) fn start(place: &Place, view: &View) -> Start {
    match (&view.goal, &view.branch, &place.base) {
        (None, _, _) => Start::Root,
        (Some(goal), _, None) => {
            Start::On { parent: goal.commit.clone(), branch: Some(goal.commit.clone()) }
        }
        (Some(goal), None, Some(_)) => Start::On { parent: goal.commit.clone(), branch: None },
        (Some(goal), Some(branch), Some(_)) if view.branch_in_goal => {
            Start::On { parent: goal.commit.clone(), branch: Some(branch.commit.clone()) }
        }
        (Some(goal), Some(branch), Some(_)) => {
            Start::Join { base: goal.commit.clone(), branch: branch.commit.clone() }
        }
    }
}

/// What has to go from the tree the commit builds on: what our records list, on the goal and on the
/// branch.
fn stale(place: &Place, desired: &Desired, style: &CommitStyle, view: &View) -> Vec<String> {
    let mut writers = vec![place.writer.as_str()];
    writers.extend(style.take_over.as_deref());
    let tips = view.goal.iter().chain(&view.branch);
    let mut paths: Vec<String> =
        tips.flat_map(|tip| removals(tip, desired, &writers, style.exclusive)).collect();
    paths.sort();
    paths.dedup();
    paths
}

#[cfg(test)]
mod tests;
