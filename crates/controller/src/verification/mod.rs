//! Rounds of Verifications: wait for the subject to be live, run the checks side by side, vouch.

mod http;
mod object;
mod run;

use std::time::Duration;

use jiff::Timestamp;
use portolan_api::condition::{Decided, find, rfc3339};
use portolan_api::native::git_deployment::GitDeploymentStatus;
use portolan_api::native::reasons::{READY, RECONCILING, stalled, waiting};
use portolan_api::native::verification::{
    CheckState, CheckStatus, Run, VerificationSpec, VerificationStatus, Verified,
};
use portolan_api::native::{GitDeployment, Verification};
use portolan_api::span;
use portolan_cluster::{Key, Stored};
use portolan_plan::outcome::{Again, Identity};
use portolan_plan::verification::{Gate, Verdict, gate, verdict};

use crate::context::Context;
use crate::dependencies::{Item, Thing};
use crate::git_source::short;
use crate::kinds::ours;
use crate::metrics::{Hop, since};
use crate::native::{Done, Native, conditions, finish, identity, load};
use crate::queue::Reconciler;
use crate::trouble::Trouble;

/// Kind name.
pub(crate) const KIND: &str = "Verification";
/// How often a run looks whether its subject is still live.
const GATE: Duration = Duration::from_millis(250);

/// Rounds of Verifications.
pub(crate) struct Verifications {
    cx: Context,
}

impl Verifications {
    pub(crate) fn new(cx: Context) -> Self {
        Self { cx }
    }

    async fn round(
        &self,
        native: &Native<Verification>,
        status: &mut VerificationStatus,
    ) -> Result<Done, Trouble> {
        let spec = &native.typed.spec;
        check_supported(spec)?;
        let identity = identity(&self.cx, &native.key.namespace, &spec.service_account_name)?;
        let timeout = span::parse(&spec.timeout)
            .map_err(|error| Trouble::invalid(format!("spec.timeout: {error}")))?;
        let revision = &spec.subject.revision;
        let requested = native.is_requested(status);
        let wanted = Verified { url: spec.subject.url.clone(), revision: revision.clone() };
        if status.verified.as_ref() == Some(&wanted) && !requested {
            return Ok(Done::ready(format!("{} passed", short(revision))));
        }
        let ended = status
            .run
            .as_ref()
            .filter(|run| run.revision == *revision && run.completed_at.is_some() && !requested);
        if let Some(run) = ended
            && let Verdict::Failed { message } = verdict(&run.checks)
        {
            return Err(failed(revision, &message));
        }
        if let Gate::Closed { why } = self.gate(native) {
            let message = format!("{} cannot be checked: {why}", short(revision));
            return Err(Trouble::waiting(waiting::DEPLOYMENT_NOT_READY, message));
        }
        self.run(native, status, &identity, timeout).await
    }

    /// Runs all checks; what they find counts only if the subject stayed live throughout.
    async fn run(
        &self,
        native: &Native<Verification>,
        status: &mut VerificationStatus,
        identity: &Identity,
        timeout: Duration,
    ) -> Result<Done, Trouble> {
        let spec = &native.typed.spec;
        let revision = &spec.subject.revision;
        let started_at = rfc3339(Timestamp::now());
        status.run = Some(Run {
            revision: revision.clone(),
            started_at: started_at.clone(),
            completed_at: None,
            checks: spec.checks.iter().map(|check| running(&check.name)).collect(),
        });
        self.tell_start(native, status).await?;
        let checks = tokio::select! {
            checks = run::all(&self.cx, identity, &native.key.namespace, spec, timeout) => checks,
            why = self.closed(native) => {
                status.run = None;
                let message = format!("{} was not judged: {why}", short(revision));
                return Err(Trouble::waiting(waiting::SUPERSEDED, message));
            }
        };
        if let Gate::Closed { why } = self.gate(native) {
            status.run = None;
            let message = format!("{} was not judged: {why}", short(revision));
            return Err(Trouble::waiting(waiting::SUPERSEDED, message));
        }
        let verdict = verdict(&checks);
        let completed_at = Some(rfc3339(Timestamp::now()));
        status.run = Some(Run { revision: revision.clone(), started_at, completed_at, checks });
        match verdict {
            Verdict::Passed => {
                self.measure(native, status);
                status.verified =
                    Some(Verified { url: spec.subject.url.clone(), revision: revision.clone() });
                Ok(Done::ready(format!("{} passed", short(revision))))
            }
            Verdict::Failed { message } => Err(failed(revision, &message)),
            Verdict::Open => Err(failed(revision, "checks did not end")),
        }
    }

    /// Tells that checks run, before the first one does.
    async fn tell_start(
        &self,
        native: &Native<Verification>,
        status: &VerificationStatus,
    ) -> Result<(), Trouble> {
        let Some(kind) = self.cx.kinds.get(&ours(KIND)) else { return Ok(()) };
        let message = format!("checking {}", short(&native.typed.spec.subject.revision));
        let decided = [
            Decided::unknown(READY, waiting::CHECKING, &message),
            Decided::yes(RECONCILING, waiting::CHECKING, message),
        ];
        let mut started = status.clone();
        started.conditions = conditions(&decided, &status.conditions, native.generation);
        started.observed_generation = Some(native.generation);
        let value = serde_json::to_value(&started).unwrap_or_default();
        let after = self.cx.cluster.patch_status(&kind, &native.value, &value).await?;
        self.cx.caches.answered(&after);
        Ok(())
    }

