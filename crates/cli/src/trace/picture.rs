//! The way of a change as a picture for a terminal.

use std::fmt::Write as _;

use portolan_plan::trace::{Arrival, Fate, Role, Story, short};

use super::words::{edit, fate, how, names, no_further, verdict};
use crate::paint::Paint;
use crate::text::{self, ID, fits, moment, span};

/// Widest column of branches, and of what happened.
const WIDEST_LABEL: usize = 28;
const WIDEST_TEXT: usize = 56;
/// Most source commits that are shown.
const COMMITS: usize = 6;

/// One place of the way.
#[derive(Default)]
struct Row {
    label: String,
    mark: &'static str,
    id: String,
    text: String,
    time: String,
    after: String,
    /// What else there is to say; the last one is the outcome, if `fate` is there.
    notes: Vec<String>,
    fate: Option<Fate>,
}

/// Draws the way.
pub(super) fn picture(story: &Story, paint: Paint) -> String {
    let mut text = head(story, paint);
    let mut rows: Vec<Row> = source(story).into_iter().collect();
    let mut passage = story.chain.first().map(|link| link.passage.as_str());
    for arrival in &story.arrivals {
        rows.push(row(story, arrival, passage));
        passage = Some(&arrival.passage);
    }
    let widest = |of: fn(&Row) -> &String, most: usize| {
        rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0).min(most)
    };
    let label = widest(|row| &row.label, WIDEST_LABEL).max(6);
    let width = widest(|row| &row.text, WIDEST_TEXT);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            let _ = writeln!(text, " {:label$} │", "");
        }
        let is_last = index + 1 == rows.len();
        draw(&mut text, row, (label, width), is_last, paint);
    }
    foot(&mut text, story, paint);
    text
}

fn head(story: &Story, paint: Paint) -> String {
    let passage = format!("passage {}", short(&story.passage));
    let mut text = format!("{}   {passage}", paint.bold(&story.path));
    if let Some(workload) = &story.workload {
        let _ = write!(text, "   workload {workload}");
    }
    if let Some(chain) = &story.supply_chain {
        let _ = write!(text, "   supply chain {chain}");
    }
    text.push('\n');
    if let Some(source) = &story.source {
        let _ = writeln!(text, "{}", paint.dim(&format!("source {}", source.url)));
    }
    if let Some(image) = &story.image {
        let _ = writeln!(text, "{}", paint.dim(&format!("image  {}", text::image(image))));
    }
    text.push('\n');
    text
}

/// The source commit, and what else came with it.
fn source(story: &Story) -> Option<Row> {
    let source = story.source.as_ref()?;
    let mut row = Row { label: "source".into(), mark: "●", ..Row::default() };
    row.id = short(&source.revision);
    let mut commits = source.commits.as_slice();
    if let Some((first, rest)) = commits.split_first()
        && short(&first.id) == row.id
    {
        row.text = format!("{} ({})", first.subject, first.author);
        row.time = first.time.map(moment).unwrap_or_default();
        commits = rest;
    }
    let with = commits.iter().take(COMMITS);
    row.notes = with
        .map(|commit| format!("with {} {} ({})", short(&commit.id), commit.subject, commit.author))
        .collect();
    let more = commits.len().saturating_sub(COMMITS);
    if more > 0 {
        row.notes.push(format!("and {more} more"));
    } else if source.more {
        row.notes.push("and earlier ones".into());
    }
    Some(row)
}

fn row(story: &Story, arrival: &Arrival, before: Option<&str>) -> Row {
    let branch = match (&arrival.branch, arrival.role) {
        (Some(branch), _) => branch.clone(),
        (None, Role::Writer) => "(merged)".into(),
        (None, Role::Environment) => "(gone)".into(),
    };
    let is_back = matches!(arrival.fate, Some(Fate::Reverted { .. } | Fate::Lost { .. }));
    let mut notes = Vec::new();
    if arrival.path != story.path {
        notes.push(format!("in {}", arrival.path));
    }
    if before != Some(&arrival.passage) {
        let link = story.chain.iter().find(|link| link.passage == arrival.passage);
        let edited = link.filter(|link| !link.edited_files.is_empty());
        let why = edited.map(|link| format!(", with edits of {}", names(&link.edited_files)));
        notes.push(format!("as passage {}{}", short(&arrival.passage), why.unwrap_or_default()));
    }
    if !arrival.also_on.is_empty() {
        notes.push(format!("also on {}", names(&arrival.also_on)));
    }
    notes.extend(arrival.edits.iter().map(edit));
    notes.extend(arrival.verdict.as_ref().map(verdict));
    notes.extend(no_further(arrival).map(str::to_owned));
    notes.extend(arrival.fate.as_ref().map(fate));
    Row {
        label: branch,
        mark: if is_back { "✗" } else { "●" },
        id: short(&arrival.commit),
        text: how(arrival),
        time: moment(arrival.time),
        after: arrival.after.map(span).unwrap_or_default(),
        notes,
        fate: arrival.fate.clone(),
    }
}

fn draw(text: &mut String, row: &Row, (label, width): (usize, usize), is_last: bool, paint: Paint) {
    let colour = |text: &str| match row.fate {
        Some(Fate::Current) => paint.green(text),
        Some(Fate::Reverted { .. } | Fate::Lost { .. }) => paint.red(text),
        Some(Fate::Waiting) => paint.yellow(text),
        _ => text.to_owned(),
    };
    let line = format!(
        " {:>label$} {} {:ID$}  {:width$}  {}  {}",
        fits(&row.label, label),
        colour(row.mark),
        row.id,
        fits(&row.text, width),
        paint.dim(&row.time),
        row.after,
    );
    let _ = writeln!(text, "{}", line.trim_end());
    let bar = if is_last { " " } else { "│" };
    for (index, note) in row.notes.iter().enumerate() {
        let is_fate = row.fate.is_some() && index + 1 == row.notes.len();
        let note = if is_fate { colour(note) } else { note.clone() };
        let _ = writeln!(text, " {:label$} {bar} {:ID$}  {note}", "", "");
    }
}

/// What the picture does not have a place for.
fn foot(text: &mut String, story: &Story, paint: Paint) {
    let mut lines = Vec::new();
    for other in &story.elsewhere {
        let commit = short(&other.revision);
        lines.push(format!("{} at {commit}, which is on none of these branches", verdict(other)));
    }
    for record in &story.unreadable {
        lines.push(format!(
            "the record of {} at {} on {}: {}",
            record.path,
            short(&record.commit),
            record.branch,
            record.problem
        ));
    }
    lines.extend(story.cut.clone());
    if story.arrivals.is_empty() {
        lines.push("it is on none of the branches".into());
    }
    if !lines.is_empty() {
        text.push('\n');
    }
    for line in lines {
        let _ = writeln!(text, "{}", paint.yellow(&format!("! {line}")));
    }
    let _ = writeln!(text, "\n{}", paint.dim("times in UTC"));
}
