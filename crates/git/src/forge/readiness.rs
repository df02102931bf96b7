//! What a request lacks until it may be merged.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_plan::writer::{CheckState, PullRequest, Readiness, RequestState};

use super::Forge;
use super::answer::{Branch, Combined, Pull, Review, Status};
use super::page::list;
use super::request::state;
use crate::error::Error;
use crate::names::check_commit;

/// How many reviews, or checks, are looked at.
const MOST: usize = 2000;
/// Pauses before it is believed that the branches conflict: a server that has not compared them yet says
/// the same.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(300), Duration::from_millis(700), Duration::from_millis(1500)];

impl Forge {
    /// What the request lacks, for the head it has now.
    ///
    /// # Caveats
    ///
    /// A forge does not tell whether a draft conflicts. Its rules may demand more than is asked here
    /// (e.g. a signature, or a branch that is up to date): then [`merge`](Self::merge) is refused.
    pub async fn readiness(&self, request: &PullRequest) -> Result<Readiness, Error> {
        let number = request.number.to_string();
        let action = format!("to show request #{number}");
        let pull = self.compared(request.number).await?;
        let head = pull.head.sha;
        if check_commit(&head).is_err() {
            return Err(self.server().odd("a request without head"));
        }
        let branch: Branch = self.get(self.site().branch(&request.base), &action).await?;
        let url = self.site().repository(&["pulls", &number, "reviews"]);
        let reviews = self.all(&url, MOST, list::<Review>, &action).await?;
        let url = self.site().repository(&["commits", &head, "status"]);
        let statuses = |combined: Combined| combined.statuses.into_iter().flatten().collect();
        let statuses = self.all(&url, MOST, statuses, &action).await?;

        let (approvals, rejected_by) = verdicts(reviews, &head, &pull.user.login);
        let demanded_checks = demanded(&branch);
        Ok(Readiness {
            guarded: branch.required_approvals > 0 || !demanded_checks.is_empty(),
            demanded_approvals: branch.required_approvals,
            demanded_checks,
            approvals,
            rejected_by,
            checks: checks(statuses),
            conflicts: state(pull.merged, &pull.state) == RequestState::Open
                && !pull.mergeable
                && !pull.draft,
            head,
        })
    }

    /// A request once the server has compared its branches, if it does so soon.
    async fn compared(&self, number: i64) -> Result<Pull, Error> {
        let mut pull = self.pull(number).await?;
        for pause in PAUSES {
            if pull.mergeable || pull.draft || state(pull.merged, &pull.state) != RequestState::Open
            {
                break;
            }
            tokio::time::sleep(pause).await;
            pull = self.pull(number).await?;
        }
        Ok(pull)
    }
}

/// Checks that the rules of a branch demand. Rules that name none demand at least one, and every one.
fn demanded(branch: &Branch) -> Vec<String> {
    if !branch.enable_status_check {
        return Vec::new();
    }
    let named: Vec<String> =
        branch.status_check_contexts.iter().filter(|name| !name.is_empty()).cloned().collect();
    if named.is_empty() { vec!["*".into()] } else { named }
}

/// The state of each check.
fn checks(statuses: Vec<Status>) -> BTreeMap<String, CheckState> {
    let read = |status: Status| {
        let state = match status.status.as_str() {
            "success" | "skipped" => CheckState::Success,
            "failure" | "error" | "warning" => CheckState::Failure,
            _ => CheckState::Pending,
        };
        (status.context, state)
    };
    statuses.into_iter().map(read).collect()
}

/// How many approve of exactly this head, and who asks for changes. The last word of each person counts,
/// which approves or asks for changes; approvals count of those whom the forge lets decide.
fn verdicts(mut reviews: Vec<Review>, head: &str, author: &str) -> (i64, Vec<String>) {
    reviews.sort_by_key(|review| review.id);
    let mut last: BTreeMap<String, Review> = BTreeMap::new();
    for review in reviews {
        if matches!(review.state.as_str(), "APPROVED" | "REQUEST_CHANGES") {
            last.insert(review.user.login.to_lowercase(), review);
        }
    }
    let counts = |review: &&Review| {
        review.state == "APPROVED"
            && review.official
            && !review.stale
            && !review.dismissed
            && review.commit_id == head
            && !review.user.login.eq_ignore_ascii_case(author)
    };
    let approvals = last.values().filter(counts).count();
    let rejects = |review: &&Review| review.state == "REQUEST_CHANGES" && !review.dismissed;
    let rejected_by = last.values().filter(rejects).map(|review| review.user.login.clone());
    (i64::try_from(approvals).unwrap_or(i64::MAX), rejected_by.collect())
}

#[cfg(test)]
mod tests;
