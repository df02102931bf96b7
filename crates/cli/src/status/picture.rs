//! Where owners stand, as a picture for a terminal.

use std::fmt::Write as _;

use jiff::Timestamp;
use portolan_plan::standing::{Cause, Standing, State, Step, StepState};
use portolan_plan::trace::short;

use crate::paint::Paint;
use crate::text::{ID, fits, image, lasting, lines, moment};

/// Widest column of resources.
const WIDEST_LABEL: usize = 28;
/// Widest text beside it, and width of a message.
const LINE: usize = 92;

/// Draws all owners. Those that are ready have two lines, unless `all` asks for every step.
pub(super) fn picture(
    owners: &[Standing],
    notes: &[String],
    place: &str,
    all: bool,
    now: Timestamp,
    paint: Paint,
) -> String {
    let mut text = String::new();
    let mut before = false;
    for owner in owners {
        let drawn = all || owner.state != State::Ready;
        if !text.is_empty() && (drawn || before) {
            text.push('\n');
        }
        head(&mut text, owner, now, paint);
        if drawn {
            steps(&mut text, owner, paint);
        } else {
            let _ = writeln!(text, "  {}", paint.dim(&way(owner)));
        }
        for note in &owner.notes {
            noted(&mut text, note, paint);
        }
        before = drawn;
    }
    if owners.is_empty() && notes.is_empty() {
        let _ = writeln!(text, "there is no Workload and no Deliverable in {place}");
    } else if owners.is_empty() {
        let _ = writeln!(text, "there is nothing that you may see in {place}");
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        noted(&mut text, note, paint);
    }
    if !owners.is_empty() {
        let _ = writeln!(text, "\n{}", paint.dim(&foot(owners)));
    }
    text
}

fn noted(text: &mut String, note: &str, paint: Paint) {
    for (number, line) in lines(note, LINE).iter().enumerate() {
        let mark = if number == 0 { '!' } else { ' ' };
        let _ = writeln!(text, "{}", paint.yellow(&format!("{mark} {line}")));
    }
}

fn head(text: &mut String, owner: &Standing, now: Timestamp, paint: Paint) {
    let mark = match owner.state {
        State::Ready => paint.green("●"),
        State::Unmerged | State::Waiting => paint.yellow("◐"),
        State::Held => paint.red("✗"),
    };
    let name = format!("{} {}/{}", owner.kind, owner.namespace, owner.name);
    let _ = write!(text, "{mark} {}", paint.bold(&name));
    if let Some(blueprint) = &owner.blueprint {
        let kind = owner.blueprint_kind.trim_start_matches("Cluster");
        let kind = if kind == "SupplyChain" { "supply chain" } else { "delivery" };
        let _ = write!(text, "   {kind} {blueprint}");
    }
    let word = match owner.state {
        State::Ready => "ready",
        State::Unmerged => "ready, waits to be merged",
        State::Waiting => "waits",
        State::Held => "held",
    };
    let since = owner.since.map(|since| format!(" since {}", ago(since, now)));
    let _ = writeln!(text, "   {word}{}", since.unwrap_or_default());
}

/// A time, and how long ago that is.
fn ago(since: Timestamp, now: Timestamp) -> String {
    let seconds = u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0);
    format!("{} ({})", moment(since), lasting(seconds))
}

/// What runs, in one line.
fn way(owner: &Standing) -> String {
    let reached = owner.steps.iter().filter_map(|step| {
        let id = id(step);
        (!id.is_empty()).then(|| format!("{} {id}", step.name))
    });
    reached.collect::<Vec<_>>().join(" → ")
}

/// The id of what a step has reached.
fn id(step: &Step) -> String {
    step.image.as_ref().or(step.revision.as_ref()).map(|id| short(id)).unwrap_or_default()
}

fn steps(text: &mut String, owner: &Standing, paint: Paint) {
    let is_at = |step: &Step, cause: &Cause| cause.resource.as_ref() == Some(&step.name);
    let cause = owner.cause.as_ref();
    let of_owner = cause.filter(|cause| !owner.steps.iter().any(|step| is_at(step, cause)));
    if let Some(cause) = of_owner {
        for line in words(cause, owner.state, paint) {
            let _ = writeln!(text, "  {line}");
        }
    }
    if owner.steps.is_empty() {
        return;
    }
    text.push('\n');
    let widest = owner.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
    let label = widest.clamp(8, WIDEST_LABEL);
    for (number, step) in owner.steps.iter().enumerate() {
        if number > 0 {
            let _ = writeln!(text, " {:label$} │", "");
        }
        let line = format!(
            " {:>label$} {} {:ID$}  {}",
            fits(&step.name, label),
            mark(step.state, paint),
            id(step),
            fits(&beside(step), LINE)
        );
        let _ = writeln!(text, "{}", line.trim_end());
        let bar = if number + 1 == owner.steps.len() { " " } else { "│" };
        for line in cause
            .filter(|cause| is_at(step, cause))
            .into_iter()
            .flat_map(|cause| words(cause, owner.state, paint))
        {
            let _ = writeln!(text, " {:label$} {bar} {:ID$}  {line}", "", "");
        }
    }
}

fn mark(state: StepState, paint: Paint) -> String {
    match state {
        StepState::Ready => paint.green("●"),
        StepState::Unmerged | StepState::Waiting => paint.yellow("◐"),
        StepState::Failed => paint.red("✗"),
        StepState::Unreached => paint.dim("○"),
    }
}

/// What stands beside a step: its object, and where that is.
fn beside(step: &Step) -> String {
    let object = step.object.as_ref().map(|object| format!("{} {}", object.kind, object.name));
    let repository = step.image.as_ref().map(|whole| {
        let named = image(whole);
        named.split_once('@').map_or(named.clone(), |(name, _)| name.to_owned())
    });
    let branch = step.branch.as_ref().map(|branch| format!("branch {branch}"));
    let request = step.request.as_ref();
    let request = request.map(|request| format!("request #{} {}", request.number, request.state));
    let attempted = step.attempted.as_ref().map(|revision| format!("tries {}", short(revision)));
    let before = (step.state == StepState::Unreached && !id(step).is_empty())
        .then(|| "from before".to_owned());
    let subject = step.subject.clone();
    let all = [object, before, repository, branch, request, attempted, subject];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The cause in lines, and what to do.
fn words(cause: &Cause, state: State, paint: Paint) -> Vec<String> {
    let colour = |line: &str| match state {
        State::Held => paint.red(line),
        _ => paint.yellow(line),
    };
    let said =
        if cause.message.is_empty() { String::new() } else { format!(": {}", cause.message) };
    let told = lines(&format!("{}{said}", cause.reason), LINE);
    let mut all: Vec<String> = told.iter().map(|line| colour(line)).collect();
    for (number, line) in cause.hint.iter().flat_map(|hint| lines(hint, LINE - 2)).enumerate() {
        all.push(format!("{} {line}", if number == 0 { '→' } else { ' ' }));
    }
    all
}

/// How many there are of each, and what the times are in.
fn foot(owners: &[Standing]) -> String {
    let counts = [
        (State::Ready, "ready"),
        (State::Unmerged, "to be merged"),
        (State::Waiting, "waiting"),
        (State::Held, "held"),
    ];
    let told = counts.iter().filter_map(|(state, word)| {
        let count = owners.iter().filter(|owner| owner.state == *state).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    format!("{}; times in UTC", told.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
