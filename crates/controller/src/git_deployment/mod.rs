//! Rounds of GitDeployments: read the tree, refuse it or apply it whole, prune, watch it become
//! healthy, put drift right.

mod apply;
mod desired;
mod drift;
mod health;
mod live;
mod prune;
mod retire;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use portolan_api::condition::{Decided, rfc3339};
use portolan_api::native::common::ArtifactRef;
use portolan_api::native::git_deployment::{GitDeploymentSpec, GitDeploymentStatus, OnFailure};
use portolan_api::native::reasons::{
    DRIFT_NOT_WATCHED, READY, RECONCILING, STALLED, stalled, succeeded, waiting,
};
use portolan_api::native::{GitDeployment, GitSource};
use portolan_api::span;
use portolan_cluster::{Key, Selection};
use portolan_plan::deployment::{Overall, overall};
use portolan_plan::object;
use portolan_plan::outcome::{Again, Identity};

use crate::context::Context;
use crate::dependencies::{Item, Thing};
use crate::git_source::short;
use crate::native::{Done, Memory, Native, finish, identity, load, remember};
use crate::queue::Reconciler;
use crate::trouble::Trouble;
use desired::{Desired, Parsed};

/// Kind name.
pub(crate) const KIND: &str = "GitDeployment";
/// A look is taken this much after the time it is for, so that the time is over.
const MOMENT: Duration = Duration::from_millis(100);
/// Field manager of what deployments apply.
const MANAGER: &str = "portolan";

/// Rounds of GitDeployments.
pub(crate) struct GitDeployments {
    cx: Context,
    /// Manifests of the tarball that was read last.
    parsed: Memory<Parsed>,
    /// When an object was put right, so that a fight is noticed.
    repairs: Memory<Vec<Timestamp>>,
    /// Objects the server normalises: UID and digest.
    normalised: Arc<std::sync::Mutex<std::collections::HashSet<(String, String)>>>,
}

/// A deployment in a round.
struct Round<'r> {
    native: &'r Native<GitDeployment>,
    spec: &'r GitDeploymentSpec,
    identity: Identity,
    source: ArtifactRef,
    uid: String,
}

impl GitDeployments {
    pub(crate) fn new(cx: Context) -> Self {
        Self {
            cx,
            parsed: Memory::default(),
            repairs: Memory::default(),
            normalised: Arc::default(),
        }
    }

    async fn round(
        &self,
        native: &Native<GitDeployment>,
        status: &mut GitDeploymentStatus,
    ) -> Result<Done, Trouble> {
        let spec = &native.typed.spec;
        check_supported(spec)?;
        let round = Round {
            native,
            spec,
            identity: identity(&self.cx, &native.key.namespace, &spec.service_account_name)?,
            source: self.source(native)?,
            uid: object::uid(&native.value).to_owned(),
        };
        let timeout = span::parse(&spec.timeout)
            .map_err(|error| Trouble::invalid(format!("spec.timeout: {error}")))?;
        let desired = self.desired(&round).await?;
        let new_revision =
            status.attempted_revision.as_deref() != Some(round.source.revision.as_str());
        if new_revision {
            status.attempted_revision = Some(round.source.revision.clone());
            status.attempted_at = Some(rfc3339(Timestamp::now()));
            status.objects.clear();
        } else if native.is_requested(status) {
            status.attempted_at = Some(rfc3339(Timestamp::now()));
        }
        let applied = status.applied_revision.as_deref() == Some(round.source.revision.as_str());
        let live = self.live(&round, &desired).await?;
        let live = if applied {
            self.repair(&round, &desired, live).await?
        } else {
            let live = self.apply_revision(&round, &desired, live, status).await?;
            status.applied_revision = Some(round.source.revision.clone());
            live
        };
        self.judge(&round, &desired, &live, status, timeout).await
    }

    /// The tree to apply.
    fn source(&self, native: &Native<GitDeployment>) -> Result<ArtifactRef, Trouble> {
        let spec = &native.typed.spec;
        let name = match (&spec.source, &spec.source_ref) {
            (Some(source), None) => return Ok(source.clone()),
            (None, Some(reference)) => &reference.name,
            _ => {
                return Err(Trouble::invalid(
                    "exactly one of spec.source and spec.sourceRef must be set",
                ));
            }
        };
        let key = Key::new(&native.key.namespace, name);
        let stored = self.cx.own("GitSource", &key).map(|stored| stored.value());
        let source: Option<GitSource> = stored.and_then(|v| serde_json::from_value(v).ok());
        let artifact = source.and_then(|source| source.status?.artifact).ok_or_else(|| {
            let message = format!("GitSource {key} offers no artifact");
            Trouble::waiting(waiting::REF_NOT_FOUND, message)
        })?;
        Ok(ArtifactRef {
            url: artifact.url,
            revision: artifact.revision,
            digest: Some(artifact.digest),
        })
    }

