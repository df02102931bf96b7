//! Status writes: one merge patch, bound to the version it was computed from.

use kube::api::{Patch, PatchParams};
use portolan_plan::object::{self, ServedKind};
use serde_json::{Map, Value, json};

use crate::cluster::{Cluster, dynamic, to_value, within};
use crate::error::WriteError;

impl Cluster {
    /// Makes `status` the whole status of an object of our own, as seen; returns the object after.
    ///
    /// The patch is bound to the resourceVersion: a status made of an older object is never written
    /// over a newer one. The conflict's cause arrives as a watch event and plans again.
    pub async fn patch_status(
        &self,
        kind: &ServedKind,
        seen: &Value,
        status: &Value,
    ) -> Result<Value, WriteError> {
        let api = dynamic(self.client().clone(), kind, object::namespace(seen));
        let current = seen.get("status").cloned().unwrap_or_else(|| json!({}));
        let body = json!({
            "metadata": {"resourceVersion": object::resource_version(seen)},
            "status": difference(&current, status),
        });
        let params = PatchParams::default();
        let patched =
            within(api.patch_status(object::name(seen), &params, &Patch::Merge(&body))).await?;
        Ok(to_value(&patched))
    }

    /// Changes metadata of an object of our own (finalizers), bound to the version seen.
    pub async fn patch_metadata(
        &self,
        kind: &ServedKind,
        seen: &Value,
        metadata: &Value,
    ) -> Result<Value, WriteError> {
        let api = dynamic(self.client().clone(), kind, object::namespace(seen));
        let mut body = json!({"metadata": metadata});
        body["metadata"]["resourceVersion"] = json!(object::resource_version(seen));
        let params = PatchParams::default();
        let patched = within(api.patch(object::name(seen), &params, &Patch::Merge(&body))).await?;
        Ok(to_value(&patched))
    }
}

/// The merge patch that turns one value into another.
fn difference(from: &Value, to: &Value) -> Value {
    let (Some(from), Some(to)) = (from.as_object(), to.as_object()) else { return to.clone() };
    let mut patch = Map::new();
    for (key, value) in to {
        match from.get(key) {
            Some(old) if old == value => {}
            Some(old) => {
                patch.insert(key.clone(), difference(old, value));
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_names_only_what_differs_and_removes_what_is_gone() {
        let from = json!({"same": 1, "gone": {"a": 1}, "list": [1, 2], "map": {"x": 1, "y": 2}});
        let to = json!({"same": 1, "list": [1], "map": {"x": 1, "y": 3}, "new": true});
        let patch = json!({"gone": null, "list": [1], "map": {"y": 3}, "new": true});
        assert_eq!(difference(&from, &to), patch);
        assert_eq!(difference(&to, &to), json!({}));
    }
}
