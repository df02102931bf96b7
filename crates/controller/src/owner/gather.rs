//! The world of one round, out of caches. No request is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use portolan_cluster::{CachedKinds, Key, Selection, WatchKey};
use portolan_plan::choreography::{self, Owner, Selection as Choice, World};
use portolan_plan::object::{Gvk, ObjectKey};
use serde_json::Value;

use super::Owners;
use crate::dependencies::{Item, Thing};
use crate::kinds::service_account;

impl Owners {
    /// The world of an owner, and what it was read from; that is tracked before it is read.
    pub(super) fn gather(&self, item: &Item, owner: Arc<Owner>) -> (World, Vec<Thing>) {
        let selection = choreography::select(&owner, &self.library.blueprints());
        let mut things = Vec::new();
        let mut templates = BTreeMap::new();
        let mut account = None;
        if let Choice::One(blueprint) = &selection {
            let identity = choreography::account(&owner, blueprint);
            let key = Key::new(&identity.namespace, &identity.name);
            things.push(Thing::object("", "ServiceAccount", key.clone()));
            account = Some(key);
            for (_, template) in blueprint.templates() {
                let key = Key::new("", &template.name);
                things.push(Thing::object(portolan_api::GROUP, template.kind.name(), key));
            }
        }
        self.cx.dependencies.track(item, things.clone());
        if let Choice::One(blueprint) = &selection {
            for (_, template) in blueprint.templates() {
                if let Some(compiled) = self.library.template(&template) {
                    templates.insert(template, compiled);
                }
            }
        }
        let account_exists = account.is_some_and(|key| {
            self.cx.caches.get(&service_account(), &Selection::metadata(), &key).is_some()
        });
        let normalised = self.normalised.lock().unwrap_or_else(PoisonError::into_inner);
        let world = World {
            now: Timestamp::now(),
            selection,
            templates,
            account_exists,
            kinds: Arc::new(CachedKinds {
                kinds: self.cx.kinds.clone(),
                caches: self.cx.caches.clone(),
                selection: Self::selection(self.kind),
            }),
            observed: self.observed(&owner.uid),
            receipts: Vec::new(),
            normalised: normalised.iter().cloned().collect(),
            allow_cluster_scoped: self.cx.settings.allow_cluster_scoped,
            owner,
        };
        (world, things)
    }

    /// An owner depends on the kinds it stamps: whether they are served and whether they are watched.
    pub(super) fn track_kinds(&self, item: &Item, things: &[Thing], kinds: &BTreeSet<Gvk>) {
        let selection = Self::selection(self.kind);
        let of_kinds = kinds.iter().flat_map(|gvk| {
            let watch = WatchKey { gvk: gvk.clone(), selection: selection.clone() };
            [Thing::Kind(gvk.clone()), Thing::Watch(watch)]
        });
        self.cx.dependencies.track(item, things.iter().cloned().chain(of_kinds));
    }

    /// The objects that an owner controls, as the caches have them.
    pub(super) fn observed(&self, uid: &str) -> BTreeMap<ObjectKey, Arc<Value>> {
        let selections = [Self::selection(self.kind), Selection::default()];
        let owned = self.cx.caches.owned_by(uid, &selections);
        owned
            .into_iter()
            .map(|stored| {
                let value = stored.value();
                (ObjectKey::of(&value), Arc::new(value))
            })
            .collect()
    }
}
