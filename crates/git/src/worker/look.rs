//! Looking at a place: its tree, and the commit that changed it.

use std::collections::HashSet;

use git2::{Commit, Oid, Repository};

use super::ignored::Ignored;
use super::objects::{Objects, oid};
use super::remote::{Connection, Server, again};
use super::store::Store;
use crate::error::Error;
use crate::names;
use crate::reads::{CommitInfo, Log, Look, Looked, Seen};
use crate::refs::{HEADS, TAGS};
use crate::text::shown;
use crate::wire::Failure;

/// So much of the history is brought where a change has to be found that happened while we were not
/// there.
const DEEPER: i32 = 100;
/// The whole history, also of a repository that has only its end so far.
const ALL: i32 = i32::MAX;
/// Commits that are gone through to find a change.
const MAX_COMMITS: usize = 10_000;

/// Looks at a place.
pub(super) fn look(server: &Server, store: &mut Store, look: &Look) -> Result<Looked, Failure> {
    let commit = check(&look.reference, &look.commit, &look.path)?;
    let last = look.last.as_ref().map(|seen| oid(&seen.revision)).transpose()?;
    let mut ignored = Ignored::new(&look.ignore)?;
    let path = names::parts(&look.path);
    ensure(server, store, &look.reference, commit, last)?;
    let tree = {
        let objects = Objects::of(store.repo()?)?;
        tree_of(&objects, &mut ignored, commit, &path)?.ok_or_else(|| Error::PathNotFound {
            path: look.path.clone(),
            commit: look.commit.clone(),
        })?
    };
    let seen = |seen: &&Seen| seen.tree == tree.to_string();
    if let Some(seen) = look.last.as_ref().filter(seen) {
        let objects = Objects::of(store.repo()?)?;
        let commit = last.filter(|id| objects.has(*id)).and_then(|id| objects.commit(id).ok());
        let commit = commit.as_ref().map(info);
        return Ok(Looked { tree: seen.tree.clone(), revision: seen.revision.clone(), commit });
    }
    if let Some(last) = last.filter(|last| *last != commit) {
        deepen(server, store, &look.reference, commit, last)?;
    }
    let objects = Objects::of(store.repo()?)?;
    let revision = match last {
        Some(last) => changed(&objects, &mut ignored, commit, last, tree, &path)?,
        None => commit,
    };
    let info = info(&objects.commit(revision)?);
    Ok(Looked { tree: tree.to_string(), revision: revision.to_string(), commit: Some(info) })
}

/// Tells a stretch of first-parent history, newest first, as far as it reaches.
pub(super) fn log(
    server: &Server,
    store: &mut Store,
    log: &Log,
) -> Result<Vec<(String, CommitInfo)>, Failure> {
    let commit = check(&log.reference, &log.commit, ".")?;
    let since = log.since.as_deref().map(oid).transpose()?;
    ensure(server, store, &log.reference, commit, since)?;
    if let Some(since) = since.filter(|since| *since != commit) {
        deepen(server, store, &log.reference, commit, since)?;
    }
    let objects = Objects::of(store.repo()?)?;
    let limit = if since.is_some() { log.limit } else { 1 };
    let mut told = Vec::new();
    let mut next = Some(commit);
    while let Some(at) = next.filter(|at| Some(*at) != since && objects.has(*at)) {
        if told.len() >= limit {
            break;
        }
        let found = objects.commit(at)?;
        told.push((at.to_string(), info(&found)));
        next = found.parent_ids().next();
    }
    Ok(told)
}

/// Checks the names of a request.
pub(super) fn check(reference: &str, commit: &str, path: &str) -> Result<Oid, Failure> {
    names::check_commit(commit)?;
    names::check_path(path)?;
    if reference != commit {
        names::check_full("reference", reference)?;
    }
    oid(commit)
}

/// The tree of a commit at a path, after what is ignored.
pub(super) fn tree_of(
    objects: &Objects<'_>,
    ignored: &mut Ignored,
    commit: Oid,
    path: &[&[u8]],
) -> Result<Option<Oid>, Failure> {
    ignored.tree_at(objects, objects.commit(commit)?.tree_id(), path)
}

/// A commit that is wanted.
struct Wanted<'a> {
    reference: &'a str,
    commit: Oid,
    /// What was seen before.
    last: Option<Oid>,
}

