//! The inventory: which objects belong to a deployment, and which of them may be pruned.

use std::collections::BTreeSet;

use portolan_api::labels;
use portolan_api::native::git_deployment::InventoryEntry;
use serde_json::Value;

use crate::object::{self, Gvk, ObjectKey};

/// The entry of an object: `<namespace>_<name>_<group>_<kind>`, as Flux writes it.
pub fn entry(object: &Value, adopted: bool) -> InventoryEntry {
    let (gvk, key) = (Gvk::of(object), ObjectKey::of(object));
    InventoryEntry {
        id: format!("{}_{}_{}_{}", key.namespace, key.name, key.group, key.kind),
        v: gvk.version,
        adopted,
    }
}

/// The object an entry stands for. Names hold no underscore, but for those of RBAC, whose colons
/// are kept as they are.
pub fn key_of(entry: &InventoryEntry) -> Option<(ObjectKey, Gvk)> {
    let (rest, kind) = entry.id.rsplit_once('_')?;
    let (rest, group) = rest.rsplit_once('_')?;
    let (namespace, name) = rest.split_once('_')?;
    let key = ObjectKey {
        group: group.into(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
    };
    let gvk = Gvk { group: group.into(), version: entry.v.clone(), kind: kind.into() };
    Some((key, gvk))
}

/// Whether a live object may be pruned by a deployment: it still bears the deployment's label, and
/// what would take others' data with it says so itself.
pub fn prunable(live: &Value, deployment_uid: &str) -> bool {
    let ours = object::label(live, labels::DEPLOYMENT) == Some(deployment_uid);
    let gvk = Gvk::of(live);
    let guarded = matches!(
        (gvk.group.as_str(), gvk.kind.as_str()),
        ("", "Namespace" | "PersistentVolumeClaim")
            | ("apiextensions.k8s.io", "CustomResourceDefinition")
    );
    ours && (!guarded || object::annotation(live, labels::PRUNE) == Some("true"))
}

/// All entries of two inventories, each once.
pub fn union(old: &[InventoryEntry], new: &[InventoryEntry]) -> Vec<InventoryEntry> {
    let known: BTreeSet<&str> = new.iter().map(|entry| entry.id.as_str()).collect();
    let gone = old.iter().filter(|old| !known.contains(old.id.as_str()));
    let mut entries: Vec<InventoryEntry> = new.iter().chain(gone).cloned().collect();
    entries.sort();
    entries
}

/// Whether a new set would prune everything, or more than half of the old one.
pub fn shrinks_too_much(old: &[InventoryEntry], new: &[InventoryEntry]) -> bool {
    let new: BTreeSet<&str> = new.iter().map(|entry| entry.id.as_str()).collect();
    let kept = old.iter().filter(|entry| new.contains(entry.id.as_str())).count();
    !old.is_empty() && (new.is_empty() || (old.len() > 2 && kept * 2 < old.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(api_version: &str, kind: &str, name: &str) -> Value {
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "dev"}})
    }

    #[test]
    fn entries_read_back() {
        for (api_version, kind, name, id) in [
            ("apps/v1", "Deployment", "app", "dev_app_apps_Deployment"),
            ("v1", "ConfigMap", "a.b-c", "dev_a.b-c__ConfigMap"),
            (
                "rbac.authorization.k8s.io/v1",
                "Role",
                "x:y_z",
                "dev_x:y_z_rbac.authorization.k8s.io_Role",
            ),
        ] {
            let object = object(api_version, kind, name);
            let entry = entry(&object, false);
            assert_eq!(entry.id, id);
            let (key, gvk) = key_of(&entry).unwrap();
            assert_eq!((key, gvk), (ObjectKey::of(&object), Gvk::of(&object)));
        }
    }

    #[test]
    fn only_what_is_ours_is_pruned_and_data_only_if_it_says_so() {
        let with = |kind: &str, label: &str, prune: Option<&str>| {
            let mut object = object("v1", kind, "a");
            object["metadata"]["labels"] = json!({labels::DEPLOYMENT: label});
            if let Some(prune) = prune {
                object["metadata"]["annotations"] = json!({labels::PRUNE: prune});
            }
            object
        };
        assert!(prunable(&with("ConfigMap", "u", None), "u"));
        assert!(!prunable(&with("ConfigMap", "other", None), "u"));
        assert!(!prunable(&with("PersistentVolumeClaim", "u", None), "u"));
        assert!(prunable(&with("PersistentVolumeClaim", "u", Some("true")), "u"));
        assert!(!prunable(&object("v1", "ConfigMap", "a"), "u"));
    }

    #[test]
    fn a_set_does_not_shrink_by_accident() {
        let set = |names: &[&str]| -> Vec<InventoryEntry> {
            names.iter().map(|name| entry(&object("v1", "ConfigMap", name), false)).collect()
        };
        for (old, new, too_much) in [
            (vec!["a", "b", "c", "d"], vec!["a", "b"], false),
            (vec!["a", "b", "c", "d"], vec!["a"], true),
            (vec!["a", "b", "c", "d"], vec!["x", "y", "z", "w"], true),
            (vec!["a"], vec![], true),
            (vec!["a", "b"], vec!["a"], false),
            (vec!["a"], vec!["b"], false),
            (vec![], vec![], false),
        ] {
            assert_eq!(shrinks_too_much(&set(&old), &set(&new)), too_much, "{old:?} -> {new:?}");
        }
    }
}
