//! A cluster in memory: objects with their UIDs, versions and generations.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use portolan_plan::choreography::Owner;
use portolan_plan::object::{self, Gvk, ObjectKey};
use serde_json::{Value, json};

use super::kinds::ServedKinds;
use super::merge;

/// The namespace of objects for which a scenario names none.
pub(super) const NAMESPACE: &str = "dev";

/// A cluster in memory.
#[derive(Clone, Debug)]
pub(super) struct ApiServer {
    pub(super) kinds: ServedKinds,
    pub(super) objects: BTreeMap<ObjectKey, Value>,
    /// What the controller applied last.
    pub(super) applied: BTreeMap<ObjectKey, Value>,
    /// How often an object of a kind and name was created.
    births: BTreeMap<ObjectKey, u32>,
    /// The newest resourceVersion.
    pub(super) version: u64,
}

impl ApiServer {
    /// A cluster with the ServiceAccount that every namespace has.
    pub(super) fn new(kinds: ServedKinds) -> anyhow::Result<Self> {
        let mut server = Self {
            kinds,
            objects: BTreeMap::new(),
            applied: BTreeMap::new(),
            births: BTreeMap::new(),
            version: 0,
        };
        server.change(&json!({"kind": "ServiceAccount", "metadata": {"name": "default"}}))?;
        Ok(server)
    }

    /// Somebody creates or changes an object: what is written is merged into what is there.
    pub(super) fn change(&mut self, written: &Value) -> anyhow::Result<()> {
        let written = self.complete(written)?;
        let key = ObjectKey::of(&written);
        ensure!(!key.name.is_empty(), "an object of the scenario has no name: {written}");
        match self.objects.get(&key).cloned() {
            Some(live) => {
                let mut new = live.clone();
                merge::patch(&mut new, &written);
                self.store(&key, Some(&live), new)?;
            }
            None => {
                self.create(&key, written)?;
            }
        }
        Ok(())
    }

    /// Somebody deletes an object; what it controls goes with it.
    pub(super) fn remove(&mut self, line: &str) -> anyhow::Result<()> {
        let key = self.key(line)?;
        let gone = self.objects.remove(&key).with_context(|| format!("there is no {line}"))?;
        self.applied.remove(&key);
        let uid = object::uid(&gone).to_owned();
        let orphaned: Vec<ObjectKey> = self
            .objects
            .iter()
            .filter(|(_, object)| object::controller_uid(object) == Some(&uid))
            .map(|(key, _)| key.clone())
            .collect();
        for key in orphaned {
            self.objects.remove(&key);
            self.applied.remove(&key);
        }
        Ok(())
    }

    /// The controller writes the status of an object.
    pub(super) fn set_status(&mut self, key: &ObjectKey, status: Value) -> anyhow::Result<()> {
        let live = self.objects.get(key).cloned().context("the object of the status is gone")?;
        let mut new = live.clone();
        new["status"] = status;
        self.store(key, Some(&live), new).map(|_| ())
    }

    /// Creates an object: UID, version and generation are given here.
    pub(super) fn create(&mut self, key: &ObjectKey, mut object: Value) -> anyhow::Result<Value> {
        let birth = self.births.entry(key.clone()).or_default();
        *birth += 1;
        let uid = format!("{}-{}-{birth}", key.kind.to_lowercase(), key.name);
        object["metadata"]["uid"] = json!(uid);
        let has_status = self.kinds.get(&Gvk::of(&object))?.has_status();
        if has_status {
            object["metadata"]["generation"] = json!(1);
        }
        self.store(key, None, object)
    }

    /// Stores an object; its version moves only where something changed, its generation only where
    /// more than metadata and status did.
    pub(super) fn store(
        &mut self,
        key: &ObjectKey,
        live: Option<&Value>,
        mut new: Value,
    ) -> anyhow::Result<Value> {
        let served = self.kinds.get(&Gvk::of(&new))?;
        if let Some(set) = &served.server_sets {
            merge::patch(&mut new, set);
        }
        if key.group != portolan_api::GROUP {
            drop_nulls(&mut new);
        }
        if live == Some(&new) {
            return Ok(new);
        }
        if let Some(live) = live
            && served.has_status()
            && without_status(live) != without_status(&new)
        {
            new["metadata"]["generation"] = json!(object::generation(live) + 1);
        }
        self.version += 1;
        new["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key.clone(), new.clone());
        Ok(new)
    }

    /// The objects of one kind of ours, by name.
    pub(super) fn of_kind<'a>(
        &'a self,
        kind: &'a str,
    ) -> impl Iterator<Item = (&'a ObjectKey, &'a Value)> {
        self.objects
            .iter()
            .filter(move |(key, _)| key.group == portolan_api::GROUP && key.kind == kind)
    }

    /// The key that `Kind/name` or `Kind/namespace/name` stands for.
    pub(super) fn key(&self, line: &str) -> anyhow::Result<ObjectKey> {
        let parts: Vec<&str> = line.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [kind, name] => (*kind, NAMESPACE, *name),
            [kind, namespace, name] => (*kind, *namespace, *name),
            _ => bail!("write {line:?} as Kind/name or Kind/namespace/name"),
        };
        let served = &self.kinds.named(kind)?.kind;
        let namespace = if served.namespaced { namespace } else { "" };
        Ok(ObjectKey {
            group: served.gvk.group.clone(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        })
    }

    /// An object of the scenario with what may be left out.
    fn complete(&self, written: &Value) -> anyhow::Result<Value> {
        let mut object = written.clone();
        let served = if object::text(&object, "/apiVersion").is_empty() {
            self.kinds.named(object::text(&object, "/kind"))?
        } else {
            self.kinds.get(&Gvk::of(&object))?
        };
        object["apiVersion"] = json!(served.kind.gvk.api_version());
        if served.kind.namespaced && object::namespace(&object).is_empty() {
            object["metadata"]["namespace"] = json!(NAMESPACE);
        }
        Ok(object)
    }
}

/// Whether an owner controls an object.
pub(super) fn controls(owner: &Owner, object: &Value) -> bool {
    object::controller_uid(object) == Some(owner.uid.as_str())
}

fn without_status(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        map.remove("metadata");
    }
    object
}

/// A structural schema drops nulls; templates and parameters of ours keep them.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
