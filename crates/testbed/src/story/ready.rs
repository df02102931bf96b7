//! Conditions of objects, and waiting for them.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::landscape::{Landscape, Member};
use crate::wait::eventually;

/// Longest time anything may take on a busy machine; it only ends what would hang.
const DEADLINE: Duration = Duration::from_mins(3);

/// A condition of an object: status, reason and message; empty where there is none.
pub fn condition(object: &Value, type_: &str) -> (String, String, String) {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let found = conditions.into_iter().flatten().find(|condition| condition["type"] == type_);
    let text = |key: &str| found.and_then(|c| c[key].as_str()).unwrap_or_default().to_owned();
    (text("status"), text("reason"), text("message"))
}

/// Waits until an object of our own has `Ready` with a status and a reason; returns the message.
pub async fn ready(
    member: &Member,
    kind: &str,
    name: &str,
    status: &str,
    reason: &str,
) -> Result<String> {
    let what = format!("{kind} {name} to have Ready {status} {reason}");
    eventually(&what, DEADLINE, async || {
        let object = member.own(kind, name).await?;
        let found = condition(&object, "Ready");
        if found.0 == status && found.1 == reason {
            return Ok(Some(found.2));
        }
        anyhow::bail!("the last status was {}", object["status"])
    })
    .await
}

/// Waits until all objects of an application say that they are done, in all clusters.
pub async fn all_ready(landscape: &Landscape, app: &str) -> Result<()> {
    ready(&landscape.build, "GitWriter", app, "True", "Succeeded").await?;
    ready(&landscape.build, "Workload", app, "True", "Ready").await?;
    ready(&landscape.staging, "GitWriter", &super::promoter(app), "True", "Succeeded").await?;
    for member in landscape.members().skip(1) {
        ready(member, "Deliverable", app, "True", "Ready").await?;
    }
    Ok(())
}
