//! Evidence, made to look things up in.

use std::collections::HashSet;

use portolan_api::record::Record;

use super::evidence::{Change, Evidence, Point, What};

/// Evidence, made to look things up in.
pub(super) struct Lines<'e> {
    pub(super) evidence: &'e Evidence,
    /// The branch by which each point is told: a commit may be on many.
    owners: Vec<Option<usize>>,
}

/// A change of a directory at a point.
#[derive(Clone, Copy)]
pub(super) struct Seen<'e> {
    /// Index of the point.
    pub(super) at: usize,
    pub(super) point: &'e Point,
    pub(super) change: &'e Change,
}

impl<'e> Seen<'e> {
    /// The record that was written, if one was.
    pub(super) fn record(&self, evidence: &'e Evidence) -> Option<&'e Record> {
        match self.change.what {
            What::Written(record) => evidence.records.get(record),
            _ => None,
        }
    }
}

impl<'e> Lines<'e> {
    pub(super) fn new(evidence: &'e Evidence) -> Self {
        let mut owners = vec![None; evidence.points.len()];
        let mut order: Vec<usize> = (0..evidence.branches.len()).collect();
        // Where `staging-shop` starts at `staging`, what both have is staging's.
        let key = |index: usize| {
            let name = &evidence.branches[index].name;
            (name.len(), name)
        };
        order.sort_by(|one, other| key(*one).cmp(&key(*other)));
        for branch in order {
            let mut next = evidence.branches[branch].head;
            while let Some(at) = next {
                let Some(point) = evidence.points.get(at) else { break };
                if owners[at].is_some() {
                    break;
                }
                owners[at] = Some(branch);
                next = point.before;
            }
        }
        Self { evidence, owners }
    }

    /// Everything that was changed.
    pub(super) fn all(&self) -> impl Iterator<Item = Seen<'e>> {
        let points = self.evidence.points.iter().enumerate();
        points.flat_map(|(at, point)| {
            point.changes.iter().map(move |change| Seen { at, point, change })
        })
    }

    /// Every record that was written.
    pub(super) fn writings(&self) -> impl Iterator<Item = (Seen<'e>, &'e Record)> {
        let evidence = self.evidence;
        self.all().filter_map(move |seen| Some((seen, seen.record(evidence)?)))
    }

    /// The branch by which a point is told.
    pub(super) fn owner(&self, at: usize) -> Option<usize> {
        self.owners.get(at).copied().flatten()
    }

    pub(super) fn branch_name(&self, branch: usize) -> &'e str {
        self.evidence.branches.get(branch).map_or("", |branch| branch.name.as_str())
    }

    /// A point and those before it on its line, newest first.
    pub(super) fn back(&self, from: Option<usize>) -> impl Iterator<Item = (usize, &'e Point)> {
        let points = &self.evidence.points;
        let mut next = from;
        // A line has at most all of them, whatever the numbers say.
        std::iter::from_fn(move || {
            let at = next?;
            let point = points.get(at)?;
            next = point.before;
            Some((at, point))
        })
        .take(points.len())
    }

    /// What happened to a directory up to a point, newest first.
    pub(super) fn history(
        &self,
        from: Option<usize>,
        path: &'e str,
    ) -> impl Iterator<Item = Seen<'e>> {
        self.back(from).filter_map(move |(at, point)| {
            let change = point.changes.iter().find(|change| change.path == path)?;
            Some(Seen { at, point, change })
        })
    }

    /// What happened to the directory after a change, on the line of its branch, oldest first.
    pub(super) fn after(&self, seen: Seen<'e>) -> Vec<Seen<'e>> {
        let Some(owner) = self.owner(seen.at) else { return Vec::new() };
        let line = self.history(self.evidence.branches[owner].head, &seen.change.path);
        let mut after: Vec<Seen<'e>> = line.take_while(|other| other.at != seen.at).collect();
        after.reverse();
        after
    }

    /// The records in force at a point: the newest written ones that were not taken away.
    pub(super) fn in_force(&self, at: usize) -> Vec<(Seen<'e>, &'e Record)> {
        let mut paths = HashSet::new();
        let mut found = Vec::new();
        for (at, point) in self.back(Some(at)) {
            for change in &point.changes {
                let seen = Seen { at, point, change };
                let record = seen.record(self.evidence);
                let is_settled = !matches!(change.what, What::Edited(_));
                if is_settled && paths.insert(change.path.as_str()) {
                    found.extend(record.map(|record| (seen, record)));
                }
            }
        }
        found
    }
}
