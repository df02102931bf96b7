//! Server-side apply and deletion as a ServiceAccount.

use kube::api::{DeleteParams, Patch, PatchParams, Preconditions, PropagationPolicy};
use portolan_plan::object::{self, ServedKind};
use portolan_plan::outcome::{Delete, Expect, Identity};
use serde_json::{Value, json};

use crate::cluster::{Cluster, HeldBy, dynamic, to_value, within};
use crate::error::{WriteError, WriteErrorKind};

/// Largest object that is sent; etcd would refuse a larger one.
const MAX_BYTES: usize = 3 << 19;

/// An object after it was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// As the server answered.
    pub object: Value,
    /// Whether it was created.
    pub created: bool,
}

/// How an object is applied.
#[derive(Clone, Copy, Debug)]
pub struct ApplyOptions<'a> {
    /// Field manager.
    pub manager: &'a str,
    /// Only ask what would happen.
    pub dry_run: bool,
    /// UID of the owner whose objects may be adopted when one is in the way.
    pub owner: Option<&'a str>,
}

impl Cluster {
    /// Applies an object as an account, with what must be true of the live object as precondition.
    ///
    /// The first apply carries resourceVersion 1, which no live object has: it creates or answers
    /// 409. Then one read tells whose the object is: our owner's is adopted, anybody else's stays.
    /// Later ones carry the UID, so that an object that vanished is not made again unseen.
    pub async fn apply(
        &self,
        identity: &Identity,
        kind: &ServedKind,
        object: &Value,
        expect: &Expect,
        options: ApplyOptions<'_>,
    ) -> Result<Applied, WriteError> {
        match expect {
            Expect::Uid(uid) => {
                let object =
                    self.send(identity, kind, object, &json!({"uid": uid}), options).await?;
                Ok(Applied { object, created: false })
            }
            Expect::Absent => {
                let fresh = json!({"resourceVersion": "1"});
                match self.send(identity, kind, object, &fresh, options).await {
                    Ok(object) => Ok(Applied { object, created: true }),
                    Err(error) if error.kind == WriteErrorKind::Conflict => {
                        self.adopt(identity, kind, object, options).await
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    async fn adopt(
        &self,
        identity: &Identity,
        kind: &ServedKind,
        desired: &Value,
        options: ApplyOptions<'_>,
    ) -> Result<Applied, WriteError> {
        let (namespace, name) = (object::namespace(desired), object::name(desired));
        let live = match self.get(identity, kind, namespace, name).await? {
            HeldBy::Object(live) => live,
            HeldBy::Nobody => {
                let message =
                    format!("{} {name:?} vanished while it was applied", kind.qualified());
                return Err(WriteError::new(WriteErrorKind::Conflict, message));
            }
        };
        if options.owner.is_none() || object::controller_uid(&live) != options.owner {
            let message = format!(
                "{} {name:?} already exists and belongs to {}",
                kind.qualified(),
                owner_of(&live)
            );
            return Err(WriteError::new(WriteErrorKind::OwnedByAnother, message));
        }
        let precondition = json!({"uid": object::uid(&live)});
        let object = self.send(identity, kind, desired, &precondition, options).await?;
        Ok(Applied { object, created: false })
    }

    async fn send(
        &self,
        identity: &Identity,
        kind: &ServedKind,
        object: &Value,
        precondition: &Value,
        options: ApplyOptions<'_>,
    ) -> Result<Value, WriteError> {
        let mut body = object.clone();
        for (field, value) in precondition.as_object().into_iter().flatten() {
            body["metadata"][field] = value.clone();
        }
        let size = body.to_string().len();
        if size > MAX_BYTES {
            let message = format!("the object has {size} bytes; at most {MAX_BYTES} can be stored");
            return Err(WriteError::new(WriteErrorKind::Invalid, message));
        }
        let api = dynamic(self.as_account(identity)?, kind, object::namespace(object));
        let params =
            PatchParams { dry_run: options.dry_run, ..PatchParams::apply(options.manager).force() };
        let applied =
            within(api.patch(object::name(object), &params, &Patch::Apply(&body))).await?;
        Ok(to_value(&applied))
    }

    /// Deletes an object as an account, if it is still the one with the UID. An object that is gone
    /// already is no error.
    pub async fn delete(&self, identity: &Identity, delete: &Delete) -> Result<(), WriteError> {
        let api = dynamic(self.as_account(identity)?, &delete.kind, &delete.namespace);
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(delete.uid.clone()),
                resource_version: None,
            }),
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        match within(api.delete(&delete.name, &params)).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind == WriteErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whose an object is, for people; nothing of its content.
fn owner_of(object: &Value) -> String {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    match owners.and_then(|owners| owners.first()) {
        Some(owner) => {
            format!("{} {:?}", object::text(owner, "/kind"), object::text(owner, "/name"))
        }
        None => "nobody we know".into(),
    }
}
