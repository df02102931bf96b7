//! A check on an object: healthy by the standard rules, or a condition that is True.

use portolan_api::native::verification::ObjectCheck;
use portolan_cluster::HeldBy;
use portolan_plan::health::{Health, standing};
use portolan_plan::object::{Gvk, text};
use portolan_plan::outcome::Identity;
use serde_json::Value;

use crate::context::Context;

/// Looks at the object once, as the account.
pub(super) async fn check(
    cx: &Context,
    identity: &Identity,
    namespace: &str,
    check: &ObjectCheck,
) -> Result<String, String> {
    let gvk = Gvk::new(&check.ref_.api_version, &check.ref_.kind);
    let name = &check.ref_.name;
    let what = format!("{} {name}", gvk.kind);
    let kind = cx.kinds.get(&gvk).ok_or_else(|| {
        format!("no matches for kind {:?} in version {:?}", gvk.kind, gvk.api_version())
    })?;
    let found = cx.cluster.get(identity, &kind, namespace, name).await;
    let object = match found.map_err(|error| error.message)? {
        HeldBy::Object(object) => object,
        HeldBy::Nobody => return Err(format!("{what} does not exist")),
    };
    if let Some(type_) = &check.condition {
        return by_condition(&object, &what, type_);
    }
    let standing = standing(&object);
    match standing.health {
        Health::Current => Ok(format!("{what} is healthy")),
        health => Err(format!("{what} is {}: {}", health.as_str(), standing.message)),
    }
}

fn by_condition(object: &Value, what: &str, type_: &str) -> Result<String, String> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let condition =
        conditions.into_iter().flatten().find(|condition| text(condition, "/type") == type_);
    match condition.map(|condition| (text(condition, "/status"), text(condition, "/message"))) {
        Some(("True", _)) => Ok(format!("{what} is {type_}")),
        Some((status, message)) => Err(format!("{what} has {type_} {status}: {message}")),
        None => Err(format!("{what} has no condition {type_}")),
    }
}
