//! Applying a revision: refuse it whole or apply it whole, as far as Kubernetes lets us.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portolan_api::labels::DEPLOYMENT;
use portolan_api::native::git_deployment::{
    Adopt, Force, GitDeploymentStatus, Inventory, InventoryEntry,
};
use portolan_api::native::reasons::{stalled, transient};
use portolan_cluster::{Applied, ApplyOptions, HeldBy, WriteError, WriteErrorKind};
use portolan_plan::deployment::{Stage, entry, shrinks_too_much};
use portolan_plan::object::{self, Gvk, ServedKind};
use portolan_plan::outcome::{Delete, Expect};
use serde_json::Value;

use super::desired::{Desired, refused};
use super::live::Live;
use super::{GitDeployments, KIND, MANAGER, Round, progressing, rolling_out};
use crate::dependencies::{Item, Thing};
use crate::failpoint;
use crate::kinds::ours;
use crate::native::conditions;
use crate::trouble::Trouble;

/// Longest wait for a definition to be served.
const ESTABLISHED: Duration = Duration::from_secs(30);

/// How an object goes in.
enum Way {
    /// It is there and as it should be.
    Converged,
    /// It has to be applied; whether it was adopted.
    Apply { expect: Expect, adopted: bool },
}

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
        let mut ways = Vec::new();
        let mut mistakes = Vec::new();
        for wanted in desired {
            match self.check(round, wanted, &live).await? {
                Ok(way) => ways.push(way),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if !mistakes.is_empty() {
            // What the server refuses today (a webhook, a quota) it may accept tomorrow.
            return Err(refused(&mistakes).unseen());
        }
        let new: Vec<InventoryEntry> = desired
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
        let reached = status.observed_revision.is_some();
        self.prune(round, &old, desired, &live, reached).await?;
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

    /// Checks one object without changing anything: whose it is, and what the server says to it.
    async fn check(
        &self,
        round: &Round<'_>,
        wanted: &Desired,
        live: &Live,
    ) -> Result<Result<Way, String>, Trouble> {
        let found = live.objects.get(&wanted.key);
        if self.converged(wanted, found) {
            return Ok(Ok(Way::Converged));
        }
        // Its definition or its namespace comes with the same revision: it cannot be asked about.
        let Some(kind) = &wanted.kind else {
            return Ok(Ok(Way::Apply { expect: Expect::Absent, adopted: false }));
        };
        let (expect, adopted) = match found {
            Some(found) => (Expect::Uid(object::uid(found).into()), false),
            None => match self.unlabelled(round, wanted, kind).await? {
                Ok(found) => found,
                Err(mistake) => return Ok(Err(mistake)),
            },
        };
        let options = ApplyOptions { manager: MANAGER, dry_run: true, owner: None };
        let cluster = &self.cx.cluster;
        match cluster.apply(&round.identity, kind, &wanted.object, &expect, options).await {
            Ok(_) => Ok(Ok(Way::Apply { expect, adopted })),
            Err(error) => match error.kind {
                WriteErrorKind::Unavailable | WriteErrorKind::Conflict => Err(error.into()),
                // The namespace may be in the set.
                WriteErrorKind::NotFound => Ok(Ok(Way::Apply { expect, adopted })),
                _ if may_force(round, &error) => Ok(Ok(Way::Apply { expect, adopted })),
                _ => Ok(Err(wanted.manifest.mistake(error.message).to_string())),
            },
        }
    }

    /// Whose an object is that does not bear our label, and whether it may be taken over.
    async fn unlabelled(
        &self,
        round: &Round<'_>,
        wanted: &Desired,
        kind: &ServedKind,
    ) -> Result<Result<(Expect, bool), String>, Trouble> {
        let (namespace, name) = (&wanted.key.namespace, &wanted.key.name);
        let found = match self.cx.cluster.get(&round.identity, kind, namespace, name).await {
            Ok(HeldBy::Nobody) => return Ok(Ok((Expect::Absent, false))),
            Ok(HeldBy::Object(found)) => found,
            Err(error) if error.kind == WriteErrorKind::NotFound => {
                return Ok(Ok((Expect::Absent, false)));
            }
            // Whoever may not read an object may still be allowed to make it.
            Err(error) if error.kind == WriteErrorKind::Forbidden => {
                return Ok(Ok((Expect::Absent, false)));
            }
            Err(error) => return Err(error.into()),
        };
        let expect = Expect::Uid(object::uid(&found).into());
        match object::label(&found, DEPLOYMENT) {
            Some(uid) if uid == round.uid => Ok(Ok((expect, false))),
            Some(uid) => match self.holder(round, uid) {
                Some((owner, _))
                    if owner.is_some()
                        && owner.as_deref() == object::controller_uid(&round.native.value) =>
                {
                    Ok(Ok((expect, false)))
                }
                Some((_, other)) => Err(Trouble::stalled(
                    stalled::OBJECT_OWNED_BY_ANOTHER,
                    format!(
                        "nothing was changed: {} {namespace}/{name} belongs to GitDeployment {other}: \
                         take it out of one of the two",
                        wanted.key.kind
                    ),
                )),
                None => Ok(Ok((expect, true))),
            },
            None if round.spec.adopt == Adopt::Unowned => Ok(Ok((expect, true))),
            None => {
                let message = format!(
                    "nothing was changed: {} {namespace}/{name} exists already and nobody of ours made \
                     it: delete it, or set spec.adopt to Unowned",
                    wanted.key.kind
                );
                // Its deletion is not watched: it does not bear our label.
                Err(Trouble::stalled(stalled::OBJECT_EXISTS, message).unseen())
            }
        }
    }

    /// The live GitDeployment with a UID: its own owner, and its name. What becomes of it wakes us.
    fn holder(&self, round: &Round<'_>, uid: &str) -> Option<(Option<String>, String)> {
        let store = self.cx.caches.store(&ours(KIND), &portolan_cluster::Selection::default())?;
        let find = || store.all().into_iter().find(|stored| stored.uid == uid);
        let item = Item::new(KIND, round.native.key.clone());
        let thing = Thing::object(portolan_api::GROUP, KIND, find()?.key.clone());
        self.cx.dependencies.track_also(&item, thing);
        let found = find()?;
        Some((found.owner.clone(), found.key.to_string()))
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
                    return Err(error.into());
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

/// All entries of two inventories, each once.
fn union(old: &[InventoryEntry], new: &[InventoryEntry]) -> Vec<InventoryEntry> {
    let mut entries: Vec<InventoryEntry> = new.to_vec();
    entries.extend(old.iter().filter(|old| new.iter().all(|new| new.id != old.id)).cloned());
    entries.sort();
    entries
}

/// Whether an object that refuses a change may be replaced by a new one.
fn may_force(round: &Round<'_>, error: &WriteError) -> bool {
    round.spec.force == Force::OnImmutable
        && error.kind == WriteErrorKind::Invalid
        && error.message.contains("immutable")
}
