//! What a writer does about its request, and what the request tells people.
//!
//! Text of others (subjects, names, paths) is shown as text: no mention, link, image or heading of
//! theirs comes to life in a request that Portolan opens.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portolan_api::record::{Record, RecordedFile, SourceCommit};

use super::content::{edited, replaces};
use super::desired::{Desired, recorded};
use super::message::trailer_text;
use super::request::{CheckState, PullRequest, Readiness, RequestState};
use super::view::Place;
use crate::deployment::parse;

/// Most entries of a list in a request's text.
const LISTED: usize = 30;

/// What a writer is asked for about requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferSpec {
    /// Requests are opened; else people do, and they are only observed.
    pub open: bool,
    /// Title in place of the usual one.
    pub title: Option<String>,
    /// Text above the usual one.
    pub body: Option<String>,
    /// The branch is deleted once it is merged.
    pub delete_branch: bool,
    /// What the commit on the branch says that it replaces.
    pub replaces: Option<String>,
}

/// How the line begins that tells what is replaced.
const NOTE: &str = "**Note** `";

/// Where the content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// On the branch, at this tip.
    OnBranch {
        /// The branch's tip.
        tip: String,
    },
    /// In the goal.
    InGoal {
        /// The branch's tip, where it is still there.
        tip: Option<String>,
        /// Whether the branch would change nothing in the goal.
        adds_nothing: bool,
    },
}

/// What to do about the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Nothing.
    Keep,
    /// Open one.
    Open,
    /// Give the one of this number the text of the new content.
    Edit(i64),
    /// Close the one of this number: it changes nothing any more.
    Close(i64),
    /// Delete the branch, which is merged.
    DeleteBranch,
}

/// What a request tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferText {
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
}

/// What a request of ours says that its content replaces, as long as it is about the same passage: a
/// person's commit may stand on the branch above ours.
pub fn told_replaced(request: &PullRequest, passage: &str) -> Option<String> {
    let mut lines = request.body.lines().map(str::trim_end);
    if !lines.clone().any(|line| line == passage_line(passage)) {
        return None;
    }
    lines.find_map(|line| Some(line.strip_prefix(NOTE)?.strip_suffix('`')?.to_owned()))
}

/// Decides what to do about the request of a place. `requests` are those from its branch to its goal.
pub fn offer(
    spec: &OfferSpec,
    standing: &Standing,
    requests: &[PullRequest],
    text: &OfferText,
    writer: &str,
) -> Offer {
    let open = requests.iter().find(|request| request.state == RequestState::Open);
    match standing {
        Standing::OnBranch { .. } => match open {
            None if spec.open => Offer::Open,
            // What a person wrote into a request of ours stays until its content changes: then the text is
            // written anew.
            Some(open) if is_ours(open, writer) && !is_told(open, text) => Offer::Edit(open.number),
            _ => Offer::Keep,
        },
        Standing::InGoal { tip, adds_nothing } => {
            if let Some(open) = open {
                let close = *adds_nothing && spec.open && is_ours(open, writer);
                return if close { Offer::Close(open.number) } else { Offer::Keep };
            }
            let merged = |request: &&PullRequest| {
                request.state == RequestState::Merged && Some(&request.head) == tip.as_ref()
            };
            match requests.iter().find(merged) {
                Some(_) if spec.delete_branch => Offer::DeleteBranch,
                _ => Offer::Keep,
            }
        }
    }
}

/// Whether a request was opened by this writer: its text ends with the writer's name.
fn is_ours(request: &PullRequest, writer: &str) -> bool {
    request.body.lines().any(|line| line.trim_end() == written_by(writer))
}

fn is_told(request: &PullRequest, text: &OfferText) -> bool {
    let lines = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    lines(request.body.trim()) == lines(text.body.trim())
}

