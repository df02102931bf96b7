//! The commits of an edit, built in memory.

use std::fmt::Write as _;

use git2::{Commit, Oid, Signature, Time};
use portolan_plan::writer::{Edit, Start};

use super::objects::{Objects, empty_tree, oid};
use super::triage::local;
use super::view::merge_base;
use super::{edit, join};
use crate::error::Error;
use crate::names;
use crate::wire::Failure;

/// Builds the commit of an edit, and the merge before it where there is one. No reference moves.
pub(super) fn commit(objects: &Objects<'_>, edit: &Edit) -> Result<Oid, Failure> {
    names::check_short("branch", &edit.branch)?;
    names::check_path(&edit.path)?;
    let (tree, parents) = match &edit.start {
        Start::Root => {
            // Nothing is stored of an empty repository, not even the empty tree.
            objects.write_tree(&[])?;
            (empty_tree(), Vec::new())
        }
        Start::On { parent, .. } => {
            let parent = objects.commit(oid(parent)?)?;
            (parent.tree_id(), vec![parent])
        }
        Start::Join { base, branch } => {
            let merged = merge(objects, edit, oid(base)?, oid(branch)?)?;
            (merged.tree_id(), vec![merged])
        }
    };
    let tree = edit::apply(objects, tree, edit)?;
    store(objects, edit, &edit.message, tree, &parents)
}

/// The merge of a branch into its base: base first, so that the base's history stays the main line.
fn merge<'a>(
    objects: &Objects<'a>,
    edit: &Edit,
    base: Oid,
    branch: Oid,
) -> Result<Commit<'a>, Failure> {
    let (base, branch) = (objects.commit(base)?, objects.commit(branch)?);
    let ancestor = match merge_base(objects.repo, base.id(), branch.id())? {
        Some(ancestor) => objects.commit(ancestor)?.tree_id(),
        None => empty_tree(),
    };
    let path = names::parts(&edit.path);
    let joined = join::join(objects, ancestor, base.tree_id(), branch.tree_id(), &path)?;
    let message = with_conflicts(&edit.merge_message, &joined.conflicts);
    let id = store(objects, edit, &message, joined.tree, &[base, branch])?;
    objects.commit(id)
}

/// The message of a merge that names the files of which the branch's version is not kept.
fn with_conflicts(message: &str, conflicts: &[String]) -> String {
    const NAMED: usize = 50;
    if conflicts.is_empty() {
        return message.to_owned();
    }
    let mut text = conflicts.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if conflicts.len() > NAMED {
        let _ = write!(text, " and {} more", conflicts.len() - NAMED);
    }
    let line = format!("Both sides changed {text}: the base's version stays.");
    match message.split_once("\n\n") {
        Some((subject, trailers)) => format!("{subject}\n\n{line}\n\n{trailers}"),
        None => format!("{}\n\n{line}\n", message.trim_end()),
    }
}

fn store(
    objects: &Objects<'_>,
    edit: &Edit,
    message: &str,
    tree: Oid,
    parents: &[Commit<'_>],
) -> Result<Oid, Failure> {
    let author = &edit.author;
    let time = Time::new(author.seconds, 0);
    let bad = |error: git2::Error| Error::invalid("commit", error.message());
    let author = Signature::new(&author.name, &author.email, &time).map_err(bad)?;
    if message.contains('\0') {
        return Err(Error::invalid("commit", "its message has a NUL character").into());
    }
    let tree = objects.repo.find_tree(tree).map_err(|error| local(&error))?;
    let parents: Vec<&Commit<'_>> = parents.iter().collect();
    let made = objects.repo.commit(None, &author, &author, message, &tree, &parents);
    made.map_err(|error| local(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_stand_before_the_trailers() {
        let message = "Join staging and staging/app\n\nPortolan-Writer: w\n";
        assert_eq!(with_conflicts(message, &[]), message);
        assert_eq!(
            with_conflicts(message, &["a".into(), "b".into()]),
            "Join staging and staging/app\n\nBoth sides changed a, b: the base's version stays.\n\n\
             Portolan-Writer: w\n"
        );
        let many: Vec<String> = (0..60).map(|n| n.to_string()).collect();
        assert!(with_conflicts(message, &many).contains("49 and 10 more:"));
    }
}
