//! Writing what a plan asks for, as the owner's account.

use std::sync::Arc;

use futures::future::join_all;
use portolan_api::labels::APPLIED;
use portolan_cluster::{ApplyOptions, WriteError};
use portolan_plan::choreography::{Outcome, Receipt, Refusal, Subject, World};
use portolan_plan::object::{self, ObjectKey};
use portolan_plan::outcome::{Apply, Delete, Expect, Identity};
use serde_json::Value;

use super::Owners;
use crate::failpoint;

/// Field manager of what owners stamp.
const MANAGER: &str = "portolan";

impl Owners {
    /// Applies and deletes side by side; what comes back enters the world.
    pub(super) async fn execute(&self, world: &mut World, outcome: Outcome) {
        let Some(identity) = outcome.identity else { return };
        let owner = world.owner.uid.clone();
        let applied =
            join_all(outcome.applies.iter().map(|apply| self.apply(&identity, &owner, apply)))
                .await;
        for (apply, result) in outcome.applies.iter().zip(applied) {
            self.applied(world, apply, result);
        }
        let deleted = join_all(
            outcome.deletes.iter().map(|delete| self.cx.cluster.delete(&identity, delete)),
        )
        .await;
        for (delete, result) in outcome.deletes.iter().zip(deleted) {
            deleted_one(world, delete, result);
        }
    }

    async fn apply(
        &self,
        identity: &Identity,
        owner: &str,
        apply: &Apply,
    ) -> Result<(Value, bool), WriteError> {
        let options = ApplyOptions { manager: MANAGER, dry_run: false, owner: Some(owner) };
        failpoint::hit("apply-before", &apply.resource).await;
        let applied = self
            .cx
            .cluster
            .apply(identity, &apply.kind, &apply.object, &apply.expect, options)
            .await?;
        failpoint::hit("apply-after", &apply.resource).await;
        self.cx.caches.answered(&applied.object);
        Ok((applied.object, applied.created))
    }

    fn applied(&self, world: &mut World, apply: &Apply, result: Result<(Value, bool), WriteError>) {
        let digest = object::annotation(&apply.object, APPLIED).unwrap_or_default().to_owned();
        let receipt = match result {
            Ok((after, created)) => {
                let key = ObjectKey::of(&after);
                let before = world.observed.get(&key);
                let changed = before.is_none_or(|before| {
                    object::resource_version(before) != object::resource_version(&after)
                });
                if !created && !changed {
                    self.remember_normalised(object::uid(&after), &digest);
                }
                let object = format!("{}/{}", apply.kind.qualified(), key.name);
                world.observed.insert(key, Arc::new(after));
                Receipt::Applied { object, digest, created, changed }
            }
            Err(error) => {
                let verb = match apply.expect {
                    Expect::Absent => "create",
                    Expect::Uid(_) => "patch",
                };
                Receipt::Refused { digest, refusal: refusal(verb, error) }
            }
        };
        world.receipts.push((Subject::Resource(apply.resource.clone()), receipt));
    }
}

fn deleted_one(world: &mut World, delete: &Delete, result: Result<(), WriteError>) {
    let key = ObjectKey {
        group: delete.kind.gvk.group.clone(),
        kind: delete.kind.gvk.kind.clone(),
        namespace: delete.namespace.clone(),
        name: delete.name.clone(),
    };
    let receipt = match result {
        Ok(()) => {
            world.observed.remove(&key);
            Receipt::Deleted { object: format!("{}/{}", delete.kind.qualified(), delete.name) }
        }
        Err(error) => Receipt::Refused { digest: String::new(), refusal: refusal("delete", error) },
    };
    world.receipts.push((Subject::Orphan(key), receipt));
}

fn refusal(verb: &str, error: WriteError) -> Refusal {
    Refusal { kind: error.refusal(), verb: verb.into(), message: error.message }
}
