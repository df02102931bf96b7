//! What the API server serves.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use kube::discovery::{Discovery, Scope};
use portolan_plan::object::{Gvk, ServedKind};
use tokio::sync::watch;

use crate::cluster::Cluster;
use crate::error::chain;

/// A kind that nobody knew is asked for again at most this often: aggregated APIs come without a
/// CustomResourceDefinition whose event would tell.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// What the API server serves, read as a whole when definitions change.
#[derive(Clone)]
pub struct Kinds {
    cluster: Cluster,
    known: Arc<RwLock<Known>>,
    changes: watch::Sender<()>,
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Known {
    kinds: HashMap<Gvk, ServedKind>,
    read: Option<Instant>,
}

impl Kinds {
    /// Knows nothing until the first [`Kinds::refresh`].
    pub fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            known: Arc::default(),
            changes: watch::Sender::default(),
            reading: Arc::default(),
        }
    }

    /// A kind, if it is served.
    pub fn get(&self, gvk: &Gvk) -> Option<ServedKind> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).kinds.get(gvk).cloned()
    }

    /// Hears when what is served differs from before, whoever found out.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Reads what is served.
    pub async fn refresh(&self) -> Result<(), String> {
        let _one_at_a_time = self.reading.lock().await;
        let discovery = Discovery::new(self.cluster.client().clone())
            .run_aggregated()
            .await
            .map_err(|error| chain(&error))?;
        let mut kinds = HashMap::new();
        for group in discovery.groups() {
            for version in group.versions() {
                for (resource, capabilities) in group.versioned_resources(version) {
                    let gvk = Gvk {
                        group: resource.group.clone(),
                        version: resource.version.clone(),
                        kind: resource.kind.clone(),
                    };
                    let namespaced = capabilities.scope == Scope::Namespaced;
                    let kind = ServedKind {
                        gvk: gvk.clone(),
                        plural: resource.plural.clone(),
                        namespaced,
                    };
                    kinds.insert(gvk, kind);
                }
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let changed = known.kinds != kinds;
        *known = Known { kinds, read: Some(Instant::now()) };
        drop(known);
        if changed {
            self.changes.send_replace(());
        }
        Ok(())
    }

    /// Whether it is worth asking again for a kind that is not known.
    pub fn is_stale(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.read.is_none_or(|read| read.elapsed() > ASK_AGAIN)
    }
}
