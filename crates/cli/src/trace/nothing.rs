//! Saying what was looked through where nothing was found.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use portolan_plan::trace::{Evidence, What, clean};

/// Most branches and directories that are named.
const NAMED: usize = 12;

/// What was looked through, and how to find what to ask for.
pub(super) fn text(what: &str, repository: &str, evidence: &Evidence) -> String {
    let Evidence { branches, records, commits, .. } = evidence;
    let names = listed(branches.iter().map(|branch| clean(&branch.name, 60)).collect());
    let mut text = format!("nothing found for {:?} in {repository}\n", clean(what, 100));
    let _ = writeln!(
        text,
        "looked through: {}, {}, {}{}",
        count(branches.len(), "branch", "branches"),
        count(*commits, "commit", "commits"),
        count(records.len(), "record", "records"),
        if names.is_empty() { String::new() } else { format!("\nbranches: {names}") },
    );
    let changes = || evidence.points.iter().flat_map(|point| &point.changes);
    let unreadable = changes().filter(|change| matches!(change.what, What::Unreadable(_))).count();
    if unreadable > 0 {
        let _ = writeln!(text, "{} do not read", count(unreadable, "record", "records"));
    }
    if let Some(cut) = &evidence.cut {
        let _ = writeln!(text, "{}", clean(cut, 300));
    }
    if records.is_empty() {
        text.push_str(
            "There is no record: is this the configuration repository, and is it fetched? A record \
             is the file <directory>/.portolan/passage.",
        );
        return text;
    }
    let paths: BTreeSet<String> = changes().map(|change| clean(&change.path, 100)).collect();
    let _ = writeln!(text, "applications: {}", listed(paths.into_iter().collect()));
    text.push_str(
        "Ids are in `git log` (commits, and their trailer Portolan-Passage), in status.passage of a \
         GitWriter, and in the field passage of <directory>/.portolan/passage.",
    );
    text
}

fn listed(names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown: Vec<String> = names.into_iter().take(NAMED).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
