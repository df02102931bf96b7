//! Rounds of GitWriters: look at git, decide, write.

mod content;
mod planner;
mod requests;
mod retire;
mod source;

use std::time::Duration;

use portolan_api::condition::Decided;
use portolan_api::native::GitWriter;
use portolan_api::native::git_writer::{GitWriterSpec, GitWriterStatus};
use portolan_api::native::reasons::{
    EDITED, MERGED, READY, stalled, succeeded, transient, waiting,
};
use portolan_api::span;
use portolan_cluster::Key;
use portolan_git::{Refs, Written};
use portolan_plan::outcome::Again;
use portolan_plan::writer::{Carried, Decision, Desired, Place, PullRequest, Standing};

use crate::context::Context;
use crate::dependencies::{Item, Thing};
use crate::failpoint;
use crate::git_source::short;
use crate::metrics::{Begun, Hop};
use crate::native::{Done, Memory, Native, finish, load, recall, remember};
use crate::polls::{Interest, Remote};
use crate::queue::Reconciler;
use crate::trouble::Trouble;
use planner::{Conclusion, WritePlanner};
use requests::{Look, Subject};

/// Kind name.
pub(crate) const KIND: &str = "GitWriter";

/// Rounds of GitWriters.
pub(crate) struct GitWriters {
    cx: Context,
    /// What the last round that came to an end saw, and what it told: while neither spec nor tips
    /// change there is nothing to do.
    settled: Memory<(Seen, Vec<Decided>, Option<String>)>,
    /// Writers whose requests had changed when something was to be done about them.
    stale: Memory<()>,
    /// Since when writers ask for what they have not written yet, by generation.
    begun: Begun<i64>,
}

/// What decides a round.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    generation: i64,
    request: Option<String>,
    branch: Option<String>,
    goal: Option<String>,
    verified: bool,
    requests: Vec<PullRequest>,
}

impl Seen {
    /// The same with the tips as they were found, or made, at the repository: the last poll may be older.
    fn at(&self, written: &Wrote, place: &Place) -> Self {
        let scene = &written.conclusion.scene;
        let own = written.pushed.clone();
        let (branch, goal) = if place.base.is_some() {
            (own.or_else(|| scene.branch.clone()), scene.goal.clone())
        } else {
            let tip = own.or_else(|| scene.goal.clone());
            (tip.clone(), tip)
        };
        Self { branch, goal, ..self.clone() }
    }
}

/// What came of looking and writing.
struct Wrote {
    desired: Desired,
    conclusion: Conclusion,
    /// The commit that was pushed.
    pushed: Option<String>,
}

impl Wrote {
    /// What stands on the branch is told by its own record: where the same content comes from now may be
    /// said differently in the spec, which writes nothing.
    fn tell_what_stands(&mut self) {
        if self.pushed.is_some() {
            return;
        }
        let scene = &self.conclusion.scene;
        if let Some(record) = scene.written.as_ref().filter(|r| r.digest == self.desired.digest) {
            self.desired.carried = Carried::from(record);
        }
    }

    /// What the commit on the branch says that it replaces.
    fn replaces(&self) -> Option<String> {
        match (&self.pushed, &self.conclusion.decision) {
            (Some(_), Some(Decision::Write { replaces, .. })) => replaces.clone(),
            _ => self.conclusion.scene.replaces.clone(),
        }
    }

    /// Where the content is.
    fn standing(&self) -> Standing {
        let scene = &self.conclusion.scene;
        match (&self.pushed, &self.conclusion.decision) {
            (None, Some(Decision::Done { .. })) => {
                Standing::InGoal { tip: scene.branch.clone(), adds_nothing: scene.adds_nothing }
            }
            (pushed, _) => {
                let tip = pushed.clone().or_else(|| scene.branch.clone());
                Standing::OnBranch { tip: tip.unwrap_or_default() }
            }
        }
    }
}

impl GitWriters {
    pub(crate) fn new(cx: Context) -> Self {
        Self { cx, settled: Memory::default(), stale: Memory::default(), begun: Begun::default() }
    }

    async fn round(
        &self,
        writer: &Native<GitWriter>,
        status: &mut GitWriterStatus,
    ) -> Result<Done, Trouble> {
        check_supported(&writer.typed.spec)?;
        if status.observed_generation != Some(writer.generation) {
            self.begun.asks(&writer.key, writer.generation);
        }
        let fresh = writer.is_requested(status)
            || status.observed_generation != Some(writer.generation)
            || recall(&self.stale, &writer.key).is_some();
        remember(&self.stale, &writer.key, None);
        if let Some(done) = self.turn(writer, status, fresh).await? {
            return Ok(done);
        }
        let again = self.turn(writer, status, true).await?;
        again.ok_or_else(|| {
            let branch = &writer.typed.spec.branch;
            let message = format!("branch {branch} comes and goes: it is looked at again");
            Trouble::transient(transient::GIT_SERVER_ERROR, message)
        })
    }

