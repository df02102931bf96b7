//! Objects as caches keep them.

use std::fmt;

use serde_json::Value;

/// Namespace and name within one kind; the namespace of cluster-scoped objects is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Key {
    /// A key.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// An object in a cache: what is looked up often, and the rest as JSON text, which takes a fifth of
/// the memory of a parsed value. `managedFields` are not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Namespace and name.
    pub key: Key,
    /// UID.
    pub uid: String,
    /// resourceVersion as a number; 0 where the server uses another form.
    pub version: u64,
    /// Generation; 0 where the kind has none.
    pub generation: i64,
    /// UID of the owner that controls it.
    pub owner: Option<String>,
    body: Box<[u8]>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (uid {}, version {})", self.key, self.uid, self.version)
    }
}

impl Stored {
    /// Keeps an object.
    pub fn new(mut object: Value) -> Self {
        use portolan_plan::object;
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        Self {
            key: Key::new(object::namespace(&object), object::name(&object)),
            uid: object::uid(&object).into(),
            version: object::resource_version(&object).parse().unwrap_or_default(),
            generation: object::generation(&object),
            owner: object::controller_uid(&object).map(Into::into),
            body: serde_json::to_vec(&object).unwrap_or_default().into_boxed_slice(),
        }
    }

    /// The whole object.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_kept_without_managed_fields() {
        let owner = json!({"kind": "Workload", "uid": "o", "controller": true});
        let stored = Stored::new(json!({
            "kind": "ConfigMap",
            "metadata": {
                "name": "a", "namespace": "dev", "uid": "u", "resourceVersion": "7",
                "generation": 2, "managedFields": [{}], "ownerReferences": [owner],
            },
            "data": {"n": 9_007_199_254_740_993_i64},
        }));
        assert_eq!(stored.key, Key::new("dev", "a"));
        assert_eq!((stored.version, stored.generation), (7, 2));
        assert_eq!(stored.owner.as_deref(), Some("o"));
        assert!(stored.value()["metadata"].get("managedFields").is_none());
        assert_eq!(stored.value()["data"]["n"], json!(9_007_199_254_740_993_i64));
    }
}
