//! Manifests as people keep them: YAML files, folders, kustomizations; and applying them.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Client, discovery};
use serde_json::Value;

/// A folder or file of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The documents of a file; of all YAML files below a folder, by name; or of a kustomization.
pub fn read(path: &Path) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    for file in files(path)? {
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        documents.extend(parse(&text).with_context(|| format!("reading {}", file.display()))?);
    }
    Ok(documents)
}

/// The documents of a YAML stream.
pub fn parse(text: &str) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    let mut current = String::new();
    for line in text.lines().chain(["---"]) {
        if line != "---" {
            current.push_str(line);
            current.push('\n');
            continue;
        }
        let value: Value = serde_saphyr::from_str(&std::mem::take(&mut current))?;
        if !value.is_null() {
            documents.push(value);
        }
    }
    Ok(documents)
}

/// The files behind a path: itself, what a kustomization lists, or all YAML files of a folder.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let names = ["kustomization.yaml", "Kustomization"];
    let kustomization = names.iter().map(|name| path.join(name)).find(|file| file.is_file());
    let mut found = Vec::new();
    if let Some(kustomization) = kustomization {
        let text = fs::read_to_string(&kustomization)?;
        let value: Value = serde_saphyr::from_str(&text)?;
        for resource in value["resources"].as_array().into_iter().flatten() {
            found.extend(files(&path.join(resource.as_str().unwrap_or_default()))?);
        }
        return Ok(found);
    }
    let entries = fs::read_dir(path).with_context(|| format!("listing {}", path.display()))?;
    let mut entries: Vec<PathBuf> = entries.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() || entry.extension().is_some_and(|extension| extension == "yaml") {
            found.extend(files(&entry)?);
        }
    }
    Ok(found)
}

/// Applies documents as `kubectl apply --server-side` does; those without a namespace go to the given
/// one.
pub async fn apply(client: &Client, namespace: &str, documents: &[Value]) -> Result<()> {
    for document in documents {
        apply_one(client, namespace, document).await?;
    }
    Ok(())
}

async fn apply_one(client: &Client, namespace: &str, document: &Value) -> Result<()> {
    let text =
        |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
    let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
    let gvk = GroupVersionKind::gvk(group, version, kind);
    let what = format!("applying {kind} {name}");
    let (resource, namespaced) = resolve(client, &gvk).await.with_context(|| what.clone())?;
    let own = text("/metadata/namespace");
    let namespace = if own.is_empty() { namespace } else { own };
    let api: Api<DynamicObject> = if namespaced {
        Api::namespaced_with(client.clone(), namespace, &resource)
    } else {
        Api::all_with(client.clone(), &resource)
    };
    let params = PatchParams::apply("kubectl").force();
    api.patch(name, &params, &Patch::Apply(document)).await.with_context(|| what)?;
    Ok(())
}

/// A kind as the server names it; a definition that was just applied may take a moment to be served.
async fn resolve(client: &Client, gvk: &GroupVersionKind) -> Result<(ApiResource, bool)> {
    crate::wait::until(
        &format!("kind {}", gvk.kind),
        std::time::Duration::from_secs(30),
        async || {
            let (resource, capabilities) = discovery::pinned_kind(client, gvk).await.ok()?;
            Some((resource, capabilities.scope == discovery::Scope::Namespaced))
        },
    )
    .await
}
