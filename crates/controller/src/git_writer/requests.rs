//! The request of a writer: opened, kept up, closed, merged as the spec asks.

use std::sync::Arc;
use std::time::Duration;

use portolan_api::condition::Decided;
use portolan_api::native::GitWriter;
use portolan_api::native::git_writer::{MergePolicy, PullRequestStatus, WriterPullRequest};
use portolan_api::native::reasons::{MERGED, stalled, waiting};
use portolan_git::{Merged, NewRequest, Refs};
use portolan_plan::writer::{
    Desired, Offer, OfferSpec, OfferText, Place, PullRequest, Readiness, RequestHead, RequestState,
    Standing, is_guarded, missing, offer, offer_text, told_replaced,
};

use super::planner::Scene;
use super::{GitWriters, tip};
use crate::dependencies::Item;
use crate::native::Native;
use crate::polls::{Interest, MAX_REQUESTS, News, Remote};
use crate::trouble::Trouble;

/// Declined requests whose heads are looked at: the newest.
const MAX_DECLINED: usize = 5;

/// The requests of a place, the newest first.
fn of_place(all: &[PullRequest], place: &Place) -> Vec<PullRequest> {
    let ours =
        |request: &&PullRequest| request.branch == place.branch && request.base == place.goal();
    let mut requests: Vec<PullRequest> = all.iter().filter(ours).cloned().collect();
    requests.sort_by_key(|request| std::cmp::Reverse(request.number));
    requests
}

/// Heads of requests that were closed without being merged; none while one is open: it offers again
/// what they offered.
pub(super) fn declined(requests: &[PullRequest]) -> Vec<RequestHead> {
    if requests.iter().any(|request| request.state == RequestState::Open) {
        return Vec::new();
    }
    let closed = requests.iter().filter(|request| request.state == RequestState::Closed);
    closed
        .take(MAX_DECLINED)
        .map(|request| RequestHead {
            number: request.number,
            reference: request.reference.clone(),
            commit: request.head.clone(),
        })
        .collect()
}

/// The request as status tells it: the open one, else the newest.
pub(super) fn status(requests: &[PullRequest]) -> Option<PullRequestStatus> {
    let open = requests.iter().find(|request| request.state == RequestState::Open);
    let told = open.or(requests.first())?;
    Some(PullRequestStatus {
        number: told.number,
        url: told.url.clone(),
        state: told.state.as_str().into(),
        head: Some(told.head.clone()),
        checks: None,
        merged_revision: told.merged_revision.clone(),
    })
}

/// What came of serving a request.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// The request, where it was opened or merged just now.
    pub(super) changed: Option<PullRequest>,
    /// Why the content is not merged yet, in place of the usual words.
    pub(super) waits: Option<Decided>,
    /// States of the head's checks, told as one.
    pub(super) checks: Option<String>,
    /// Whether the forge has to be looked at again.
    pub(super) look_again: Look,
}

/// When the forge is looked at again, beside the polls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Look {
    /// When something changes.
    #[default]
    Settled,
    /// After a while: approvals and checks are no news of a request.
    Later,
    /// At once: the requests are not what the decision was taken on.
    Now,
}

/// What a request is about.
pub(super) struct Subject<'s> {
    pub(super) writer: &'s Native<GitWriter>,
    pub(super) ask: &'s WriterPullRequest,
    pub(super) place: &'s Place,
    pub(super) remote: &'s Remote,
    pub(super) desired: &'s Desired,
    pub(super) scene: &'s Scene,
    pub(super) requests: &'s [PullRequest],
    /// What the commit on the branch says that it replaces.
    pub(super) replaces: Option<String>,
}

impl GitWriters {
    /// The references of a repository, and the requests of a place where they matter, which were not seen
    /// at the same moment.
    pub(super) async fn news(
        &self,
        item: &Item,
        remote: &Remote,
        interest: Interest,
        fresh: bool,
        place: &Place,
    ) -> Result<(Arc<Refs>, Vec<PullRequest>), Trouble> {
        let ask = async |fresh: bool| -> Result<_, Trouble> {
            let News { refs, requests } = self.cx.polls.news(item, remote, interest, fresh).await?;
            let requests = match requests {
                Some(all) if interest.requests => of_place(&all?, place),
                _ => Vec::new(),
            };
            Ok((refs, requests))
        };
        let is_whole = |(refs, requests): &(Arc<Refs>, Vec<PullRequest>)| {
            tip(refs, &place.branch).is_some()
                || requests.iter().all(|request| request.state != RequestState::Open)
        };
        let news = ask(fresh).await?;
        if is_whole(&news) {
            return Ok(news);
        }
        let news = ask(true).await?;
        if is_whole(&news) {
            return Ok(news);
        }
        // A branch that goes takes its request with it, a moment later: until then nobody can say that
        // it was declined.
        let message = format!(
            "branch {} is gone while its request is open: the forge closes it in a moment; else \
             restore the branch or close the request",
            place.branch
        );
        Err(Trouble::waiting(waiting::REF_NOT_FOUND, message).unseen())
    }

