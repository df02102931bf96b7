//! The CustomResourceDefinitions of all kinds, as they are installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use crate::choreography::{
    ClusterConfigTemplate, ClusterDelivery, ClusterDeploymentTemplate, ClusterImageTemplate,
    ClusterRunTemplate, ClusterSourceTemplate, ClusterSupplyChain, ClusterTemplate, Deliverable,
    Runnable, Workload,
};
use crate::native::{GitDeployment, GitSource, GitWriter, SourceImage, Verification};

/// All kinds, by name.
pub fn all() -> Vec<Value> {
    let mut crds: Vec<Value> = [
        Workload::crd(),
        Deliverable::crd(),
        Runnable::crd(),
        ClusterSupplyChain::crd(),
        ClusterDelivery::crd(),
        ClusterSourceTemplate::crd(),
        ClusterImageTemplate::crd(),
        ClusterConfigTemplate::crd(),
        ClusterTemplate::crd(),
        ClusterDeploymentTemplate::crd(),
        ClusterRunTemplate::crd(),
        GitSource::crd(),
        SourceImage::crd(),
        GitWriter::crd(),
        GitDeployment::crd(),
        Verification::crd(),
    ]
    .iter()
    .map(manifest)
    .collect();
    crds.sort_by(|a, b| name(a).cmp(name(b)));
    crds
}

/// Name of a definition: `<plural>.carto.run`.
pub fn name(crd: &Value) -> &str {
    crd["metadata"]["name"].as_str().unwrap_or_default()
}

/// A definition as the YAML file that is committed below `config/crd`.
pub fn yaml(crd: &Value) -> Result<String, serde_saphyr::ser::Error> {
    let body = serde_saphyr::to_string(crd)?;
    Ok(format!("# Made by `make generate` from crates/api; do not edit.\n---\n{body}"))
}

/// The kustomization that lists the files of all kinds.
pub fn kustomization() -> String {
    let files: String = all().iter().map(|crd| format!("  - {}.yaml\n", name(crd))).collect();
    format!(
        "# Made by `make generate` from crates/api; do not edit.\n\
         apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{files}"
    )
}

/// A definition in the form that Kubernetes stores, without what schemars says for other readers.
fn manifest(crd: &CustomResourceDefinition) -> Value {
    let mut crd = serde_json::to_value(crd).unwrap_or_default();
    for version in crd["spec"]["versions"].as_array_mut().into_iter().flatten() {
        let schema = &mut version["schema"]["openAPIV3Schema"];
        tidy(schema);
        schema["required"] = json!(["metadata", "spec"]);
        schema["properties"]["metadata"] = json!({"type": "object"});
        schema["description"] = schema["properties"]["spec"]["description"].clone();
    }
    crd
}

/// Removes `nullable` (the server drops nulls of fields without it, as Cartographer's schemas have
/// it), null defaults and number formats that Kubernetes does not know.
fn tidy(schema: &mut Value) {
    let Value::Object(object) = schema else {
        return;
    };
    object.remove("nullable");
    object.remove("title");
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(Value::String(format)) = object.get("format")
        && (format.starts_with("uint") || format == "double")
    {
        object.remove("format");
    }
    drop_null_from_enum(object);
    unfold(object);
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(tidy);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            tidy(inner);
        }
    }
}

/// Folds the paragraphs of a description: rustdoc wraps lines, `kubectl explain` wraps by itself.
fn unfold(object: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split("\n\n").map(|p| p.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    }
}

/// An optional enum comes with null among its values.
fn drop_null_from_enum(object: &mut Map<String, Value>) {
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

#[cfg(test)]
mod tests;
