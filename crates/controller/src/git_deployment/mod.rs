//! Rounds of GitDeployments: read the tree, refuse it or apply it whole, prune, watch it become
//! healthy, put drift right.

mod apply;
mod check;
mod desired;
mod drift;
mod health;
mod live;
mod prune;
mod retire;
mod verdict;

use std::sync::Arc;

use jiff::Timestamp;
use portolan_api::condition::rfc3339;
use portolan_api::native::common::ArtifactRef;
use portolan_api::native::git_deployment::{GitDeploymentSpec, GitDeploymentStatus, OnFailure};
use portolan_api::native::reasons::waiting;
use portolan_api::native::{GitDeployment, GitSource};
use portolan_api::span;
use portolan_cluster::{Key, Selection};
use portolan_plan::deployment::{Asked, Repairs, entry};
use portolan_plan::object;
use portolan_plan::outcome::{Again, Identity};

use crate::context::Context;
use crate::dependencies::{Item, Thing};
use crate::native::{Done, Memory, Native, finish, identity, load, remember};
use crate::queue::Reconciler;
use crate::trouble::Trouble;
use desired::Parsed;

/// Kind name.
pub(crate) const KIND: &str = "GitDeployment";
/// Field manager of what deployments apply.
const MANAGER: &str = "portolan";

/// Rounds of GitDeployments.
pub(crate) struct GitDeployments {
    cx: Context,
    /// Manifests of the tarball that was read last.
    parsed: Memory<Parsed>,
    /// When objects were put right, so that a fight is noticed.
    repairs: Memory<Repairs>,
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
        let objects = desired.iter().map(|d| (entry(&d.object, false), d.digest.as_str()));
        let asked = Asked::new(&round.source.revision, objects);
        asked.attempt(status, Timestamp::now());
        if native.is_requested(status) {
            status.attempted_at = Some(rfc3339(Timestamp::now()));
            status.unhealthy_since = None;
        }
        let live = self.live(&round, &desired).await?;
        let live = if asked.is_applied(status) {
            self.repair(&round, &desired, live).await?
        } else {
            let live = self.apply_revision(&round, &desired, live, status).await?;
            asked.applied(status);
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
        self.cx.dependencies.track(&item, self.followed(&native));
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
        // Status may have been written on the way; the object in the cache is the newer one. Another
        // object of the same name has had no round yet: what was found is not its own.
        let value = self.current(&key).unwrap_or_else(|| native.value.clone());
        if object::uid(&value) != object::uid(&native.value) {
            return Again::OnChange;
        }
        let native = Native { value, ..native };
        let old = native.value.get("status").and_then(|s| serde_json::from_value(s.clone()).ok());
        finish(&self.cx, KIND, &native, &old.unwrap_or_default(), new, result).await
    }
}

impl GitDeployments {
    /// The GitSource whose changes wake a deployment: the one it names, or the one that offers the
    /// tree at the url it was given.
    fn followed(&self, native: &Native<GitDeployment>) -> Option<Thing> {
        let spec = &native.typed.spec;
        let key = match (&spec.source, &spec.source_ref) {
            (Some(source), _) => {
                let url = self.cx.artifacts.own(&source.url)?;
                Key::new(&url.namespace, &url.name)
            }
            (None, Some(reference)) => Key::new(&native.key.namespace, &reference.name),
            (None, None) => return None,
        };
        Some(Thing::object(portolan_api::GROUP, "GitSource", key))
    }

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
