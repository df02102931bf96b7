//! The world of one owner, out of the cluster in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use portolan_plan::choreography::{
    Blueprint, Owner, OwnerKind, Selection, Template, TemplateKey, World, account, select,
};
use portolan_plan::object::{self, ObjectKey};
use serde_json::Value;

use super::api_server::{ApiServer, controls};
use super::controller::{Controller, Moment};

/// The order in which caches give what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Stored,
    Reversed,
}

/// The owners of the cluster, in the order of their keys.
pub(super) fn owners(server: &ApiServer) -> Vec<ObjectKey> {
    let kinds = [OwnerKind::Workload, OwnerKind::Deliverable];
    kinds.iter().flat_map(|kind| server.of_kind(kind.name())).map(|(key, _)| key.clone()).collect()
}

/// The blueprints that serve a kind of owner.
pub(super) fn blueprints(
    server: &ApiServer,
    kind: OwnerKind,
    order: Order,
) -> anyhow::Result<Vec<Arc<Blueprint>>> {
    let read = |(key, value): (&ObjectKey, &Value)| {
        let blueprint = Blueprint::read(kind, value);
        blueprint.map(Arc::new).with_context(|| format!("reading {} {}", key.kind, key.name))
    };
    let mut blueprints: Vec<_> =
        server.of_kind(kind.blueprint_kind()).map(read).collect::<Result<_, _>>()?;
    if order == Order::Reversed {
        blueprints.reverse();
    }
    Ok(blueprints)
}

/// Everything one reconcile of an owner looks at.
pub(super) fn world(
    server: &ApiServer,
    controller: &Controller,
    key: &ObjectKey,
    moment: Moment<'_>,
) -> anyhow::Result<World> {
    let kind = match key.kind.as_str() {
        "Workload" => OwnerKind::Workload,
        _ => OwnerKind::Deliverable,
    };
    let value = server.objects.get(key).cloned().context("the owner is gone")?;
    let owner = Owner::read(kind, value).with_context(|| format!("reading {}", key.name))?;
    let selection = select(&owner, &blueprints(server, kind, moment.order)?);
    let (templates, account_exists) = match &selection {
        Selection::One(blueprint) => {
            (templates(server, blueprint), account_exists(server, &owner, blueprint))
        }
        _ => (BTreeMap::new(), false),
    };
    let mut observed: Vec<_> = server
        .objects
        .iter()
        .filter(|(_, object)| controls(&owner, object))
        .map(|(key, object)| (key.clone(), Arc::new(object.clone())))
        .collect();
    if moment.order == Order::Reversed {
        observed.reverse();
    }
    Ok(World {
        now: moment.now,
        owner: Arc::new(owner),
        selection,
        templates,
        account_exists,
        kinds: Arc::new(server.kinds.states()),
        observed: observed.into_iter().collect(),
        receipts: Vec::new(),
        normalised: controller.normalised.clone(),
        allow_cluster_scoped: controller.allow_cluster_scoped,
    })
}

fn templates(
    server: &ApiServer,
    blueprint: &Blueprint,
) -> BTreeMap<TemplateKey, Result<Arc<Template>, String>> {
    blueprint
        .templates()
        .filter_map(|(_, key)| {
            let (_, value) = template(server, &key)?;
            let read = Template::read(key.kind, value);
            Some((key, read.map(Arc::new).map_err(|error| error.to_string())))
        })
        .collect()
}

/// The template with a key, if there is one.
pub(super) fn template<'s>(
    server: &'s ApiServer,
    key: &TemplateKey,
) -> Option<(&'s ObjectKey, &'s Value)> {
    server.of_kind(key.kind.name()).find(|(found, _)| found.name == key.name)
}

fn account_exists(server: &ApiServer, owner: &Owner, blueprint: &Blueprint) -> bool {
    let account = account(owner, blueprint);
    server.objects.iter().any(|(key, object)| {
        key.kind == "ServiceAccount"
            && key.group.is_empty()
            && key.namespace == account.namespace
            && object::name(object) == account.name
    })
}