    /// A look at the news and what follows from it; nothing where the news are older than what the
    /// repository shows, so that nothing can follow.
    async fn turn(
        &self,
        writer: &Native<GitWriter>,
        status: &mut GitWriterStatus,
        fresh: bool,
    ) -> Result<Option<Done>, Trouble> {
        let spec = &writer.typed.spec;
        let mut place = self.place(writer)?;
        let interval = span::parse(&spec.interval)
            .map_err(|error| Trouble::invalid(format!("spec.interval: {error}")))?;
        let item = Item::new(KIND, writer.key.clone());
        let remote = remote(writer);
        let ask = spec.pull_request.as_ref();
        let forge = ask.and_then(|ask| ask.forge);
        let interest = Interest { interval, requests: ask.is_some(), forge };
        let (refs, requests) = self.news(&item, &remote, interest, fresh, &place).await?;
        status.pull_request = requests::status(&requests);
        place.declined = requests::declined(&requests);
        let seen = Seen {
            generation: writer.generation,
            request: writer.request.clone(),
            branch: tip(&refs, &place.branch),
            goal: tip(&refs, place.goal()),
            verified: self.is_verified(writer),
            requests,
        };
        if let Some((before, conditions, checks)) = recall(&self.settled, &writer.key)
            && before == seen
        {
            if let Some(told) = &mut status.pull_request {
                told.checks = checks;
            }
            return Ok(Some(Done::with(conditions)));
        }
        let Some(mut written) = self.write(writer, status, &place, &remote, &seen).await? else {
            return Ok(None);
        };
        self.measure(writer, &written);
        written.tell_what_stands();
        let found = seen.at(&written, &place);
        if found != seen {
            self.cx.polls.is_ahead(&item, &remote);
        }
        let mut done = conclude(writer, status, &place, &written)?;
        if let Some(ask) = ask {
            let subject = Subject {
                writer,
                ask,
                place: &place,
                remote: &remote,
                desired: &written.desired,
                scene: &written.conclusion.scene,
                requests: &seen.requests,
                replaces: written.replaces(),
            };
            let served = self.serve(&subject, &written.standing()).await?;
            if let Some(changed) = &served.changed {
                status.pull_request = requests::status(std::slice::from_ref(changed));
            }
            if let Some(told) = &mut status.pull_request {
                told.checks.clone_from(&served.checks);
            }
            if let Some(waits) = served.waits {
                done.conditions.retain(|condition| condition.type_ != waits.type_);
                done.conditions.push(waits);
            }
            match served.look_again {
                Look::Settled => {}
                Look::Later => {
                    remember(&self.settled, &writer.key, None);
                    return Ok(Some(done.again(Again::After(interval))));
                }
                Look::Now => {
                    remember(&self.stale, &writer.key, Some(()));
                    return Ok(Some(done.again(Again::After(Duration::ZERO))));
                }
            }
        }
        let checks = status.pull_request.as_ref().and_then(|told| told.checks.clone());
        remember(&self.settled, &writer.key, Some((found, done.conditions.clone(), checks)));
        Ok(Some(done))
    }

    /// Looks, decides, and writes where there is something to write. The look uses the credentials
    /// at hand; before a write they are read anew. Nothing where what was seen before is too old to write.
    async fn write(
        &self,
        writer: &Native<GitWriter>,
        status: &mut GitWriterStatus,
        place: &Place,
        remote: &Remote,
        seen: &Seen,
    ) -> Result<Option<Wrote>, Trouble> {
        let mut desired = content::desired(&self.cx, writer).await?;
        let planner = |desired: &Desired, act: bool| {
            WritePlanner::new(&self.cx, writer, status, place.clone(), desired.clone(), act)
        };
        let (look, conclusion) = planner(&desired, false);
        let max_age = self.cx.settings.credential_max_age;
        let repository = self.cx.polls.repository(remote, max_age).await?;
        self.cx
            .git
            .write(&repository, place.clone(), Box::new(look))
            .await
            .map_err(|error| self.refused(remote, error))?;
        let mut conclusion = conclusion.take();
        let mut pushed = None;
        if matches!(conclusion.decision, Some(Decision::Write { .. } | Decision::CreateBase)) {
            // A branch that was deleted since may have taken its request with it.
            let gone = seen.branch.is_some() && conclusion.scene.branch.is_none();
            if gone && place.base.is_some() && writer.typed.spec.pull_request.is_some() {
                return Ok(None);
            }
            self.check_verified(writer)?;
            let before = conclusion.scene.before.take();
            source::tell(&self.cx, writer, &mut desired, before.as_ref()).await;
            let repository = self.cx.polls.repository(remote, Duration::ZERO).await?;
            let (act, concluded) = planner(&desired, true);
            failpoint::hit("git-push-before", &place.branch).await;
            let written = self
                .cx
                .git
                .write(&repository, place.clone(), Box::new(act))
                .await
                .map_err(|error| self.refused(remote, error))?;
            failpoint::hit("git-push-after", &place.branch).await;
            conclusion = concluded.take();
            if let Written::Pushed { commit } = written {
                pushed = Some(commit);
            }
        }
        Ok(Some(Wrote { desired, conclusion, pushed }))
    }

