//! What goes into a layer, decided from the list of entries alone: names, order, modes.

use std::collections::BTreeMap;

use super::rule::LayerRule;
use crate::archive::{Entry, Kind};
use crate::error::Error;
use crate::text::shown;

/// The folder of our own records in a source tree; everything but it is `.`.
const OWN: &str = ".portolan";
/// Bytes of all names of a layer: they are held in memory, and deep paths have many parents.
const NAME_BYTES: usize = 64 << 20;
/// How many existing entries a message names.
const NEAREST: usize = 5;

/// One entry of a layer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// A folder and its mode.
    Directory(u32),
    /// A symbolic link and its target.
    Symlink(String),
    /// A file.
    File {
        /// Its place in the archive.
        place: usize,
        /// Bytes.
        size: u64,
        /// Mode.
        mode: u32,
    },
}

impl Member {
    /// Bytes of its content.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Directory(_) | Self::Symlink(_) => 0,
        }
    }
}

/// The entries of a layer by name, in their order. The name of a folder ends with `/`, which is also how git orders trees:
/// an archive of ours is in this order already.
pub(super) fn plan(rule: &LayerRule, entries: &[Entry]) -> Result<BTreeMap<String, Member>, Error> {
    let mut members = Members::default();
    for (place, entry) in entries.iter().enumerate() {
        let Some(name) = target(rule, entry) else {
            continue;
        };
        let problem = match &entry.kind {
            Kind::Unusable(why) => Some(*why),
            _ if name.split('/').any(|part| part.starts_with(".wh.")) => {
                Some("a name that begins with .wh. deletes a file of the base image")
            }
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(invalid(&entry.path, problem));
        }
        let (name, member) = match &entry.kind {
            Kind::Directory if name.is_empty() => continue,
            Kind::Directory => (format!("{name}/"), directory(&name)),
            Kind::Symlink { target } => (name, Member::Symlink(target.clone())),
            Kind::File { size, executable } => {
                let mode = rule.mode.unwrap_or(if *executable { 0o755 } else { 0o644 });
                (name, Member::File { place, size: *size, mode })
            }
            Kind::Unusable(_) => continue,
        };
        let is_directory = matches!(member, Member::Directory(_));
        if members.insert(name, member)?.is_some() && !is_directory {
            return Err(invalid(&entry.path, "it is in the archive twice"));
        }
    }
    if members.known.is_empty()
        && !entries.iter().any(|e| e.kind == Kind::Directory && e.path == rule.from)
    {
        return Err(not_found(rule, entries));
    }
    add_parents(rule, &mut members)?;
    Ok(members.known)
}

/// The members so far, bounded: with many long names they are what a layer costs.
#[derive(Default)]
struct Members {
    known: BTreeMap<String, Member>,
    name_bytes: usize,
}

impl Members {
    fn insert(&mut self, name: String, member: Member) -> Result<Option<Member>, Error> {
        self.name_bytes += name.len();
        if self.name_bytes > NAME_BYTES {
            let unit = "bytes of names in one layer";
            return Err(Error::SourceTooLarge { limit: NAME_BYTES as u64, unit });
        }
        Ok(self.known.insert(name, member))
    }
}

/// The name of an entry in the layer; `None` when the rule does not take it.
fn target(rule: &LayerRule, entry: &Entry) -> Option<String> {
    if rule.from.is_empty() {
        let own = entry.path == OWN || below(&entry.path, OWN).is_some();
        let nothing = entry.path.is_empty() && entry.kind != Kind::Directory;
        return (!own && !nothing).then(|| join(&rule.to, &entry.path));
    }
    if let Some(rest) = below(&entry.path, &rule.from) {
        return Some(join(&rule.to, rest));
    }
    if entry.path != rule.from {
        return None;
    }
    let name = rule.from.rsplit('/').next().unwrap_or_default();
    match entry.kind {
        Kind::Directory => Some(rule.to.clone()),
        _ if rule.to_is_directory => Some(join(&rule.to, name)),
        _ => Some(rule.to.clone()),
    }
}

/// Every parent is an entry of its own, so that nothing depends on what is below.
fn add_parents(rule: &LayerRule, members: &mut Members) -> Result<(), Error> {
    let names: Vec<String> = members.known.keys().cloned().collect();
    for name in names {
        let whole = name.trim_end_matches('/');
        let clashes = |path: &str| {
            let problem = format!("/{} would be a folder and something else", shown(path));
            invalid(rule.shown_from(), &problem)
        };
        if name.ends_with('/') && members.known.contains_key(whole) {
            return Err(clashes(whole));
        }
        for (slash, _) in whole.match_indices('/') {
            let parent = &whole[..slash];
            if members.known.contains_key(parent) {
                return Err(clashes(parent));
            }
            if !members.known.contains_key(&whole[..=slash]) {
                members.insert(whole[..=slash].to_owned(), directory(parent))?;
            }
        }
    }
    Ok(())
}

/// A folder as root has it; the two that everybody writes to stay so, whatever the base image says.
pub(super) fn directory(name: &str) -> Member {
    Member::Directory(if matches!(name, "tmp" | "var/tmp") { 0o1777 } else { 0o755 })
}

fn below<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    path.strip_prefix(directory)?.strip_prefix('/')
}

fn join(directory: &str, rest: &str) -> String {
    match (directory, rest) {
        ("", rest) => rest.to_owned(),
        (directory, "") => directory.to_owned(),
        (directory, rest) => format!("{directory}/{rest}"),
    }
}

/// Says what stands in the deepest folder of the path that is there, most alike first.
fn not_found(rule: &LayerRule, entries: &[Entry]) -> Error {
    let mut folder = rule.from.as_str();
    loop {
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        let missing = rule.from[folder.len()..].trim_start_matches('/').split('/').next();
        let mut names: Vec<&str> = entries
            .iter()
            .filter_map(|e| {
                if folder.is_empty() { Some(e.path.as_str()) } else { below(&e.path, folder) }
            })
            .filter_map(|rest| rest.split('/').next().filter(|name| !name.is_empty()))
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() && !folder.is_empty() {
            continue;
        }
        let alike = |name: &str| {
            let common = name.chars().zip(missing.unwrap_or_default().chars());
            common.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
        };
        names.sort_by_key(|name| std::cmp::Reverse(alike(name)));
        let nearest = names.into_iter().take(NEAREST).map(|name| join(folder, name)).collect();
        return Error::LayerSourceNotFound { from: shown(rule.shown_from()), nearest };
    }
}

fn invalid(path: &str, problem: &str) -> Error {
    Error::LayerInvalid { path: shown(path), problem: problem.into() }
}

#[cfg(test)]
mod tests;