/// Brings a commit here if it is not: the end of its branch alone, what came since the last look, or,
/// where the branch has moved on, as much as is needed.
pub(super) fn ensure(
    server: &Server,
    store: &mut Store,
    reference: &str,
    commit: Oid,
    last: Option<Oid>,
) -> Result<(), Failure> {
    store.tidy();
    if Objects::of(store.repo()?)?.has(commit) {
        return Ok(());
    }
    let wanted = Wanted { reference, commit, last };
    let fetched = {
        let repo = store.repo()?;
        again(server, repo, |connection| bring(server, repo, connection, &wanted))
    };
    // What is in memory of a shallow repository may have the wrong parents now.
    store.reopen();
    fetched?;
    if Objects::of(store.repo()?)?.has(commit) {
        return Ok(());
    }
    Err(Error::CommitGone { commit: commit.to_string() }.into())
}

fn bring<'a>(
    server: &'a Server,
    repo: &'a Repository,
    connection: &mut Connection<'a>,
    wanted: &Wanted<'_>,
) -> Result<(), Failure> {
    let Wanted { reference, commit, last } = *wanted;
    let objects = Objects::of(repo)?;
    let at_tip = |connection: &Connection<'_>, name: &str| {
        connection.heads.get(name).is_some_and(|head| head.commit == commit)
    };
    if at_tip(connection, reference) {
        if last.is_some_and(|last| objects.has(last)) {
            match connection.fetch(&[reference], 0) {
                // Somebody rewrote the history, and all of the new one is too much.
                Err(Failure::Error(Error::TooLarge { .. })) => {}
                done => return done,
            }
            *connection = server.connect(repo)?;
        }
        return connection.fetch(&[reference], 1);
    }
    let names: Vec<String> = connection.heads.keys().cloned().collect();
    if let Some(name) = names.iter().find(|name| at_tip(connection, name)) {
        return connection.fetch(&[name], 1);
    }
    if connection.fetch_commit(&commit.to_string(), 1).is_ok() {
        return Ok(());
    }
    // A server that gives out references only, or a commit that is gone.
    *connection = server.connect(repo)?;
    let branch_or_tag = |name: &&String| name.starts_with(HEADS) || name.starts_with(TAGS);
    let all: Vec<&str> = if connection.heads.contains_key(reference) {
        vec![reference]
    } else if reference == commit.to_string() {
        names.iter().filter(branch_or_tag).map(String::as_str).collect()
    } else {
        Vec::new()
    };
    if all.is_empty() { Ok(()) } else { connection.fetch(&all, ALL) }
}

/// Brings more of the history where it does not reach the commit that was seen last.
fn deepen(
    server: &Server,
    store: &mut Store,
    reference: &str,
    commit: Oid,
    last: Oid,
) -> Result<(), Failure> {
    let repo = store.repo()?;
    if !repo.is_shallow() || Objects::of(repo)?.has(last) {
        return Ok(());
    }
    let done = server.connect(repo).and_then(|mut connection| {
        let is_there = connection.heads.get(reference).is_some_and(|head| head.commit == commit);
        if is_there { connection.fetch(&[reference], DEEPER) } else { Ok(()) }
    });
    store.reopen();
    match done {
        Err(Failure::Error(Error::TooLarge { .. } | Error::ServerError { .. })) => Ok(()),
        done => done,
    }
}

/// The newest first-parent commit after `last` that changed the tree; where the history does not
/// reach the change, the commit itself.
fn changed(
    objects: &Objects<'_>,
    ignored: &mut Ignored,
    commit: Oid,
    last: Oid,
    tree: Oid,
    path: &[&[u8]],
) -> Result<Oid, Failure> {
    let horizon = horizon(objects.repo);
    let mut at = commit;
    for _ in 0..MAX_COMMITS {
        if at == last {
            break;
        }
        let parent = objects.commit(at)?.parent_ids().next();
        let Some(parent) = parent.filter(|parent| objects.has(*parent)) else {
            // Either as far as we can see, or the first commit of all, which brought the tree.
            return Ok(if horizon.contains(&at) { commit } else { at });
        };
        if tree_of(objects, ignored, parent, path)? != Some(tree) {
            return Ok(at);
        }
        at = parent;
    }
    Ok(commit)
}

/// The commits whose parents were not brought.
fn horizon(repo: &Repository) -> HashSet<Oid> {
    let listed = std::fs::read_to_string(repo.path().join("shallow")).unwrap_or_default();
    listed.lines().filter_map(|line| Oid::from_str(line).ok()).collect()
}

/// A commit, for people.
fn info(commit: &Commit<'_>) -> CommitInfo {
    let text = |bytes: &[u8]| shown(&String::from_utf8_lossy(bytes), 200);
    let author = commit.author();
    let subject = commit.message_bytes().split(|byte| *byte == b'\n').find(|line| !line.is_empty());
    let time = jiff::Timestamp::from_second(commit.time().seconds()).unwrap_or_default();
    CommitInfo {
        author: format!("{} <{}>", text(author.name_bytes()), text(author.email_bytes())),
        time: time.to_string(),
        subject: text(subject.unwrap_or_default()),
    }
}