/// What is missing before a request may be merged without a person's hand; empty: nothing.
///
/// Only what is true of exactly the head that was looked at counts.
pub fn missing(
    readiness: &Readiness,
    request: &PullRequest,
    approvals: i64,
    checks: &[String],
) -> Vec<String> {
    let mut missing = Vec::new();
    if readiness.head != request.head {
        missing.push("the head moved".into());
    }
    if request.draft {
        missing.push("it is a draft".into());
    }
    if readiness.conflicts {
        missing.push(format!("it conflicts with {}", request.base));
    }
    if !readiness.rejected_by.is_empty() {
        missing.push(format!("{} asked for changes", readiness.rejected_by.join(", ")));
    }
    let wanted = approvals.max(readiness.demanded_approvals);
    if readiness.approvals < wanted {
        missing.push(format!("{} of {wanted} approvals", readiness.approvals));
    }
    for check in checks.iter().chain(&readiness.demanded_checks) {
        let states: Vec<CheckState> = readiness
            .checks
            .iter()
            .filter(|(name, _)| matches(check, name))
            .map(|(_, state)| *state)
            .collect();
        let why = match states.as_slice() {
            [] => "has not run",
            states if states.contains(&CheckState::Failure) => "failed",
            states if states.contains(&CheckState::Pending) => "runs",
            _ => continue,
        };
        missing.push(format!("check {check} {why}"));
    }
    missing.dedup();
    missing
}

/// Whether anything guards a merge that no person makes.
pub fn is_guarded(readiness: &Readiness, approvals: i64, checks: &[String]) -> bool {
    readiness.guarded || approvals > 0 || !checks.is_empty()
}

/// Whether a pattern with `*` matches a name.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// The text of a request: what changes in the goal, from what stands there now.
pub fn text(
    place: &Place,
    desired: &Desired,
    spec: &OfferSpec,
    before: Option<&Record>,
    files: &BTreeMap<String, RecordedFile>,
) -> OfferText {
    let name = place.path.rsplit('/').next().filter(|name| *name != ".").unwrap_or("all files");
    let commits = commits(desired, before);
    let title = spec.title.clone().unwrap_or_else(|| {
        let subject = commits.first().map(|commit| format!(": {}", commit.subject));
        format!("{name} to {}{}", place.goal(), subject.unwrap_or_default())
    });
    let mut body = String::new();
    if let Some(text) = spec.body.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        body.push_str(text);
        body.push_str("\n\n");
    }
    notes(&mut body, place, spec, before, files);
    sources(&mut body, desired, before, &commits);
    images(&mut body, desired, before);
    objects(&mut body, desired, files);
    way(&mut body, desired);
    let passage = passage_line(&desired.carried.passage);
    let _ = write!(body, "{passage}\n{}\n", written_by(&place.writer));
    OfferText { title: trailer_text(&title).chars().take(200).collect(), body }
}

fn passage_line(passage: &str) -> String {
    format!("Passage `{}`", code(passage))
}

fn written_by(writer: &str) -> String {
    format!("Written by GitWriter `{}`", code(writer))
}

/// What a person changed in the goal, and what else the write replaced.
fn notes(
    body: &mut String,
    place: &Place,
    spec: &OfferSpec,
    before: Option<&Record>,
    files: &BTreeMap<String, RecordedFile>,
) {
    let in_goal = replaces(&edited(before, files, &place.writer)).map(|note| code(&note));
    let written = spec.replaces.as_deref().map(code).filter(|note| Some(note) != in_goal.as_ref());
    // What was written comes first: it is what is read back.
    for note in written.iter().chain(&in_goal) {
        let _ = write!(body, "{NOTE}{note}`\n\n");
    }
}

/// The commits of the source that the goal does not have yet, newest first.
fn commits<'a>(desired: &'a Desired, before: Option<&Record>) -> Vec<&'a SourceCommit> {
    let had = before.and_then(|record| record.provenance.source.as_ref());
    let had = had.map(|source| source.revision.as_str());
    let commits = &desired.carried.commits;
    commits.iter().take_while(|commit| Some(commit.id.as_str()) != had).collect()
}

