//! Objects of an owner that no resource stamps any more.
//!
//! What an owner controls is known from the cluster, so nothing is forgotten after a failure. An
//! orphan goes only once everything that could replace it is ready.

use std::collections::BTreeSet;

use portolan_api::{choreography::template::Lifecycle, labels};

use super::blueprint::Blueprint;
use super::entry::Entry;
use super::labels::label_value;
use super::world::{KindState, Receipt, Subject, World};
use crate::object::{self, Gvk, ObjectKey};
use crate::outcome::Delete;

/// The orphans to delete, for an owner whose resources are all ready.
pub(super) fn orphans(world: &World, blueprint: &Blueprint, entries: &[Entry]) -> Vec<Delete> {
    let wanted: BTreeSet<ObjectKey> = entries
        .iter()
        .filter_map(|entry| entry.stamped.as_ref())
        .map(|(_, object)| ObjectKey::of(object))
        .collect();
    let [owner_label, ..] = world.owner.kind.labels();
    world
        .observed
        .iter()
        .filter(|(key, _)| !wanted.contains(key))
        .filter(|(_, object)| {
            object::label(object, owner_label) == Some(&label_value(&world.owner.name))
                && object::label(object, labels::RESOURCE_NAME).is_some()
                && !object::is_terminating(object)
        })
        .filter(|(_, object)| !is_run_of(object, blueprint))
        .filter(|(key, _)| !was_refused(world, key))
        .filter_map(|(key, object)| match world.kinds.lookup(&Gvk::of(object)) {
            KindState::Served(kind, _) => Some(Delete {
                kind,
                namespace: key.namespace.clone(),
                name: key.name.clone(),
                uid: object::uid(object).into(),
            }),
            KindState::Unknown => None,
        })
        .collect()
}

/// Runs of immutable templates are many and are kept or removed by retention, not here, as long as
/// their resource exists.
fn is_run_of(object: &serde_json::Value, blueprint: &Blueprint) -> bool {
    let lifecycle = object::label(object, labels::TEMPLATE_LIFECYCLE);
    let resource = object::label(object, labels::RESOURCE_NAME);
    lifecycle.is_some_and(|lifecycle| lifecycle != Lifecycle::Mutable.as_str())
        && blueprint.resources.iter().any(|r| resource == Some(&label_value(&r.name)))
}

fn was_refused(world: &World, key: &ObjectKey) -> bool {
    refused(world).any(|orphan| orphan == key)
}

/// The orphans whose deletion was refused in this reconcile; they are tried again.
pub(super) fn refused(world: &World) -> impl Iterator<Item = &ObjectKey> {
    world.receipts.iter().filter_map(|(subject, receipt)| match (subject, receipt) {
        (Subject::Orphan(key), Receipt::Refused { .. }) => Some(key),
        _ => None,
    })
}
