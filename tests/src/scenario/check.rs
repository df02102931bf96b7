//! What holds in every scenario: the plan does not depend on the order of anything, comes to rest,
//! and reports nothing that the API server would refuse.

use anyhow::{Context, ensure};
use portolan_plan::object::ObjectKey;
use portolan_plan::outcome::Event;
use serde_json::Value;

use super::api_server::ApiServer;
use super::controller::{Controller, Moment, Reconcile};
use super::gather::Order;
use super::record;

/// Reconciles on copies, with everything that has an order turned round: the same must come of it.
pub(super) fn order_does_not_matter(
    before: (&ApiServer, &Controller),
    owner: &ObjectKey,
    moment: Moment<'_>,
    found: &Reconcile,
) -> anyhow::Result<()> {
    let (mut server, mut controller) = (before.0.clone(), before.1.clone());
    let moment = Moment { order: Order::Reversed, ..moment };
    let other = controller.reconcile(&mut server, owner, moment)?;
    let (found, other) = (record::reconcile(found), record::reconcile(&other));
    ensure!(
        found == other,
        "blueprints and objects in another order give another plan:\n{other:#?}\nwas\n{found:#?}"
    );
    Ok(())
}

/// Reconciles once more on copies: nothing may be left to do. A refused write is tried and refused
/// again, and what was told of it is told again; the recorder of events counts such repetitions.
pub(super) fn is_at_rest(
    after: (&ApiServer, &Controller),
    owner: &ObjectKey,
    moment: Moment<'_>,
    told: &[Event],
) -> anyhow::Result<()> {
    let (mut server, mut controller) = (after.0.clone(), after.1.clone());
    let version = server.version;
    let mut second = controller.reconcile(&mut server, owner, moment)?;
    if second.writes.iter().any(|write| write.verb == "delete") {
        second.events.retain(|event| !told.contains(event));
    }
    ensure!(
        !second.did_something() && server.version == version,
        "{} {} is not at rest: a second reconcile finds more to do:\n{:#?}",
        owner.kind,
        owner.name,
        record::reconcile(&second)
    );
    Ok(())
}

/// Checks conditions against the schema of the CRDs: a status that the API server refuses is lost.
pub(super) fn is_acceptable(status: &Value) -> anyhow::Result<()> {
    let resources = status["resources"].as_array().into_iter().flatten();
    let lists = resources.map(|resource| &resource["conditions"]).chain([&status["conditions"]]);
    for condition in lists.filter_map(Value::as_array).flatten() {
        let text = |key: &str| {
            condition[key].as_str().with_context(|| format!("condition without {key}: {condition}"))
        };
        let reason = text("reason")?;
        let valid = reason.starts_with(|c: char| c.is_ascii_alphabetic())
            && reason.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && reason.chars().all(|c| c.is_ascii_alphanumeric() || "_,:".contains(c));
        ensure!(valid && reason.len() <= 1024, "the API server refuses the reason {reason:?}");
        ensure!(text("message")?.len() <= 32_768, "the API server refuses a message: {condition}");
        text("lastTransitionTime")?.parse::<jiff::Timestamp>()?;
    }
    Ok(())
}
