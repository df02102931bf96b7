//! What a golden file says of one reconcile.

use portolan_plan::outcome::{Again, Event, Severity};
use serde_json::{Map, Value, json};

use super::controller::{Answer, Reconcile, Write};
use super::merge;

/// A reconcile as a golden file tells it.
pub(super) fn reconcile(reconcile: &Reconcile) -> Map<String, Value> {
    let mut record = Map::new();
    let writes: Vec<Value> = reconcile.writes.iter().map(write).collect();
    record.insert("writes".into(), json!(writes));
    record.insert("status".into(), reconcile.status.clone().unwrap_or_else(|| json!("unchanged")));
    let events: Vec<Value> = reconcile.events.iter().map(event).collect();
    record.insert("events".into(), json!(events));
    let again = if reconcile.waiting {
        "once all kinds are watched".into()
    } else {
        again(reconcile.again)
    };
    record.insert("again".into(), json!(again));
    record
}

fn write(write: &Write) -> Value {
    let account = format!("{}/{}", write.account.namespace, write.account.name);
    let object = &write.object;
    match &write.answer {
        Answer::Created(sent) => json!({"create": object, "as": account, "object": sent}),
        Answer::Updated(before, after) => {
            json!({"update": object, "as": account, "changes": changes(before, after)})
        }
        Answer::Deleted => json!({"delete": object, "as": account}),
        Answer::Refused(said) => {
            json!({"refused": format!("{} {object}", write.verb), "as": account, "answer": said})
        }
    }
}

/// What an update changed, without the server's own counters.
fn changes(before: &Value, after: &Value) -> Value {
    let mut changes = merge::diff(before, after).unwrap_or_else(|| json!({}));
    let Some(map) = changes.as_object_mut() else { return changes };
    if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
        metadata.remove("generation");
        if metadata.is_empty() {
            map.remove("metadata");
        }
    }
    changes
}

fn event(event: &Event) -> Value {
    let severity = match event.severity {
        Severity::Normal => "Normal",
        Severity::Warning => "Warning",
    };
    json!(format!("{severity} {}: {}", event.reason, event.message))
}

fn again(again: Again) -> String {
    match again {
        Again::OnChange => "on change".into(),
        Again::After(time) => format!("after {} s", time.as_secs()),
        Again::BackOff => "back off".into(),
    }
}
