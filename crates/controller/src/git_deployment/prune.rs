//! Pruning what a revision no longer holds: only what is still ours, in reverse order.

use std::collections::BTreeSet;

use portolan_api::native::git_deployment::InventoryEntry;
use portolan_api::native::reasons::transient;
use portolan_cluster::{HeldBy, WriteError, WriteErrorKind};
use portolan_plan::deployment::{key_of, prunable, stage};
use portolan_plan::object::{self, Gvk, ObjectKey};
use portolan_plan::outcome::{Delete, Event};

use super::desired::Desired;
use super::live::Live;
use super::{GitDeployments, Round};
use crate::trouble::Trouble;

/// An object that could not be deleted.
#[derive(Clone, Debug)]
pub(super) struct Left {
    /// The object, and why.
    text: String,
    /// Whether another attempt may do it.
    pub(super) passing: bool,
}

impl Left {
    /// An object, and why nothing will delete it.
    pub(super) fn lasting(text: String) -> Self {
        Self { text, passing: false }
    }

    /// All of them, for a message.
    pub(super) fn told(left: &[Self]) -> String {
        left.iter().map(|left| left.text.as_str()).collect::<Vec<_>>().join("; ")
    }
}

impl GitDeployments {
    /// Deletes what the inventory lists and the revision does not want. What was adopted is spared
    /// until one revision with it was healthy: until then it was somebody else's.
    pub(super) async fn prune(
        &self,
        round: &Round<'_>,
        old: &[InventoryEntry],
        desired: &[Desired],
        live: &Live,
    ) -> Result<(), Trouble> {
        if !round.spec.prune {
            return Ok(());
        }
        let wanted: BTreeSet<&ObjectKey> = desired.iter().map(|desired| &desired.key).collect();
        let unwanted = old.iter().filter(|entry| {
            !entry.adopted && key_of(entry).is_some_and(|(key, _)| !wanted.contains(&key))
        });
        let failures = self.delete_all(round, unwanted, live).await;
        if failures.is_empty() {
            return Ok(());
        }
        let message = format!("applied, but not all could be pruned: {}", Left::told(&failures));
        Err(Trouble::transient(transient::PARTIALLY_APPLIED, message))
    }

    /// Deletes objects of the inventory, as far as they are ours; tells what could not be deleted.
    pub(super) async fn delete_all(
        &self,
        round: &Round<'_>,
        entries: impl Iterator<Item = &InventoryEntry>,
        live: &Live,
    ) -> Vec<Left> {
        let mut objects: Vec<(ObjectKey, Gvk)> = entries.filter_map(key_of).collect();
        objects.sort_by(|(a_key, a), (b_key, b)| (stage(b), b_key).cmp(&(stage(a), a_key)));
        let mut failures = Vec::new();
        for (key, gvk) in objects {
            if let Err(error) = self.delete_one(round, &key, &gvk, live).await {
                let text =
                    format!("{} {}/{}: {}", key.kind, key.namespace, key.name, error.message);
                failures.push(Left { text, passing: error.kind == WriteErrorKind::Unavailable });
            }
        }
        failures
    }

    async fn delete_one(
        &self,
        round: &Round<'_>,
        key: &ObjectKey,
        gvk: &Gvk,
        live: &Live,
    ) -> Result<(), WriteError> {
        // A kind that is gone took its objects with it.
        let Some(kind) = self.cx.kinds.get(gvk) else { return Ok(()) };
        let found = if let Some(found) = live.objects.get(key) {
            found.as_ref().clone()
        } else {
            let (namespace, name) = (&key.namespace, &key.name);
            let read = self.cx.cluster.get(&round.identity, &kind, namespace, name).await;
            let HeldBy::Object(found) = read? else {
                return Ok(());
            };
            *found
        };
        if !prunable(&found, &round.uid) {
            return Ok(());
        }
        let delete = Delete {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: object::uid(&found).into(),
            kind,
        };
        self.cx.cluster.delete(&round.identity, &delete).await?;
        let message = format!("Deleted object [{}/{}]", delete.kind.qualified(), key.name);
        let event = Event::normal("ObjectPruned", message);
        self.cx.events.record(&round.native.value, vec![event]);
        Ok(())
    }
}
