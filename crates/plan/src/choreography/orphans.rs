//! Objects of an owner that no resource stamps any more.
//!
//! What an owner controls is known from the cluster, so nothing is forgotten after a failure. An
//! orphan goes only once everything that could replace it is ready.

use std::collections::BTreeSet;

use portolan_api::choreography::status::{ObjectReference, ResourceStatus};
use portolan_api::{choreography::template::Lifecycle, labels};
use serde_json::Value;

use super::blueprint::Blueprint;
use super::entry::{Entry, stamped_ref};
use super::labels::label_value;
use super::world::{KindState, Receipt, Subject, World};
use crate::object::{self, Gvk, ObjectKey, ServedKind};
use crate::outcome::Delete;

/// The orphans to delete, for an owner whose resources are all ready.
pub(super) fn deletes(world: &World, blueprint: &Blueprint, entries: &[Entry]) -> Vec<Delete> {
    orphans(world, blueprint, entries)
        .filter(|(key, ..)| !was_refused(world, key))
        .map(|(key, kind, object)| Delete {
            kind,
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: object::uid(object).into(),
        })
        .collect()
}

/// The orphans as status tells them, beside what it tells of resources: one that failed has its object
/// still. So they are found again after a restart, when nothing stamps their kinds any more.
pub(super) fn told(
    world: &World,
    blueprint: &Blueprint,
    entries: &[Entry],
    statuses: &[ResourceStatus],
) -> Vec<ObjectReference> {
    let of_resources: Vec<&ObjectReference> =
        statuses.iter().filter_map(|status| status.stamped_ref.as_ref()).collect();
    orphans(world, blueprint, entries)
        .map(|(_, kind, object)| stamped_ref(&kind, object))
        .filter(|orphan| !of_resources.contains(&orphan))
        .collect()
}

/// The kinds that the owner's status knows of.
pub(super) fn remembered(world: &World) -> impl Iterator<Item = Gvk> {
    let status = &world.owner.status;
    let stamped = status.resources.iter().filter_map(|resource| resource.stamped_ref.as_ref());
    stamped.chain(&status.orphans).filter_map(|reference| {
        Some(Gvk::new(reference.api_version.as_deref()?, reference.kind.as_deref()?))
    })
}

fn orphans<'w>(
    world: &'w World,
    blueprint: &'w Blueprint,
    entries: &[Entry],
) -> impl Iterator<Item = (&'w ObjectKey, ServedKind, &'w Value)> {
    let wanted: BTreeSet<ObjectKey> = entries
        .iter()
        .filter_map(|entry| entry.stamped.as_ref())
        .map(|(_, object)| ObjectKey::of(object))
        .collect();
    let [owner_label, ..] = world.owner.kind.labels();
    world
        .observed
        .iter()
        .filter(move |(key, _)| !wanted.contains(key))
        .filter(move |(_, object)| {
            object::label(object, owner_label) == Some(&label_value(&world.owner.name))
                && object::label(object, labels::RESOURCE_NAME).is_some()
                && !object::is_terminating(object)
        })
        .filter(move |(_, object)| !is_run_of(object, blueprint))
        .filter_map(move |(key, object)| match world.kinds.lookup(&Gvk::of(object)) {
            KindState::Served(kind, _) => Some((key, kind, object.as_ref())),
            KindState::Unknown => None,
        })
}

/// Runs of immutable templates are many and are kept or removed by retention, not here, as long as
/// their resource exists.
fn is_run_of(object: &Value, blueprint: &Blueprint) -> bool {
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
