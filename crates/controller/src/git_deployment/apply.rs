//! Applying a revision: refuse it whole or apply it whole, as far as Kubernetes lets us.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portolan_api::native::git_deployment::{GitDeploymentStatus, Inventory, InventoryEntry};
use portolan_api::native::reasons::{stalled, transient};
use portolan_cluster::{Applied, ApplyOptions, WriteError, WriteErrorKind};
use portolan_plan::deployment::{Stage, entry, shrinks_too_much, union};
use portolan_plan::object::{self, Gvk, ServedKind};
use portolan_plan::outcome::{Delete, Expect};
use serde_json::Value;

use super::check::{Way, may_force};
use super::desired::Desired;
use super::live::Live;
use super::verdict::{progressing, rolling_out};
use super::{GitDeployments, KIND, MANAGER, Round};
use crate::failpoint;
use crate::kinds::ours;
use crate::native::conditions;
use crate::trouble::Trouble;

/// Longest wait for a definition to be served.
const ESTABLISHED: Duration = Duration::from_secs(30);

impl GitDeployments {
    /// Takes a revision in: everything is checked first, then the inventory is widened, then objects
    /// are applied in order, then what is no longer wanted is pruned.
    pub(super) async fn apply_revision(
        &self,
        round: &Round<'_>,
        desired: &[Desired],
        mut live: Live,
        status: &mut GitDeploymentStatus,
    ) -> Result<Live, Trouble> {
        let old = status.inventory.clone().unwrap_or_default().entries;
        let ways = self.check_all(round, desired, &live, status).await?;
        let mut new: Vec<InventoryEntry> = desired
            .iter()
            .zip(&ways)
            .map(|(wanted, way)| {
                let before = entry(&wanted.object, false);
                let kept =
                    old.iter().find(|old| old.id == before.id).is_some_and(|old| old.adopted);
                let adopted = kept || matches!(way, Way::Apply { adopted: true, .. });
                InventoryEntry { adopted, ..before }
            })
            .collect();
        // In one order, so that the same objects are the same inventory.
        new.sort();
        if !round.spec.allow_shrink && round.spec.prune && shrinks_too_much(&old, &new) {
            let message = format!(
                "nothing was changed: the revision holds {} of the {} objects before; set \
                 spec.allowShrink if that is meant",
                new.len(),
                old.len()
            );
            return Err(Trouble::stalled(stalled::SHRINKS_TOO_MUCH, message));
        }
        let union = union(&old, &new);
        if status.inventory.as_ref().map(|inventory| &inventory.entries) != Some(&union) {
            status.inventory = Some(Inventory { entries: union });
            self.write_ahead(round, status).await?;
        }
        let changes = ways.iter().filter(|way| !matches!(way, Way::Converged)).count();
        self.apply_all(round, desired, ways, &mut live, changes).await?;
        self.prune(round, &old, desired, &live).await?;
        status.inventory = Some(Inventory { entries: new });
        Ok(live)
    }

    /// One status write before the first object: a crash leaves nothing that is not in the inventory.
    async fn write_ahead(
        &self,
        round: &Round<'_>,
        status: &GitDeploymentStatus,
    ) -> Result<(), Trouble> {
        let Some(kind) = self.cx.kinds.get(&ours(KIND)) else { return Ok(()) };
        let mut ahead = status.clone();
        let decided = progressing(&rolling_out(&round.source.revision));
        let generation = round.native.generation;
        ahead.conditions = conditions(&decided, &status.conditions, generation);
        ahead.observed_generation = Some(generation);
        let value = serde_json::to_value(&ahead).unwrap_or_default();
        failpoint::hit("status-before", KIND).await;
        let after = self.cx.cluster.patch_status(&kind, &round.native.value, &value).await?;
        failpoint::hit("status-after", KIND).await;
        self.cx.caches.answered(&after);
        Ok(())
    }

