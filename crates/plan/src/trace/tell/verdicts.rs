//! What environments said of a change when they carried it on.

use std::collections::HashSet;

use portolan_api::native::commit_of;
use portolan_api::record::{Hop, Record};

use super::{FILES, ID, NAME, PATH};
use crate::trace::clean::clean;
use crate::trace::lines::{Lines, Seen};
use crate::trace::story::{Arrival, Role, Verdict};

/// Most hops that are looked at.
const MOST: usize = 1000;

/// Puts each verdict beside the arrival it is about; hands back those whose commit is nowhere.
pub(super) fn attach(
    lines: &Lines<'_>,
    written: &[(Seen<'_>, &Record)],
    arrivals: &mut [Arrival],
) -> Vec<Verdict> {
    let mut elsewhere: Vec<Verdict> = Vec::new();
    let mut told: Vec<Verdict> = Vec::new();
    let hops = written.iter().flat_map(|(_, record)| &record.hops).take(MOST);
    for hop in hops {
        let verdict = verdict(hop);
        if told.contains(&verdict) {
            continue;
        }
        match about(lines, arrivals, commit_of(&hop.revision)) {
            Some(arrival) if arrival.verdict.is_none() => arrival.verdict = Some(verdict.clone()),
            _ => elsewhere.push(verdict.clone()),
        }
        told.push(verdict);
    }
    elsewhere
}

/// Notes arrivals at environments that carry content on and did not carry these on. Git does not say why:
/// they did not pass, or something newer came first.
pub(super) fn note_ends(lines: &Lines<'_>, arrivals: &mut [Arrival]) {
    let points = &lines.evidence.points;
    let hops = lines.evidence.records.iter().flat_map(|record| &record.hops).take(MOST);
    let left: HashSet<&str> = hops.map(|hop| commit_of(&hop.revision)).collect();
    let left =
        points.iter().enumerate().filter(|(_, point)| left.contains(point.commit.id.as_str()));
    let carrying: HashSet<String> =
        left.filter_map(|(at, _)| Some(clean(lines.branch_name(lines.owner(at)?), NAME))).collect();
    for arrival in arrivals {
        let carries = arrival.branch.as_ref().is_some_and(|branch| carrying.contains(branch));
        arrival.went_no_further =
            arrival.role == Role::Environment && arrival.verdict.is_none() && carries;
    }
}

/// The arrival that a commit has: it brought it, or came later and left it as it was.
fn about<'a>(
    lines: &Lines<'_>,
    arrivals: &'a mut [Arrival],
    commit: &str,
) -> Option<&'a mut Arrival> {
    let is_arrival = |id: &str| arrivals.iter().position(|arrival| arrival.commit == id);
    let index = is_arrival(commit).or_else(|| {
        let points = &lines.evidence.points;
        let at = points.iter().position(|point| point.commit.id == commit)?;
        lines.back(Some(at)).find_map(|(_, point)| is_arrival(&point.commit.id))
    })?;
    arrivals.get_mut(index)
}

fn verdict(hop: &Hop) -> Verdict {
    let files = hop.edited.iter().flat_map(|edited| edited.files.iter().take(FILES));
    Verdict {
        environment: clean(&hop.environment, NAME),
        cluster: clean(&hop.cluster, NAME),
        revision: clean(&hop.revision, ID),
        verification: hop.verification.as_ref().map(|name| clean(name, PATH)),
        edited_files: files.map(|file| clean(file, PATH)).collect(),
    }
}
