//! Ways, verdicts and outcomes in words.

use portolan_plan::trace::{Arrival, Edit, Fate, How, Verdict, short};

use crate::text::moment;

/// How content came to a branch.
pub(super) fn how(arrival: &Arrival) -> String {
    let Arrival { author, writer, request, .. } = arrival;
    let way = match arrival.how {
        How::Direct => format!("written by {writer}"),
        How::Merge => format!("merged by {author}"),
        How::Squash if request.is_some() => format!("squashed by {author}"),
        How::Squash => format!("squashed or copied by {author}"),
        How::Rebase => format!("rebased, written by {writer}"),
        How::Restored => format!("brought back by {author}"),
        How::Before => "there in the oldest commit at hand".to_owned(),
    };
    match request {
        Some(request) => format!("{way}, request #{request}"),
        None => way,
    }
}

/// What an environment said of it.
pub(super) fn verdict(verdict: &Verdict) -> String {
    let Verdict { environment, cluster, verification, .. } = verdict;
    let place = if environment == cluster {
        environment.clone()
    } else {
        format!("{environment} (cluster {cluster})")
    };
    match verification {
        Some(verification) => format!("verified in {place} by {verification}"),
        None => format!("carried on by {place}, without verification"),
    }
}

/// That it ended there.
pub(super) fn no_further(arrival: &Arrival) -> Option<&'static str> {
    arrival.went_no_further.then_some(match arrival.fate {
        Some(Fate::Current) => "not verified and carried on from there yet",
        _ => "never carried on from there: it was not verified, or something newer came first",
    })
}

/// What a person changed.
pub(super) fn edit(edit: &Edit) -> String {
    let Edit { commit, time, author, files } = edit;
    format!("edited by {author} with {}, {}: {}", short(commit), moment(*time), names(files))
}

/// A few names, and how many more there are.
pub(super) fn names(names: &[String]) -> String {
    const NAMED: usize = 5;
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What became of it.
pub(super) fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Current => "still there".into(),
        Fate::Waiting => "waits to be merged".into(),
        Fate::Merged => "merged".into(),
        Fate::Replaced { passage, commit, time, .. } => {
            format!("replaced by {} with {}, {}", short(passage), short(commit), moment(*time))
        }
        Fate::Reverted { passage, commit, time, author } => {
            let with = format!("{author} with {}, {}", short(commit), moment(*time));
            match passage {
                Some(passage) => format!("taken back by {with}; {} is back", short(passage)),
                None => format!("removed by {with}"),
            }
        }
        Fate::Lost { commit, author, .. } => {
            format!("not readable since {} by {author}", short(commit))
        }
    }
}