    /// Judges the health of everything that was applied.
    async fn judge(
        &self,
        round: &Round<'_>,
        desired: &[Desired],
        live: &live::Live,
        status: &mut GitDeploymentStatus,
        timeout: Duration,
    ) -> Result<Done, Trouble> {
        let reports = health::reports(round.spec, desired, live);
        let tried = status.attempted_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
        let tried = tried.map_or(Duration::ZERO, |at| {
            Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default()
        });
        let revision = &round.source.revision;
        let at = short(revision).to_owned();
        let mut unwatched: Vec<Decided> = Vec::new();
        if !live.unwatched.is_empty() {
            let message = live.unwatched.join("; ");
            unwatched.push(Decided::yes(DRIFT_NOT_WATCHED, "WatchForbidden", message));
        }
        // Objects that are not watched are looked at again from time to time.
        let look = if live.unwatched.is_empty() { Again::OnChange } else { Again::BackOff };
        match overall(&reports, tried, timeout) {
            Overall::Healthy => {
                status.observed_revision = Some(revision.clone());
                status.url = Some(round.source.url.clone());
                status.objects.clear();
                let message = format!("{at} is live: {} objects", desired.len());
                let ready = vec![Decided::yes(READY, succeeded::SUCCEEDED, message)];
                // Being healthy, drift of what is not watched is only seen by those looks.
                let look = if live.unwatched.is_empty() { look } else { Again::After(timeout) };
                Ok(Done::with([ready, unwatched].concat()).again(look))
            }
            Overall::Progressing { left, .. } if tried < health::PATIENCE => {
                let soon = health::PATIENCE.saturating_sub(tried).min(left) + MOMENT;
                let conditions = [progressing(&rolling_out(revision)), unwatched].concat();
                Ok(Done::with(conditions).again(Again::After(soon)))
            }
            Overall::Progressing { left, mut objects } => {
                health::explain(&self.cx, round, desired, live, &mut objects).await;
                let message = format!("{at}: {}", health::sentence(&objects));
                status.objects = objects;
                let soon = health::NEXT_LOOK.min(left + MOMENT);
                let conditions = [progressing(&message), unwatched].concat();
                Ok(Done::with(conditions).again(Again::After(soon)))
            }
            Overall::Unhealthy { mut objects } => {
                health::explain(&self.cx, round, desired, live, &mut objects).await;
                let (seconds, why) = (timeout.as_secs(), health::sentence(&objects));
                let message = format!("{at} is not healthy after {seconds} s: {why}");
                status.objects = objects;
                let stalled = vec![
                    Decided::no(READY, stalled::UNHEALTHY, &message),
                    Decided::yes(STALLED, stalled::UNHEALTHY, message),
                ];
                Ok(Done::with([stalled, unwatched].concat()).again(look))
            }
        }
    }
}

/// Conditions while objects are on the way.
fn progressing(message: &str) -> Vec<Decided> {
    vec![
        Decided::unknown(READY, waiting::PROGRESSING, message),
        Decided::yes(RECONCILING, waiting::PROGRESSING, message),
    ]
}

/// What is told of a revision while it goes in and for the first moments after.
fn rolling_out(revision: &str) -> String {
    format!("{} is rolled out", short(revision))
}

impl Reconciler for GitDeployments {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn reconcile(&self, key: Key) -> Again {
        let item = Item::new(KIND, key.clone());
        let native: Native<GitDeployment> = match load(&self.cx, KIND, &key).await {
            Ok(native) => native,
            Err(again) => {
                remember(&self.parsed, &key, None);
                remember(&self.repairs, &key, None);
                return again;
            }
        };
        let reference = native.typed.spec.source_ref.as_ref().map(|reference| {
            let key = Key::new(&key.namespace, &reference.name);
            Thing::object(portolan_api::GROUP, "GitSource", key)
        });
        self.cx.dependencies.track(&item, reference);
        if let Some(again) = self.finalize(&native).await {
            return again;
        }
        let old = native.typed.status.clone().unwrap_or_default();
        let mut new = old.clone();
        let result = if native.typed.spec.suspend {
            Ok(Done::suspended())
        } else {
            self.round(&native, &mut new).await
        };
        // Status may have been written on the way; the object in the cache is the newer one.
        let native = Native { value: self.current(&key).unwrap_or(native.value.clone()), ..native };
        let old = native.value.get("status").and_then(|s| serde_json::from_value(s.clone()).ok());
        finish(&self.cx, KIND, &native, &old.unwrap_or_default(), new, result).await
    }
}

impl GitDeployments {
    fn current(&self, key: &Key) -> Option<serde_json::Value> {
        self.cx.own(KIND, key).map(|stored| stored.value())
    }
}

/// Fields that this version does not act on.
fn check_supported(spec: &GitDeploymentSpec) -> Result<(), Trouble> {
    if spec.hold.is_some() {
        return Err(Trouble::not_supported("spec.hold", "remove it"));
    }
    if spec.on_failure == OnFailure::Revert {
        return Err(Trouble::not_supported("spec.onFailure: Revert", "use Keep"));
    }
    Ok(())
}

/// Which objects a deployment watches.
pub(crate) fn selection() -> Selection {
    Selection::labelled(portolan_api::labels::DEPLOYMENT)
}
