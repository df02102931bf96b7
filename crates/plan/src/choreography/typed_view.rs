//! The owner as templates see it: a typed structure, not the JSON the user submitted.
//!
//! Cartographer evaluates paths on Go structs, so unset fields are not uniformly missing: plain
//! strings are `""`, optional fields, lists and maps are null, some objects are always there
//! (section 5.4). Filling the gaps once makes every path behave the same way here.

use serde_json::{Map, Value, json};

use super::owner::OwnerKind;

/// Fills the gaps of an owner.
pub(super) fn typed_view(kind: OwnerKind, mut object: Value) -> Value {
    let gaps = match kind {
        OwnerKind::Workload => json!({
            "spec": {
                "params": null, "source": null, "build": {"env": null}, "env": null,
                "image": null, "resources": null, "serviceAccountName": "", "serviceClaims": null,
            },
            "status": {"supplyChainRef": {}},
        }),
        OwnerKind::Deliverable => json!({
            "spec": {"params": null, "source": null, "serviceAccountName": ""},
            "status": {"deliveryRef": {}},
        }),
    };
    fill(&mut object, &gaps);
    fill(
        &mut object,
        &json!({"metadata": {
            "name": "", "generateName": "", "uid": "", "namespace": "", "resourceVersion": "",
            "deletionTimestamp": null, "labels": null, "annotations": null,
        }}),
    );
    if let Some(source) = object.pointer_mut("/spec/source").filter(|source| source.is_object()) {
        fill(source, &json!({"git": null, "image": null, "subPath": null}));
        if let Some(git) = source.get_mut("git").filter(|git| git.is_object()) {
            fill(git, &json!({"url": null, "ref": null}));
            if let Some(reference) = git.get_mut("ref").filter(|reference| reference.is_object()) {
                fill(reference, &json!({"branch": null, "tag": null, "commit": null}));
            }
        }
    }
    for list in ["/spec/env", "/spec/build/env"] {
        for variable in object.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
        {
            fill(variable, &json!({"value": ""}));
        }
    }
    for claim in object
        .pointer_mut("/spec/serviceClaims")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        fill(claim, &json!({"ref": null}));
    }
    object
}

/// Adds what is missing; what is there stays.
fn fill(object: &mut Value, gaps: &Value) {
    if object.is_null() {
        *object = Value::Object(Map::new());
    }
    let (Some(object), Some(gaps)) = (object.as_object_mut(), gaps.as_object()) else { return };
    for (key, gap) in gaps {
        match object.get_mut(key) {
            None => {
                object.insert(key.clone(), gap.clone());
            }
            Some(inner) if gap.is_object() => fill(inner, gap),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use portolan_expr::Path;

    use super::*;

    fn at(object: &Value, path: &str) -> Option<Value> {
        Path::parse(path).unwrap().one(object).ok().cloned()
    }

    #[test]
    fn unset_fields_are_typed() {
        let view = typed_view(OwnerKind::Workload, json!({"metadata": {"name": "a"}, "spec": {}}));
        assert_eq!(at(&view, "spec.serviceAccountName"), Some(json!("")));
        assert_eq!(at(&view, "spec.source"), Some(Value::Null));
        assert_eq!(at(&view, "spec.source.git"), None);
        assert_eq!(at(&view, "spec.build"), Some(json!({"env": null})));
        assert_eq!(at(&view, "metadata.labels"), Some(Value::Null));
        assert_eq!(at(&view, "spec.nothing"), None);
    }

    #[test]
    fn set_fields_are_kept_and_their_gaps_filled() {
        let spec = json!({"source": {"git": {"url": "u"}}, "env": [{"name": "A"}]});
        let view = typed_view(OwnerKind::Workload, json!({"metadata": {}, "spec": spec}));
        assert_eq!(at(&view, "spec.source.git.url"), Some(json!("u")));
        assert_eq!(at(&view, "spec.source.git.ref"), Some(Value::Null));
        assert_eq!(at(&view, "spec.source.image"), Some(Value::Null));
        assert_eq!(at(&view, "spec.env[0].value"), Some(json!("")));
    }
}
