//! Events about what changed (section 11), and one warning for each new trouble.

use portolan_api::choreography::status::ResourceStatus;
use portolan_api::condition::{Condition, ConditionStatus, find};

use super::entry::{Entry, HEALTHY};
use super::world::{Receipt, Subject, World};
use crate::outcome::Event;

/// Events about writes: what was created, changed, deleted or refused.
pub(super) fn of_receipts(world: &World) -> Vec<Event> {
    world
        .receipts
        .iter()
        .filter_map(|(subject, receipt)| match (subject, receipt) {
            (_, Receipt::Applied { object, created: true, .. }) => {
                Some(Event::normal("StampedObjectApplied", format!("Created object [{object}]")))
            }
            (_, Receipt::Applied { object, changed: true, .. }) => {
                Some(Event::normal("StampedObjectApplied", format!("Patched object [{object}]")))
            }
            (_, Receipt::Deleted { object }) => {
                Some(Event::normal("StampedObjectRemoved", format!("Deleted object [{object}]")))
            }
            (Subject::Orphan(key), Receipt::Refused { refusal, .. }) => Some(Event::warning(
                "OrphanNotRemoved",
                format!(
                    "{} [{}/{}] is not needed any more and could not be deleted: {}",
                    key.kind, key.namespace, key.name, refusal.message
                ),
            )),
            _ => None,
        })
        .collect()
}

/// Events about the outputs and the health of one resource.
pub(super) fn of_resource(
    entry: &Entry,
    new: &ResourceStatus,
    old: Option<&ResourceStatus>,
) -> Vec<Event> {
    let mut events = Vec::new();
    let name = &entry.name;
    let object = entry.object().map_or_else(
        || "<nil>".to_owned(),
        |object| format!("{}/{}", object.qualified, object.name),
    );
    let outputs = |status: &ResourceStatus| -> Vec<(String, String)> {
        status.outputs.iter().map(|o| (o.name.clone(), o.digest.clone())).collect()
    };
    if outputs(new) != old.map(outputs).unwrap_or_default() {
        let message = if entry.passed_through {
            format!("[{name}] passed through a new output")
        } else {
            format!("[{name}] found a new output in [{object}]")
        };
        events.push(Event::normal("ResourceOutputChanged", message));
    }
    let health = |status: &ResourceStatus| find(&status.conditions, HEALTHY).map(|c| c.status);
    let (now, before) = (health(new), old.and_then(health));
    if let Some(status) = now
        && now != before
        && (before.is_some() || status != ConditionStatus::Unknown)
    {
        let status = status.as_str();
        let message = format!("[{name}] found healthy status in [{object}] changed to [{status}]");
        events.push(Event::normal("ResourceHealthyStatusChanged", message));
    }
    events
}

/// One warning when the owner is not ready for a new reason, with what to do about it.
pub(super) fn of_trouble(
    new: &[Condition],
    old: &[Condition],
    details: &[String],
    hint: Option<String>,
) -> Option<Event> {
    let top = find(new, "Ready")?;
    let same = find(old, "Ready").is_some_and(|old| {
        (old.status, &old.reason, &old.message) == (top.status, &top.reason, &top.message)
    });
    let trouble = top.status == ConditionStatus::False || !details.is_empty();
    if same || !trouble {
        return None;
    }
    let mut text: Vec<String> = Vec::new();
    text.extend((!top.message.is_empty()).then(|| top.message.clone()));
    text.extend(details.iter().cloned());
    text.extend(hint.map(|hint| format!("What to do: {hint}")));
    Some(Event::warning(&top.reason, text.join(". ")))
}
