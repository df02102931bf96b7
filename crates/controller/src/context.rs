//! What every round works with.

use std::sync::Arc;
use std::time::Duration;

use portolan_cluster::{
    Caches, Cluster, Events, Key, Kinds, Secrets, Selection, Stored, WriteErrorKind,
};
use portolan_plan::object::ServedKind;
use portolan_plan::outcome::{Again, Event};
use serde_json::Value;

use crate::artifact::Artifacts;
use crate::dependencies::Dependencies;
use crate::egress::Egress;
use crate::failpoint;
use crate::kinds::ours;
use crate::metrics::Metrics;
use crate::polls::Polls;
use crate::settings::Settings;

/// What every round works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) cluster: Cluster,
    pub(crate) caches: Caches,
    pub(crate) kinds: Kinds,
    pub(crate) secrets: Secrets,
    pub(crate) events: Events,
    pub(crate) git: portolan_git::Service,
    pub(crate) polls: Polls,
    pub(crate) artifacts: Artifacts,
    pub(crate) egress: Egress,
    pub(crate) dependencies: Arc<Dependencies>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) metrics: Metrics,
    pub(crate) cluster_name: Arc<str>,
}

impl Context {
    /// An object of our own group from the cache.
    pub(crate) fn own(&self, kind: &str, key: &Key) -> Option<Arc<Stored>> {
        self.caches.get(&ours(kind), &Selection::default(), key)
    }

    /// Makes `status` the whole status of an object, if it differs; then records events. A conflict
    /// means that the object changed meanwhile: its event brings it back here.
    pub(crate) async fn report(
        &self,
        kind: &'static str,
        object: &Value,
        status: Option<&Value>,
        events: Vec<Event>,
        again: Again,
    ) -> Again {
        let Some(status) = status else {
            self.events.record(object, events);
            return again;
        };
        let Some(served) = self.kinds.get(&ours(kind)) else { return Again::BackOff };
        match self.write_status(&served, object, status).await {
            Ok(()) => {
                self.events.record(object, events);
                again
            }
            Err(error) if error.kind == WriteErrorKind::Conflict => {
                again.sooner(Again::After(Duration::from_millis(100)))
            }
            Err(error) if error.kind == WriteErrorKind::NotFound => Again::OnChange,
            Err(error) => {
                let name = portolan_plan::object::name(object);
                tracing::warn!(kind, name, error = error.message, "the status cannot be written");
                Again::BackOff
            }
        }
    }

    async fn write_status(
        &self,
        kind: &ServedKind,
        object: &Value,
        status: &Value,
    ) -> Result<(), portolan_cluster::WriteError> {
        failpoint::hit("status-before", &kind.gvk.kind).await;
        let after = self.cluster.patch_status(kind, object, status).await?;
        failpoint::hit("status-after", &kind.gvk.kind).await;
        self.caches.answered(&after);
        Ok(())
    }

    /// Name of this cluster in records and commits.
    pub(crate) fn cluster_name(&self) -> &str {
        &self.cluster_name
    }

    /// Name of the environment this cluster is.
    pub(crate) fn environment(&self) -> &str {
        self.settings.environment.as_deref().unwrap_or(&self.cluster_name)
    }
}
