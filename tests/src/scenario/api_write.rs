//! What the API server of a scenario answers to the controller's writes.

use portolan_plan::choreography::{Owner, Refusal, RefusalKind};
use portolan_plan::object::{self, ObjectKey};
use portolan_plan::outcome::{Apply, Delete, Expect};
use serde_json::Value;

use super::api_server::{ApiServer, controls};
use super::merge;
use super::script::RefuseLine;

/// What came of an apply.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The object as it was, if it was there.
    pub(super) before: Option<Value>,
    /// The object as it is.
    pub(super) after: Value,
}

impl Written {
    pub(super) fn created(&self) -> bool {
        self.before.is_none()
    }

    pub(super) fn changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

impl ApiServer {
    /// Server-side apply with a precondition, for an owner whose objects may be adopted.
    pub(super) fn apply(
        &mut self,
        apply: &Apply,
        owner: &Owner,
        refused: &[RefuseLine],
    ) -> anyhow::Result<Result<Written, Refusal>> {
        let key = ObjectKey::of(&apply.object);
        let verb = verb(apply);
        if let Some(refusal) = refusal(refused, &key, verb) {
            return Ok(Err(refusal));
        }
        let live = self.objects.get(&key).cloned();
        let allowed = match (&live, &apply.expect) {
            (None, Expect::Absent) => Ok(()),
            (Some(live), Expect::Absent) if controls(owner, live) => Ok(()),
            (Some(live), Expect::Absent) => {
                let message = format!(
                    "{} {:?} already exists and belongs to {}",
                    apply.kind.qualified(),
                    key.name,
                    owner_of(live)
                );
                Err((RefusalKind::NameConflict, message))
            }
            (Some(live), Expect::Uid(uid)) if object::uid(live) == uid => Ok(()),
            (_, Expect::Uid(uid)) => {
                let message = format!("{:?} is no longer the object with UID {uid}", key.name);
                Err((RefusalKind::Conflict, message))
            }
        };
        if let Err((kind, message)) = allowed {
            return Ok(Err(Refusal { kind, verb: verb.into(), message }));
        }
        let mut desired = apply.object.clone();
        if self.kinds.get(&apply.kind.gvk)?.has_status()
            && let Some(map) = desired.as_object_mut()
        {
            map.remove("status");
        }
        let after = match &live {
            None => self.create(&key, desired.clone())?,
            Some(live) => {
                let mut new = live.clone();
                let before = self.applied.get(&key).cloned().unwrap_or_default();
                merge::apply(&mut new, &before, &desired);
                self.store(&key, Some(live), new)?
            }
        };
        self.applied.insert(key, desired);
        Ok(Ok(Written { before: live, after }))
    }

    /// Deletes an object if it is still the one that was seen; one that is gone is no error.
    pub(super) fn delete(
        &mut self,
        delete: &Delete,
        refused: &[RefuseLine],
    ) -> Result<(), Refusal> {
        let key = ObjectKey {
            group: delete.kind.gvk.group.clone(),
            kind: delete.kind.gvk.kind.clone(),
            namespace: delete.namespace.clone(),
            name: delete.name.clone(),
        };
        if let Some(refusal) = refusal(refused, &key, "delete") {
            return Err(refusal);
        }
        if self.objects.get(&key).is_some_and(|live| object::uid(live) == delete.uid) {
            self.objects.remove(&key);
            self.applied.remove(&key);
            self.version += 1;
        }
        Ok(())
    }
}

/// The verb by which an apply is known to people.
pub(super) fn verb(apply: &Apply) -> &'static str {
    match apply.expect {
        Expect::Absent => "create",
        Expect::Uid(_) => "patch",
    }
}

fn refusal(refused: &[RefuseLine], key: &ObjectKey, verb: &str) -> Option<Refusal> {
    let line = refused.iter().find(|line| line.write == format!("{}/{}", key.kind, key.name))?;
    let message = line.message.clone();
    Some(Refusal { kind: line.kind.into(), verb: verb.into(), message })
}

fn owner_of(object: &Value) -> String {
    let owner = object.pointer("/metadata/ownerReferences/0");
    owner.map_or_else(
        || "nobody we know".into(),
        |owner| format!("{} {:?}", object::text(owner, "/kind"), object::text(owner, "/name")),
    )
}
