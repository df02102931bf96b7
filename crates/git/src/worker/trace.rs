//! What the branches of a repository show of records: the evidence of `portolan trace`.
//!
//! Works on any repository at hand, also outside of a worker: it only reads, and everything it reads
//! is bounded.

mod diff;
mod points;
mod shelf;
mod walk;

use git2::{Oid, Repository};
use portolan_plan::trace::{Evidence, Seek};

use self::diff::Diff;
use self::points::points;
use self::walk::walk;
use super::objects::Objects;
use super::remote::{Server, again};
use super::store::Store;
use crate::error::Error;
use crate::refs::HEADS;
use crate::wire::Failure;

/// Branches that are named where one is missing.
const NAMED: usize = 20;

/// Brings all branches of the server's repository, with their history, and looks through them.
pub(super) fn remote(server: &Server, store: &mut Store, seek: &Seek) -> Result<Evidence, Failure> {
    store.tidy();
    let repo = store.repo()?;
    let objects = Objects::of(repo)?;
    let tips = again(server, repo, |connection| {
        let heads = connection.heads.iter();
        let all = heads.filter_map(|(name, head)| Some((name.strip_prefix(HEADS)?, head.id)));
        let tips = choose(all.map(|(name, id)| (name.to_owned(), id)).collect(), seek)?;
        let is_missing =
            |(name, id): &(String, Oid)| (!objects.has(*id)).then(|| format!("{HEADS}{name}"));
        let missing: Vec<String> = tips.iter().filter_map(is_missing).collect();
        if !missing.is_empty() {
            let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
            connection.fetch(&missing, 0)?;
        }
        Ok(tips)
    })?;
    gather(repo, &tips, seek)
}

/// The branches to look through.
pub(crate) fn choose(all: Vec<(String, Oid)>, seek: &Seek) -> Result<Vec<(String, Oid)>, Failure> {
    if seek.branches.is_empty() {
        return Ok(all);
    }
    let has = |wanted: &&String| !all.iter().any(|(name, _)| name == *wanted);
    if let Some(missing) = seek.branches.iter().find(has) {
        let names: Vec<&str> = all.iter().take(NAMED).map(|(name, _)| name.as_str()).collect();
        let more = if all.len() > NAMED { ", …" } else { "" };
        let problem = format!("{missing:?} is not there; there are {}{more}", names.join(", "));
        return Err(Error::invalid("branch", problem).into());
    }
    Ok(all.into_iter().filter(|(name, _)| seek.branches.contains(name)).collect())
}

/// Looks through the first-parent histories of these branches.
pub(crate) fn gather(
    repo: &Repository,
    tips: &[(String, Oid)],
    seek: &Seek,
) -> Result<Evidence, Failure> {
    let objects = Objects::of(repo)?;
    let walked = walk(&objects, tips)?;
    let mut diff = Diff::new(&objects);
    let mut changes = Vec::with_capacity(walked.order.len());
    for commit in &walked.order {
        changes.push(diff.of(&walked, *commit)?);
    }
    let cut = walked.cut.clone().or_else(|| diff.cut());
    let mut evidence = points(&objects, tips, &walked, changes, diff.into_records(), seek)?;
    evidence.cut = cut;
    Ok(evidence)
}
