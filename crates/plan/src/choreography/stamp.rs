//! What stamping adds to a rendered template (section 5.6), and the digest that tells whether the
//! result has been applied.

use std::collections::BTreeMap;

use portolan_api::{API_VERSION, digest, labels};
use serde_json::{Map, Value, json};

use super::owner::Owner;
use crate::object;

/// Why a rendered template cannot be stamped; the text ends in a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StampError {
    #[error("failed to parse object: Object '{field}' is missing in '{found}'")]
    Missing { field: &'static str, found: String },
    #[error("cannot set namespace in resource template")]
    Namespace,
    #[error("metadata of the stamped object is not a map: {0}")]
    Metadata(String),
}

/// A stamped object: complete, with the annotation that carries its digest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stamped {
    pub(super) object: Value,
    pub(super) digest: String,
}

/// Fields of metadata that only a server may set, or that would let a template speak for others
/// (threat T-09).
const NOT_FOR_TEMPLATES: [&str; 9] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
    "finalizers",
];

/// Makes a rendered template the owner's object.
pub(super) fn stamp(
    owner: &Owner,
    mut rendered: Value,
    labels: &BTreeMap<String, String>,
    namespaced: bool,
) -> Result<Stamped, StampError> {
    let metadata = metadata(&mut rendered)?;
    let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or_default();
    if !namespace.is_empty() && namespace != owner.namespace {
        return Err(StampError::Namespace);
    }
    for field in NOT_FOR_TEMPLATES {
        metadata.remove(field);
    }
    if namespaced {
        metadata.insert("namespace".into(), json!(owner.namespace));
        metadata.insert("ownerReferences".into(), json!([owner_reference(owner)]));
    } else {
        // A namespaced owner cannot own a cluster-scoped object: garbage collection would delete it.
        metadata.remove("namespace");
        metadata.remove("ownerReferences");
        let uid = [(portolan_api::labels::OWNER_UID, owner.uid.as_str())];
        merge(metadata, "labels", uid.into_iter());
    }
    merge(metadata, "labels", labels.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    drop_nulls(metadata);
    let digest = digest::of_json(&rendered);
    let metadata = self::metadata(&mut rendered)?;
    merge(metadata, "annotations", [(labels::APPLIED, digest.as_str())].into_iter());
    Ok(Stamped { object: rendered, digest })
}

/// Checks that a rendered template is an object at all; its kind has to be known before stamping.
pub(super) fn check_kind(rendered: &Value) -> Result<(), StampError> {
    for (field, pointer) in [("Kind", "/kind"), ("apiVersion", "/apiVersion")] {
        if object::text(rendered, pointer).is_empty() {
            let found = rendered.to_string().chars().take(200).collect();
            return Err(StampError::Missing { field, found });
        }
    }
    Ok(())
}

fn metadata(object: &mut Value) -> Result<&mut Map<String, Value>, StampError> {
    if object.get("metadata").is_none_or(Value::is_null) {
        object["metadata"] = json!({});
    }
    let found = object["metadata"].to_string().chars().take(200).collect();
    object["metadata"].as_object_mut().ok_or(StampError::Metadata(found))
}

fn merge<'a>(
    metadata: &mut Map<String, Value>,
    field: &str,
    entries: impl Iterator<Item = (&'a str, &'a str)>,
) {
    let map = metadata.entry(field).or_insert_with(|| json!({}));
    if !map.is_object() {
        *map = json!({});
    }
    for (key, value) in entries {
        map[key] = json!(value);
    }
}

/// An apply that names null asks for the field to be absent; in metadata servers refuse that.
fn drop_nulls(metadata: &mut Map<String, Value>) {
    metadata.retain(|_, value| !value.is_null());
    for field in ["labels", "annotations"] {
        if let Some(Value::Object(map)) = metadata.get_mut(field) {
            map.retain(|_, value| !value.is_null());
        }
    }
}

fn owner_reference(owner: &Owner) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": owner.kind.name(),
        "name": owner.name,
        "uid": owner.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

#[cfg(test)]
mod tests {
    use super::super::owner::OwnerKind;
    use super::*;

    fn owner() -> Owner {
        let metadata = json!({"name": "app", "namespace": "dev", "uid": "u1"});
        Owner::read(OwnerKind::Workload, json!({"metadata": metadata, "spec": {}})).unwrap()
    }

    fn stamped(rendered: Value, namespaced: bool) -> Result<Value, StampError> {
        let labels = [("carto.run/workload-name".to_owned(), "app".to_owned())].into();
        stamp(&owner(), rendered, &labels, namespaced).map(|stamped| stamped.object)
    }

    fn with(metadata: Value) -> Value {
        let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap"});
        object["metadata"] = metadata;
        object
    }

    #[test]
    fn owner_namespace_and_labels_are_added_and_win() {
        let labels = json!({"carto.run/workload-name": "forged", "mine": "kept", "gone": null});
        let references = json!([{"kind": "Node", "uid": "n"}]);
        let metadata = json!({"name": "a", "labels": labels, "ownerReferences": references});
        let object = stamped(with(metadata), true).unwrap();
        assert_eq!(object["metadata"]["namespace"], "dev");
        assert_eq!(
            object["metadata"]["labels"],
            json!({"carto.run/workload-name": "app", "mine": "kept"})
        );
        assert_eq!(
            object["metadata"]["ownerReferences"],
            json!([{
                "apiVersion": "carto.run/v1alpha1", "kind": "Workload", "name": "app",
                "uid": "u1", "controller": true, "blockOwnerDeletion": true,
            }])
        );
    }

    #[test]
    fn a_template_does_not_choose_the_namespace() {
        let at = |namespace: &str| with(json!({"name": "a", "namespace": namespace}));
        assert_eq!(stamped(at("kube-system"), true), Err(StampError::Namespace));
        assert!(stamped(at("dev"), true).is_ok());
    }

    /// T-09.
    #[test]
    fn what_is_not_for_templates_is_dropped() {
        let mut metadata = json!({"name": "a"});
        for field in NOT_FOR_TEMPLATES {
            metadata[field] = json!("x");
        }
        let object = stamped(with(metadata), true).unwrap();
        for field in NOT_FOR_TEMPLATES {
            assert!(object["metadata"].get(field).is_none(), "{field}");
        }
    }

    #[test]
    fn cluster_scoped_objects_have_no_namespaced_owner() {
        let object = stamped(with(json!({"name": "a"})), false).unwrap();
        assert!(object["metadata"].get("ownerReferences").is_none());
        assert!(object["metadata"].get("namespace").is_none());
    }

    #[test]
    fn the_digest_is_that_of_the_object_without_it() {
        let labels = BTreeMap::new();
        let one = stamp(&owner(), with(json!({"name": "a"})), &labels, true).unwrap();
        let again = stamp(&owner(), with(json!({"name": "a"})), &labels, true).unwrap();
        let other = stamp(&owner(), with(json!({"name": "b"})), &labels, true).unwrap();
        assert_eq!(one, again);
        assert_ne!(one.digest, other.digest);
        assert_eq!(one.object["metadata"]["annotations"][labels::APPLIED], json!(one.digest));
    }
}
