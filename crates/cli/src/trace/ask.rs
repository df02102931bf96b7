//! Asking back where several changes may be meant.

use std::fmt::Write as _;

use jiff::Timestamp;
use portolan_plan::trace::{Candidate, clean, short};

use crate::text::moment;

/// Most changes that are listed.
const LISTED: usize = 20;

/// The changes that may be meant.
pub(super) fn text(what: &str, candidates: &[Candidate]) -> String {
    let what = clean(what, 100);
    let mut text = format!("{what} may mean {} changes:\n", candidates.len());
    let width = candidates.iter().map(|found| found.path.chars().count()).max().unwrap_or(0);
    for Candidate { passage, path, time, branch, subject } in candidates.iter().take(LISTED) {
        let time = Timestamp::from_second(*time).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {}  {:width$}  {}  on {}  {}",
            short(passage),
            clean(path, 100),
            moment(time),
            clean(branch, 60),
            clean(subject, 60),
            width = width.min(100),
        );
    }
    if candidates.len() > LISTED {
        let _ = writeln!(text, "  and {} more", candidates.len() - LISTED);
    }
    text.push_str("Write more of the id, or name the directory with --path.");
    text
}
