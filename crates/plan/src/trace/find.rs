//! Which change is meant.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::native::commit_of;
use portolan_api::record::Record;

use super::evidence::{Commit, Evidence};
use super::family::Family;
use super::lines::{Lines, Seen};
use super::query::Query;

/// A change that may be meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Id of the passage.
    pub passage: String,
    /// The directory in which it was written first.
    pub path: String,
    /// When it was seen first, in seconds since the epoch.
    pub time: i64,
    /// The branch on which it was seen first.
    pub branch: String,
    /// First line of the source commit's message, or else of the configuration commit's.
    pub subject: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One change.
    One(Candidate),
    /// Several, newest first: the person has to choose.
    Many(Vec<Candidate>),
    /// None.
    Nothing,
}

/// Finds the change that a person means. `path` limits it to changes that were first written there.
pub fn find(evidence: &Evidence, query: &Query, path: Option<&str>) -> Found {
    let index = Index::new(evidence);
    let meant = match query {
        Query::Latest => index.newest(index.passages.keys().copied()).into_iter().collect(),
        Query::Application(name) => index.application(name, path),
        Query::Id(id) => {
            let meant = index.id(id);
            if meant.is_empty() { index.application(id, path) } else { meant }
        }
    };
    let mut candidates = index.candidates(&meant);
    candidates.retain(|candidate| path.is_none_or(|path| candidate.path == path));
    if *query == Query::Latest {
        candidates.truncate(1);
    }
    match candidates.len() {
        0 => Found::Nothing,
        1 => candidates.pop().map_or(Found::Nothing, Found::One),
        _ => Found::Many(candidates),
    }
}

/// A passage that is meant, and the directories if only some are.
type Meant<'e> = (&'e str, Option<&'e str>);

/// By what an application is named, the closest first.
#[derive(Clone, Copy)]
enum Rule {
    /// Its directory.
    Path,
    /// The last part of it.
    Name,
    /// Its workload, with or without the namespace.
    Workload,
}

impl Rule {
    fn fits(self, name: &str, path: &str, record: &Record) -> bool {
        let last = |path: &str| path.rsplit('/').next() == Some(name);
        match self {
            Self::Path => path == name,
            Self::Name => last(path),
            Self::Workload => {
                let workload = record.provenance.workload.as_deref().unwrap_or_default();
                workload == name || last(workload)
            }
        }
    }
}

struct Index<'e> {
    lines: Lines<'e>,
    family: Family<'e>,
    passages: BTreeMap<&'e str, Passage<'e>>,
}

/// What is known of a passage.
struct Passage<'e> {
    first: Seen<'e>,
    record: &'e Record,
    time: i64,
    /// The directories in which it was written by the first writer, not by a promotion.
    origins: BTreeSet<&'e str>,
}

impl<'e> Index<'e> {
    fn new(evidence: &'e Evidence) -> Self {
        let lines = Lines::new(evidence);
        let mut passages: BTreeMap<&str, Passage<'_>> = BTreeMap::new();
        for (seen, record) in lines.writings() {
            let merged = seen.change.merged.as_ref().map(|commit| commit.time);
            let time = merged.map_or(seen.point.commit.time, |at| at.min(seen.point.commit.time));
            let new = || Passage { first: seen, record, time, origins: BTreeSet::new() };
            let passage = passages.entry(&record.passage).or_insert_with(new);
            if (time, record.sequence) < (passage.time, passage.record.sequence) {
                (passage.first, passage.record, passage.time) = (seen, record, time);
            }
            if record.hops.is_empty() {
                passage.origins.insert(&seen.change.path);
            }
        }
        Self { lines, family: Family::new(evidence), passages }
    }