    /// Measures how long the content took to be written, or its verdict to be followed.
    fn measure(&self, writer: &Native<GitWriter>, written: &Wrote) {
        let asked = self.begun.ends(&writer.key);
        if written.pushed.is_none() {
            return;
        }
        let (hop, took) = match &writer.typed.spec.verified {
            None => (Hop::Written, asked),
            Some(verified) => {
                let key = Key::new(&writer.key.namespace, &verified.verification_ref.name);
                (Hop::Promoted, planner::verified_for(&self.cx, &key))
            }
        };
        if let Some(took) = took {
            self.cx.metrics.hop(hop, took);
        }
    }

    fn refused(&self, remote: &Remote, error: portolan_git::Error) -> Trouble {
        let trouble = Trouble::from(error);
        if trouble.reason == stalled::AUTH_FAILED {
            self.cx.polls.refused(remote);
            return trouble.unseen();
        }
        // What a hook refuses today it may accept tomorrow, and tells nobody.
        if trouble.reason == stalled::PUSH_REFUSED { trouble.unseen() } else { trouble }
    }

    /// Where the writer writes.
    fn place(&self, writer: &Native<GitWriter>) -> Result<Place, Trouble> {
        let spec = &writer.typed.spec;
        let base = spec.base.clone().filter(|base| *base != spec.branch);
        let place = Place {
            branch: spec.branch.clone(),
            base,
            path: spec.path.clone(),
            writer: format!("{}/{}", self.cx.cluster_name(), writer.key),
            ..Place::default()
        };
        let allowed = &self.cx.settings.allow_base;
        if !allowed.is_empty() && !allowed.iter().any(|base| base == place.goal()) {
            let message = format!(
                "branch {} is not one that writers may aim at: the controller was started with \
                 --allow-base {}",
                place.goal(),
                allowed.join(",")
            );
            return Err(Trouble::stalled(stalled::BASE_NOT_ALLOWED, message));
        }
        Ok(place)
    }

    /// Whether the Verification vouches for exactly this content now.
    fn is_verified(&self, writer: &Native<GitWriter>) -> bool {
        let spec = &writer.typed.spec;
        match &spec.verified {
            None => true,
            Some(verified) => {
                let key = Key::new(&writer.key.namespace, &verified.verification_ref.name);
                planner::vouches(&self.cx, &key, spec.content.tree.as_ref())
            }
        }
    }

    fn check_verified(&self, writer: &Native<GitWriter>) -> Result<(), Trouble> {
        if self.is_verified(writer) {
            return Ok(());
        }
        let verified = writer.typed.spec.verified.as_ref();
        let name = verified.map(|v| v.verification_ref.name.as_str()).unwrap_or_default();
        let message = format!("Verification {name} does not vouch for this content");
        Err(Trouble::waiting(waiting::NOT_VERIFIED, message))
    }
}

impl Reconciler for GitWriters {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn reconcile(&self, key: Key) -> Again {
        let item = Item::new(KIND, key.clone());
        let writer: Native<GitWriter> = match load(&self.cx, KIND, &key).await {
            Ok(writer) => writer,
            Err(again) => {
                self.cx.polls.leave(&item, None);
                remember(&self.settled, &key, None);
                remember(&self.stale, &key, None);
                self.begun.ends(&key);
                return again;
            }
        };
        let verification = writer.typed.spec.verified.as_ref().map(|verified| {
            let key = Key::new(&key.namespace, &verified.verification_ref.name);
            Thing::object(portolan_api::GROUP, "Verification", key)
        });
        let tree = writer.typed.spec.content.tree.as_ref();
        let source = tree.and_then(|tree| self.cx.artifacts.own(&tree.url)).map(|url| {
            Thing::object(portolan_api::GROUP, "GitSource", Key::new(&url.namespace, &url.name))
        });
        self.cx.dependencies.track(&item, verification.into_iter().chain(source));
        let old = writer.typed.status.clone().unwrap_or_default();
        let mut new = old.clone();
        if let Some(again) = self.finalize(&writer).await {
            return again;
        }
        let result = if writer.typed.spec.suspend {
            self.cx.polls.leave(&item, None);
            Ok(Done::suspended())
        } else {
            self.round(&writer, &mut new).await
        };
        finish(&self.cx, KIND, &writer, &old, new, result).await
    }
}

