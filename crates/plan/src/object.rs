//! Objects of any kind: what is read from their JSON.

use std::collections::BTreeMap;

use serde_json::Value;

/// Identifies a kind: group, version and kind name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// API group; empty for the core group.
    pub group: String,
    /// Version within the group.
    pub version: String,
    /// Kind name.
    pub kind: String,
}

impl Gvk {
    /// From an `apiVersion` and a kind.
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// The kind of an object.
    pub fn of(object: &Value) -> Self {
        Self::new(text(object, "/apiVersion"), text(object, "/kind"))
    }

    /// `apiVersion` as objects carry it.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// A kind as the API server serves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServedKind {
    /// Group, version and kind.
    pub gvk: Gvk,
    /// Plural resource name.
    pub plural: String,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
}

impl ServedKind {
    /// Plural and group: `deployments.apps`, `configmaps`.
    pub fn qualified(&self) -> String {
        if self.gvk.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.gvk.group)
        }
    }
}

/// Identifies an object whatever its version: group, kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind name.
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    /// The key of an object.
    pub fn of(object: &Value) -> Self {
        let gvk = Gvk::of(object);
        Self {
            group: gvk.group,
            kind: gvk.kind,
            namespace: text(object, "/metadata/namespace").into(),
            name: text(object, "/metadata/name").into(),
        }
    }
}

/// The string at a JSON pointer; empty where there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.uid`.
pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// `metadata.namespace`.
pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// `metadata.generation`; 0 where the kind has none.
pub fn generation(object: &Value) -> i64 {
    object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default()
}

/// `metadata.resourceVersion`.
pub fn resource_version(object: &Value) -> &str {
    text(object, "/metadata/resourceVersion")
}

/// Whether the object is being deleted.
pub fn is_terminating(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(Value::is_string)
}

/// `metadata.labels`; values that are not strings are left out.
pub fn labels(object: &Value) -> BTreeMap<String, String> {
    strings(object.pointer("/metadata/labels"))
}

/// The value of an annotation.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

/// The value of a label.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels")?.get(key)?.as_str()
}

/// The UID of the owner that controls the object: by owner reference, or by label where a
/// cluster-scoped object cannot have one.
pub fn controller_uid(object: &Value) -> Option<&str> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let controller = owners
        .into_iter()
        .flatten()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    match controller {
        Some(owner) => owner.get("uid")?.as_str(),
        None if namespace(object).is_empty() => label(object, portolan_api::labels::OWNER_UID),
        None => None,
    }
}

fn strings(map: Option<&Value>) -> BTreeMap<String, String> {
    map.and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn api_versions_split_and_join() {
        for api_version in ["v1", "apps/v1", "carto.run/v1alpha1"] {
            assert_eq!(Gvk::new(api_version, "K").api_version(), api_version);
        }
    }

    #[test]
    fn owners_are_told_by_reference_or_on_cluster_scoped_objects_by_label() {
        let label = json!({portolan_api::labels::OWNER_UID: "by-label"});
        let reference = json!([{"uid": "other"}, {"uid": "by-reference", "controller": true}]);
        let object = |namespace: &str, references: &Value| {
            json!({"metadata": {
                "namespace": namespace, "labels": label, "ownerReferences": references,
            }})
        };
        assert_eq!(controller_uid(&object("dev", &reference)), Some("by-reference"));
        assert_eq!(controller_uid(&object("", &Value::Null)), Some("by-label"));
        assert_eq!(controller_uid(&object("dev", &Value::Null)), None, "a tenant could forge it");
    }

    #[test]
    fn kinds_are_qualified_by_their_group() {
        let kind = |api_version: &str, plural: &str| ServedKind {
            gvk: Gvk::new(api_version, "K"),
            plural: plural.into(),
            namespaced: true,
        };
        assert_eq!(kind("v1", "configmaps").qualified(), "configmaps");
        assert_eq!(kind("apps/v1", "deployments").qualified(), "deployments.apps");
    }
}