fn sources(
    body: &mut String,
    desired: &Desired,
    before: Option<&Record>,
    commits: &[&SourceCommit],
) {
    let Some(source) = &desired.carried.provenance.source else { return };
    let old = before.and_then(|record| record.provenance.source.as_ref());
    let from = old.map(|old| format!("`{}` → ", short(&old.revision)));
    let _ = writeln!(
        body,
        "**Source** `{}`: {}`{}`",
        code(&source.url),
        from.unwrap_or_default(),
        short(&source.revision)
    );
    body.push('\n');
    for commit in commits.iter().take(LISTED) {
        let (id, subject) = (short(&commit.id), code(&commit.subject));
        let _ = writeln!(body, "- `{id}` `{subject}` ({})", plain(&commit.author));
    }
    let known = old
        .is_none_or(|old| desired.carried.commits.iter().any(|commit| commit.id == old.revision));
    if old.is_some() && !known && !commits.is_empty() {
        body.push_str("- and earlier ones\n");
    }
    if !commits.is_empty() {
        body.push('\n');
    }
}

fn images(body: &mut String, desired: &Desired, before: Option<&Record>) {
    let Some(image) = &desired.carried.provenance.image else { return };
    let old = before.and_then(|record| record.provenance.image.as_ref());
    let line = match old {
        Some(old) if old == image => format!("`{}`, as before", code(image)),
        Some(old) => format!("from `{}`\nto `{}`", code(old), code(image)),
        None => format!("`{}`", code(image)),
    };
    let _ = writeln!(body, "**Image** {line}\n");
}

/// Files that change, with the objects in them.
fn objects(body: &mut String, desired: &Desired, files: &BTreeMap<String, RecordedFile>) {
    let wanted = recorded(&desired.files);
    let changed = wanted.iter().filter(|(path, file)| files.get(*path) != Some(file));
    let mut lines: Vec<String> = changed
        .map(|(path, _)| {
            let what = if files.contains_key(path) { "changed" } else { "new" };
            format!("- {what}: {}`{}`", inside(desired, path), code(path))
        })
        .collect();
    let gone = files.keys().filter(|path| !wanted.contains_key(*path));
    lines.extend(gone.map(|path| format!("- removed: `{}`", code(path))));
    if lines.is_empty() {
        return;
    }
    body.push_str("**Objects**\n\n");
    let more = lines.len().saturating_sub(LISTED);
    for line in lines.iter().take(LISTED) {
        body.push_str(line);
        body.push('\n');
    }
    if more > 0 {
        let _ = writeln!(body, "- and {more} more files");
    }
    body.push('\n');
}

/// The objects in a file, as far as it reads.
fn inside(desired: &Desired, path: &str) -> String {
    let Some(file) = desired.files.get(path) else { return String::new() };
    let one = BTreeMap::from([(path.to_owned(), file.content.clone())]);
    let found = parse(&one).unwrap_or_default();
    let names: Vec<String> = found
        .iter()
        .map(|manifest| {
            let text = |pointer: &str| crate::object::text(&manifest.object, pointer);
            format!("`{} {}`", code(text("/kind")), code(text("/metadata/name")))
        })
        .collect();
    if names.is_empty() { String::new() } else { format!("{} in ", names.join(", ")) }
}

/// Through which environments it came, and who vouched for it there.
fn way(body: &mut String, desired: &Desired) {
    for hop in &desired.carried.hops {
        let _ = write!(body, "**{}** `{}`", plain(&hop.environment), short(&hop.revision));
        match &hop.verification {
            Some(verification) => {
                let _ = write!(body, ", verified by `{}`", code(verification));
            }
            None => body.push_str(", not verified"),
        }
        if let Some(edited) = &hop.edited {
            let files: Vec<String> =
                edited.files.iter().take(LISTED).map(|file| format!("`{}`", code(file))).collect();
            let _ = write!(body, "; edited there: {}", files.join(", "));
        }
        body.push_str("\n\n");
    }
}

fn short(id: &str) -> String {
    code(id.rsplit(':').next().unwrap_or(id)).chars().take(12).collect()
}

/// Text between backticks: on one line, without backticks.
fn code(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().filter(|c| *c != '`').map(shown).take(300).collect()
}

/// Text outside of backticks: letters, digits and what names are made of.
fn plain(text: &str) -> String {
    let keep = |c: &char| c.is_alphanumeric() || " .-_'".contains(*c);
    text.chars().filter(keep).take(100).collect()
}

#[cfg(test)]
mod tests;