    /// Brings the request to where the content stands.
    pub(super) async fn serve(
        &self,
        subject: &Subject<'_>,
        standing: &Standing,
    ) -> Result<Served, Trouble> {
        let Subject { ask, place, desired, scene, requests, .. } = subject;
        let open = requests.iter().find(|request| request.state == RequestState::Open);
        let replaces = subject.replaces.clone();
        let spec = OfferSpec {
            open: ask.open,
            title: ask.title.clone(),
            body: ask.body.clone(),
            delete_branch: ask.delete_branch,
            replaces: replaces
                .or_else(|| open.and_then(|open| told_replaced(open, &desired.carried.passage))),
        };
        let text = offer_text(place, desired, &spec, scene.before.as_ref(), &scene.files);
        let step = offer(&spec, standing, requests, &text, &place.writer);
        let served = self.act(subject, standing, &step, &text).await?;
        if served.look_again == Look::Now {
            return Ok(served);
        }
        let (Standing::OnBranch { tip }, Some(open)) = (standing, served.changed.as_ref().or(open))
        else {
            return Ok(served);
        };
        if ask.merge == MergePolicy::WhenReady && open.head == *tip {
            return self.merge(subject, open.clone()).await;
        }
        let message = format!("request #{} waits for people: {}", open.number, open.url);
        Ok(Served { waits: Some(Decided::no(MERGED, "AwaitingMerge", message)), ..served })
    }

    async fn act(
        &self,
        subject: &Subject<'_>,
        standing: &Standing,
        step: &Offer,
        text: &OfferText,
    ) -> Result<Served, Trouble> {
        let Subject { ask, place, remote, .. } = subject;
        if *step == Offer::Keep {
            return Ok(Served::default());
        }
        let forge = self.cx.polls.forge(remote, ask.forge).await?;
        // What people did since the last poll decides, not what we remember: a request that was closed a
        // moment ago is not opened again.
        if of_place(&forge.requests(MAX_REQUESTS).await?, place) != subject.requests {
            return Ok(Served { look_again: Look::Now, ..Served::default() });
        }
        match step {
            Offer::Keep => {}
            Offer::Open => {
                let new = NewRequest {
                    branch: place.branch.clone(),
                    base: place.goal().to_owned(),
                    title: text.title.clone(),
                    body: text.body.clone(),
                    labels: ask.labels.clone(),
                    reviewers: ask.reviewers.clone(),
                    draft: ask.draft,
                };
                let opened = forge.open(&new).await?;
                return Ok(Served { changed: Some(opened), ..Served::default() });
            }
            Offer::Edit(number) => forge.edit(*number, &text.title, &text.body).await?,
            Offer::Close(number) => {
                let why = format!(
                    "{} holds this content already: there is nothing left to merge.",
                    place.goal()
                );
                // Said before it is closed, so that nothing closes without a word; who was cut off
                // between the two finds the words said, and only closes.
                if !forge.has_comment(*number, &why).await? {
                    forge.comment(*number, &why).await?;
                }
                forge.close(*number).await?;
            }
            Offer::DeleteBranch => {
                // The forge deletes whatever the branch holds; git only what was merged.
                let Standing::InGoal { tip: Some(merged), .. } = standing else {
                    return Ok(Served::default());
                };
                let repository = self.cx.polls.repository(remote, Duration::ZERO).await?;
                let deleted = self.cx.git.delete_branch(&repository, &place.branch, merged).await;
                if !deleted.map_err(|error| self.refused(remote, error))? {
                    return Ok(Served { look_again: Look::Now, ..Served::default() });
                }
            }
        }
        Ok(Served::default())
    }

    /// Merges exactly the head that was looked at, once nothing is missing.
    async fn merge(&self, subject: &Subject<'_>, open: PullRequest) -> Result<Served, Trouble> {
        let Subject { writer, ask, place, remote, .. } = subject;
        let forge = self.cx.polls.forge(remote, ask.forge).await?;
        let readiness = forge.readiness(&open).await?;
        let approvals = i64::from(ask.required.approvals);
        let checks = &ask.required.checks;
        if !is_guarded(&readiness, approvals, checks) {
            let message = format!(
                "request #{} is not merged: neither the forge nor spec.pullRequest.required asks for \
                 an approval or a check. Protect branch {} on the forge, or set required",
                open.number,
                place.goal()
            );
            // Protection is set on the forge, which tells nobody.
            return Err(Trouble::stalled(stalled::NOTHING_GUARDS_THIS_MERGE, message).unseen());
        }
        let told = Some(told(&readiness));
        let wait = |why: &str| {
            let message = format!("request #{} waits: {why}: {}", open.number, open.url);
            Served {
                changed: None,
                waits: Some(Decided::no(MERGED, "AwaitingApproval", message)),
                checks: told.clone(),
                look_again: Look::Later,
            }
        };
        let lacks = missing(&readiness, &open, approvals, checks);
        if !lacks.is_empty() {
            return Ok(wait(&lacks.join(", ")));
        }
        self.check_verified(writer)?;
        match forge.merge(open.number, &open.head).await? {
            Merged::Later { why } => Ok(wait(&why)),
            Merged::Yes { revision } => {
                let merged = PullRequest {
                    state: RequestState::Merged,
                    merged_revision: Some(revision),
                    ..open
                };
                let message = format!("request #{} is merged", merged.number);
                Ok(Served {
                    changed: Some(merged),
                    waits: Some(Decided::no(MERGED, "Merging", message)),
                    checks: told,
                    look_again: Look::Later,
                })
            }
        }
    }
}

/// The checks of a head in one word.
fn told(readiness: &Readiness) -> String {
    use portolan_plan::writer::CheckState::{Failure, Pending};
    let states: Vec<_> = readiness.checks.values().collect();
    let word = if states.is_empty() {
        "none"
    } else if states.contains(&&Failure) {
        "failure"
    } else if states.contains(&&Pending) {
        "pending"
    } else {
        "success"
    };
    word.into()
}