    fn gate(&self, native: &Native<Verification>) -> Gate {
        gate(&native.typed.spec.subject, self.deployed(native).as_ref())
    }

    /// Status of the deployment that is checked.
    fn deployed(&self, native: &Native<Verification>) -> Option<GitDeploymentStatus> {
        let subject = &native.typed.spec.subject;
        let key = Key::new(&native.key.namespace, &subject.deployment_ref.name);
        let stored = self.cx.own("GitDeployment", &key).map(|stored| stored.value());
        let deployment: Option<GitDeployment> =
            stored.and_then(|value| serde_json::from_value(value).ok());
        deployment.and_then(|deployment| deployment.status)
    }

    /// Measures how long a revision that is live took to be verified; checks that a person asked for
    /// again are no hop.
    fn measure(&self, native: &Native<Verification>, status: &VerificationStatus) {
        let revision = &native.typed.spec.subject.revision;
        if status.verified.as_ref().is_some_and(|verified| verified.revision == *revision) {
            return;
        }
        let Some(deployed) = self.deployed(native) else { return };
        let ready = find(&deployed.conditions, READY);
        // A deployment may have stayed ready throughout: then the attempt is what is told of it.
        let told = ready.map(|ready| ready.last_transition_time.as_str());
        let live = told.into_iter().chain(deployed.attempted_at.as_deref()).filter_map(since).min();
        if let Some(took) = live {
            self.cx.metrics.hop(Hop::Verified, took);
        }
    }

    /// Waits until the subject is not live any more, or the Verification asks for something else.
    async fn closed(&self, native: &Native<Verification>) -> String {
        loop {
            tokio::time::sleep(GATE).await;
            if let Gate::Closed { why } = self.gate(native) {
                return why;
            }
            let now = self.cx.own(KIND, &native.key);
            let same = now.filter(|now| is_same(native, now));
            if same.is_none_or(|now| now.generation != native.generation) {
                return "the Verification was changed".into();
            }
        }
    }
}

impl Reconciler for Verifications {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn reconcile(&self, key: Key) -> Again {
        let item = Item::new(KIND, key.clone());
        let native: Native<Verification> = match load(&self.cx, KIND, &key).await {
            Ok(native) => native,
            Err(again) => return again,
        };
        let deployment = native.typed.spec.subject.deployment_ref.name.clone();
        let deployment = Key::new(&key.namespace, &deployment);
        let thing = Thing::object(portolan_api::GROUP, "GitDeployment", deployment);
        self.cx.dependencies.track(&item, [thing]);
        let mut new = native.typed.status.clone().unwrap_or_default();
        let result = if native.typed.spec.suspend {
            Ok(Done::suspended())
        } else {
            self.round(&native, &mut new).await
        };
        // The start of a run was written on the way; the object in the cache is the newer one. Of
        // another object with this name nothing was found out: its own event brings it here.
        let Some(current) = self.cx.own(KIND, &key).filter(|now| is_same(&native, now)) else {
            return Again::OnChange;
        };
        let native = Native { value: current.value(), ..native };
        let old = native.value.get("status").and_then(|s| serde_json::from_value(s.clone()).ok());
        finish(&self.cx, KIND, &native, &old.unwrap_or_default(), new, result).await
    }

    fn begins_anew(&self) -> bool {
        true
    }
}

/// Whether what the cache has is the object that a round is about, not a later one of that name.
fn is_same(native: &Native<Verification>, stored: &Stored) -> bool {
    stored.uid == portolan_plan::object::uid(&native.value)
}

fn failed(revision: &str, message: &str) -> Trouble {
    let message = format!(
        "{}: {message}. It stays failed until a new revision, or annotation {}",
        short(revision),
        portolan_api::labels::REQUESTED_AT
    );
    Trouble::stalled(stalled::VERIFICATION_FAILED, message)
}

fn running(name: &str) -> CheckStatus {
    let name = name.to_owned();
    CheckStatus { name, state: CheckState::Running, attempts: 0, message: String::new() }
}

/// Checks that this version does not run.
fn check_supported(spec: &VerificationSpec) -> Result<(), Trouble> {
    for check in &spec.checks {
        let field = |kind: &str| format!("check {}: {kind}", check.name);
        if check.job.is_some() {
            return Err(Trouble::not_supported(&field("job"), "check the result as an object"));
        }
        if check.prometheus.is_some() {
            return Err(Trouble::not_supported(&field("prometheus"), "use an http check"));
        }
        if check.http.as_ref().is_some_and(|http| http.url.is_some()) {
            return Err(Trouble::not_supported(&field("http.url"), "use http.service"));
        }
    }
    Ok(())
}