/// The commit at the tip of a branch.
fn tip(refs: &Refs, branch: &str) -> Option<String> {
    refs.get(&format!("refs/heads/{branch}")).map(Into::into)
}

/// What cannot be, and fields that this version does not act on.
fn check_supported(spec: &GitWriterSpec) -> Result<(), Trouble> {
    if spec.pull_request.is_some() && spec.base.as_ref().is_none_or(|base| *base == spec.branch) {
        let message = "spec.pullRequest needs spec.base: the branch that requests go to, another than \
                       spec.branch";
        return Err(Trouble::invalid(message));
    }
    if spec.commit.signing_secret_ref.is_some() {
        let instead = "remove it to write unsigned commits";
        return Err(Trouble::not_supported("spec.commit.signingSecretRef", instead));
    }
    Ok(())
}

/// Status and conditions of a conclusion.
fn conclude(
    writer: &Native<GitWriter>,
    status: &mut GitWriterStatus,
    place: &Place,
    written: &Wrote,
) -> Result<Done, Trouble> {
    let Wrote { desired, conclusion, pushed } = written;
    let goal = place.goal();
    let mut told = |revision: &str, merged: bool, edited: Option<String>| {
        status.revision = Some(revision.into());
        status.branch = Some(place.branch.clone());
        status.url = Some(writer.typed.spec.repository.url.clone());
        status.digest = Some(desired.digest.clone());
        status.passage =
            Some(conclusion.passage.clone().unwrap_or_else(|| desired.carried.passage.clone()));
        let at = short(revision).to_owned();
        let (ready, merged) = if merged {
            let message = format!("{goal} holds the content since {at}");
            (
                Decided::yes(READY, succeeded::SUCCEEDED, &message),
                Decided::yes(MERGED, "Merged", message),
            )
        } else {
            let message =
                format!("{} holds the content at {at}; {goal} does not yet", place.branch);
            (
                Decided::yes(READY, succeeded::WRITTEN, &message),
                Decided::no(MERGED, "Unmerged", message),
            )
        };
        let mut conditions = vec![ready, merged];
        conditions.extend(edited.map(|message| Decided::yes(EDITED, "EditedOnBranch", message)));
        Ok(Done::with(conditions))
    };
    match (conclusion.decision.clone(), pushed) {
        (Some(Decision::Write { .. }), Some(commit)) => told(commit, place.base.is_none(), None),
        (Some(Decision::Done { revision }), _) => told(&revision, true, None),
        (Some(Decision::Leave { revision, edited }), _) => told(&revision, false, edited),
        (Some(Decision::BaseNotFound), _) => {
            let message = format!("branch {goal} is not in the repository: create it");
            Err(Trouble::waiting(waiting::BASE_NOT_FOUND, message))
        }
        (Some(Decision::Reverted { message }), _) => {
            Err(Trouble::stalled(stalled::REVERTED, message))
        }
        (Some(Decision::Declined { message }), _) => {
            // It may be opened again, which is seen as news of the forge.
            Err(Trouble::stalled(stalled::DECLINED, message))
        }
        (Some(Decision::Edited { message }), _) => Err(Trouble::stalled(stalled::EDITED, message)),
        (Some(Decision::OwnedByAnother { message }), _) => {
            Err(Trouble::stalled(stalled::PATH_OWNED_BY_ANOTHER, message))
        }
        (Some(Decision::Obstructed { message }), _) => {
            Err(Trouble::stalled(stalled::PATH_OBSTRUCTED, message))
        }
        // The verdict was withdrawn between the look and the push.
        (Some(Decision::Write { .. } | Decision::CreateBase | Decision::NeedHistory) | None, _) => {
            let message = "the Verification stopped vouching for the content before the push";
            Err(Trouble::waiting(waiting::NOT_VERIFIED, message))
        }
    }
}

/// The repository that a writer writes, with its credentials.
fn remote(writer: &Native<GitWriter>) -> Remote {
    let repository = &writer.typed.spec.repository;
    Remote::new(&repository.url, &writer.key.namespace, repository.secret_ref.as_ref())
}