    /// The directories in which the content of a passage began.
    fn origins(&self, passage: &'e str) -> BTreeSet<&'e str> {
        let line = self.family.ancestors(passage);
        let known = line.iter().find_map(|passage| self.passages.get(passage));
        let Some(oldest) = known else { return BTreeSet::new() };
        if oldest.origins.is_empty() {
            return BTreeSet::from([oldest.first.change.path.as_str()]);
        }
        oldest.origins.clone()
    }

    /// The passage that came last, and its directory.
    fn newest(&self, passages: impl Iterator<Item = &'e str>) -> Option<Meant<'e>> {
        let known = passages.filter_map(|passage| Some((passage, self.passages.get(passage)?)));
        let newest = known.max_by_key(|(_, found)| (found.time, found.record.sequence));
        newest.map(|(passage, found)| (passage, Some(found.first.change.path.as_str())))
    }

    /// The newest change of each application of this name.
    fn application(&self, name: &str, path: Option<&str>) -> Vec<Meant<'e>> {
        for rule in [Rule::Path, Rule::Name, Rule::Workload] {
            let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for (seen, record) in self.lines.writings() {
                if !rule.fits(name, &seen.change.path, record) {
                    continue;
                }
                for origin in self.origins(&record.passage) {
                    if path.is_none_or(|path| path == origin) {
                        groups.entry(origin).or_default().insert(&record.passage);
                    }
                }
            }
            let newest = groups.into_iter().filter_map(|(origin, passages)| {
                let (passage, _) = self.newest(passages.into_iter())?;
                Some((passage, Some(origin)))
            });
            let newest: Vec<Meant<'e>> = newest.collect();
            if !newest.is_empty() {
                return newest;
            }
        }
        Vec::new()
    }

    /// What an id may be: of a passage, of a commit that brought one or has one in force, or of a
    /// source commit.
    fn id(&self, id: &str) -> Vec<Meant<'e>> {
        let is_it = |commit: &Commit| commit.id.starts_with(id);
        let mut meant: Vec<Meant<'e>> = Vec::new();
        let of_passage = self.passages.keys().filter(|passage| passage.starts_with(id));
        meant.extend(of_passage.map(|passage| (*passage, None)));
        for (seen, record) in self.lines.writings() {
            if is_it(&seen.point.commit) || seen.change.merged.as_ref().is_some_and(is_it) {
                meant.push((&record.passage, Some(&seen.change.path)));
            }
        }
        let quiet = |commit: &Commit| is_it(commit) && meant.is_empty();
        let points = self.lines.evidence.points.iter().enumerate();
        let found: Vec<usize> =
            points.filter(|(_, point)| quiet(&point.commit)).map(|(at, _)| at).collect();
        for at in found {
            meant.extend(self.at_commit(at));
        }
        if meant.is_empty() {
            meant = self.source(id);
        }
        meant
    }

    /// What a commit that wrote no record is about: the directories it edited, or else all that were
    /// in force.
    fn at_commit(&self, at: usize) -> Vec<Meant<'e>> {
        let changed: Vec<&str> = self.lines.evidence.points[at]
            .changes
            .iter()
            .map(|change| change.path.as_str())
            .collect();
        let in_force = self.lines.in_force(at).into_iter();
        in_force
            .filter(|(seen, _)| changed.is_empty() || changed.contains(&seen.change.path.as_str()))
            .map(|(seen, record)| (record.passage.as_str(), Some(seen.change.path.as_str())))
            .collect()
    }

    /// The passages made from a source commit; where none was made from this one, the first that has
    /// it among its commits.
    fn source(&self, id: &str) -> Vec<Meant<'e>> {
        let from = |record: &Record| {
            let source = record.provenance.source.as_ref();
            source.is_some_and(|source| commit_of(&source.revision).starts_with(id))
        };
        let exact: Vec<Meant<'e>> = self
            .passages
            .iter()
            .filter(|(_, passage)| from(passage.record))
            .map(|(id, _)| (*id, None))
            .collect();
        if !exact.is_empty() {
            return exact;
        }
        let mut first: BTreeMap<&str, &Passage<'e>> = BTreeMap::new();
        for passage in self.passages.values() {
            if !passage.record.commits.iter().any(|commit| commit.id.starts_with(id)) {
                continue;
            }
            for origin in self.origins(&passage.record.passage) {
                let best = first.entry(origin).or_insert(passage);
                if (passage.time, passage.record.sequence) < (best.time, best.record.sequence) {
                    *best = passage;
                }
            }
        }
        let first = first.into_iter();
        first.map(|(path, passage)| (passage.record.passage.as_str(), Some(path))).collect()
    }

    /// The candidates among what is meant: of a chain of edits the oldest that is, and each directory
    /// in which it began.
    fn candidates(&self, meant: &[Meant<'e>]) -> Vec<Candidate> {
        let mut chosen: BTreeMap<(&str, &str), Candidate> = BTreeMap::new();
        for (passage, path) in meant {
            let Some(found) = self.passages.get(passage) else { continue };
            let mut origins = self.origins(passage);
            if let Some(path) = path.filter(|path| origins.contains(path)) {
                origins = BTreeSet::from([path]);
            }
            for origin in origins {
                let candidate = self.candidate(passage, found, origin);
                let key = (self.family.root(passage), origin);
                let best = chosen.entry(key).or_insert_with(|| candidate.clone());
                if candidate.time < best.time {
                    *best = candidate;
                }
            }
        }
        let mut candidates: Vec<Candidate> = chosen.into_values().collect();
        candidates.sort_by(|one, other| (other.time, &one.path).cmp(&(one.time, &other.path)));
        candidates
    }

    fn candidate(&self, passage: &str, found: &Passage<'e>, origin: &str) -> Candidate {
        let source = found.record.commits.first().map(|commit| commit.subject.as_str());
        let owner = self.lines.owner(found.first.at);
        Candidate {
            passage: passage.to_owned(),
            path: origin.to_owned(),
            time: found.time,
            branch: owner.map_or("", |owner| self.lines.branch_name(owner)).to_owned(),
            subject: source.unwrap_or(&found.first.point.commit.subject).to_owned(),
        }
    }
}