    async fn apply_all(
        &self,
        round: &Round<'_>,
        desired: &[Desired],
        ways: Vec<Way>,
        live: &mut Live,
        changes: usize,
    ) -> Result<(), Trouble> {
        let mut done = 0;
        let mut new_kinds = false;
        for (wanted, way) in desired.iter().zip(ways) {
            let Way::Apply { expect, .. } = way else { continue };
            if wanted.stage > Stage::Definitions && std::mem::take(&mut new_kinds) {
                self.established(desired).await?;
            }
            let applied = self.apply_one(round, wanted, &expect, live).await;
            if let Err(error) = applied {
                if done == 0 {
                    // Rights and the objects of others are not watched.
                    return Err(Trouble::from(error).unseen());
                }
                let message = format!(
                    "{done} of {changes} objects are applied; {} {}/{} is not: {}. It is tried again",
                    wanted.key.kind, wanted.key.namespace, wanted.key.name, error.message
                );
                return Err(Trouble::transient(transient::PARTIALLY_APPLIED, message));
            }
            done += 1;
            new_kinds |= wanted.stage == Stage::Definitions;
        }
        Ok(())
    }

    /// Waits until the definitions of this revision are served.
    async fn established(&self, desired: &[Desired]) -> Result<(), Trouble> {
        let missing: BTreeSet<Gvk> =
            desired.iter().filter(|d| d.kind.is_none()).map(|d| Gvk::of(&d.object)).collect();
        let deadline = tokio::time::Instant::now() + ESTABLISHED;
        loop {
            let _ = self.cx.kinds.refresh().await;
            if missing.iter().all(|gvk| self.cx.kinds.get(gvk).is_some()) {
                return Ok(());
            }
            if tokio::time::Instant::now() >= deadline {
                let names: Vec<&str> = missing.iter().map(|gvk| gvk.kind.as_str()).collect();
                let message = format!("definitions are not served yet: {}", names.join(", "));
                return Err(Trouble::transient(transient::PARTIALLY_APPLIED, message));
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Applies one object; what the server answers is what is live.
    pub(super) async fn apply_one(
        &self,
        round: &Round<'_>,
        wanted: &Desired,
        expect: &Expect,
        live: &mut Live,
    ) -> Result<(), WriteError> {
        let gvk = Gvk::of(&wanted.object);
        let Some(kind) = wanted.kind.clone().or_else(|| self.cx.kinds.get(&gvk)) else {
            let message = format!("{} is not served", gvk.kind);
            return Err(WriteError::new(WriteErrorKind::NotFound, message));
        };
        failpoint::hit("deploy-before", &wanted.key.name).await;
        let applied = self.send(round, wanted, &kind, expect).await?;
        failpoint::hit("deploy-after", &wanted.key.name).await;
        self.cx.caches.answered(&applied.object);
        let before = live.objects.insert(wanted.key.clone(), Arc::new(applied.object.clone()));
        let unchanged = before.is_some_and(|before: Arc<Value>| {
            object::resource_version(&before) == object::resource_version(&applied.object)
        });
        if unchanged {
            self.remember_normalised(object::uid(&applied.object), &wanted.digest);
        }
        Ok(())
    }

    async fn send(
        &self,
        round: &Round<'_>,
        wanted: &Desired,
        kind: &ServedKind,
        expect: &Expect,
    ) -> Result<Applied, WriteError> {
        let options = ApplyOptions { manager: MANAGER, dry_run: false, owner: None };
        let cluster = &self.cx.cluster;
        let result = cluster.apply(&round.identity, kind, &wanted.object, expect, options).await;
        match (result, expect) {
            (Err(error), Expect::Uid(uid)) if may_force(round, &error) => {
                let delete = Delete {
                    kind: kind.clone(),
                    namespace: wanted.key.namespace.clone(),
                    name: wanted.key.name.clone(),
                    uid: uid.clone(),
                };
                cluster.delete(&round.identity, &delete).await?;
                let absent = Expect::Absent;
                cluster.apply(&round.identity, kind, &wanted.object, &absent, options).await
            }
            (result, _) => result,
        }
    }
}
