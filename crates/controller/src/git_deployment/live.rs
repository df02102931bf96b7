//! The objects of a deployment as they are: from the cache where their kind may be watched, else read
//! as the deployment's account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use portolan_api::labels::{APPLIED, DEPLOYMENT};
use portolan_cluster::{HeldBy, WatchKey};
use portolan_plan::choreography::WatchState;
use portolan_plan::equal;
use portolan_plan::object::{self, ObjectKey, ServedKind};
use serde_json::Value;

use super::desired::Desired;
use super::{GitDeployments, KIND, Round, selection};
use crate::dependencies::{Item, Thing};
use crate::trouble::Trouble;

/// Longest wait for the first list of a kind.
const FIRST_LIST: Duration = Duration::from_secs(10);

/// What is live.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    /// Objects that bear this deployment's label.
    pub(super) objects: BTreeMap<ObjectKey, Arc<Value>>,
    /// Kinds that cannot be watched, each with the rule to add.
    pub(super) unwatched: Vec<String>,
}

impl GitDeployments {
    /// Looks at everything the revision asks for.
    pub(super) async fn live(
        &self,
        round: &Round<'_>,
        desired: &[Desired],
    ) -> Result<Live, Trouble> {
        let kinds: BTreeSet<ServedKind> = desired.iter().filter_map(|d| d.kind.clone()).collect();
        let item = Item::new(KIND, round.native.key.clone());
        let watches = kinds
            .iter()
            .map(|kind| Thing::Watch(WatchKey { gvk: kind.gvk.clone(), selection: selection() }));
        let source = self.followed(round.native);
        self.cx.dependencies.track(&item, watches.chain(source));
        let mut live = Live::default();
        for kind in &kinds {
            let selection = selection();
            self.cx.caches.ensure(kind, &selection);
            let settled = self.cx.caches.settled(&kind.gvk, &selection);
            match tokio::time::timeout(FIRST_LIST, settled).await {
                Ok(WatchState::Synced) => self.cached(round, kind, &mut live),
                Ok(_) => {
                    live.unwatched.push(portolan_plan::choreography::rule_to_add(kind));
                    self.by_reading(round, kind, desired, &mut live).await?;
                }
                Err(_) => {
                    let reason = portolan_api::native::reasons::transient::API_UNAVAILABLE;
                    let message = format!("{} cannot be listed now", kind.qualified());
                    return Err(Trouble::transient(reason, message));
                }
            }
        }
        Ok(live)
    }

    fn cached(&self, round: &Round<'_>, kind: &ServedKind, live: &mut Live) {
        let Some(store) = self.cx.caches.store(&kind.gvk, &selection()) else { return };
        for stored in store.all() {
            let value = stored.value();
            if object::label(&value, DEPLOYMENT) == Some(&round.uid) {
                live.objects.insert(ObjectKey::of(&value), Arc::new(value));
            }
        }
    }

    async fn by_reading(
        &self,
        round: &Round<'_>,
        kind: &ServedKind,
        desired: &[Desired],
        live: &mut Live,
    ) -> Result<(), Trouble> {
        for wanted in desired.iter().filter(|wanted| wanted.kind.as_ref() == Some(kind)) {
            let (namespace, name) = (&wanted.key.namespace, &wanted.key.name);
            let found = self.cx.cluster.get(&round.identity, kind, namespace, name).await?;
            if let HeldBy::Object(value) = found
                && object::label(&value, DEPLOYMENT) == Some(&round.uid)
            {
                live.objects.insert(wanted.key.clone(), Arc::new(*value));
            }
        }
        Ok(())
    }

    /// Whether an object is as the revision asks: its digest is the desired one and every desired
    /// leaf is there, or known to be normalised by the server.
    pub(super) fn converged(&self, wanted: &Desired, live: Option<&Arc<Value>>) -> bool {
        let Some(live) = live else { return false };
        if object::annotation(live, APPLIED) != Some(&wanted.digest) {
            return false;
        }
        let known = (object::uid(live).to_owned(), wanted.digest.clone());
        let normalised = self.normalised.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        normalised.contains(&known) || equal::holds(&wanted.object, live)
    }

    pub(super) fn remember_normalised(&self, uid: &str, digest: &str) {
        let mut known = self.normalised.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.insert((uid.into(), digest.into()));
    }
}
