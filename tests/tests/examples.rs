//! What a person does with `kubectl` alone: apply the definitions, apply the examples, ask what a field
//! means.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::manifests::{files, project, read};
use portolan_testbed::wait::until;
use portolan_testbed::{ControlPlane, Options, kubectl};
use portolan_tests::world::DEADLINE;
use serde_json::Value;

const NATIVE: [&str; 5] =
    ["GitSource", "SourceImage", "GitWriter", "GitDeployment", "Verification"];

#[tokio::test]
async fn kubectl_applies_and_explains() {
    // With controllers: who aggregates roles is one of them.
    let options = Options { name: "examples".into(), controllers: true, ..Options::default() };
    let plane = ControlPlane::start(options).await.expect("the server starts");
    let definitions = project("config/crd");
    let definitions = definitions.to_str().expect("the path is text");
    for way in ["-f", "-k"] {
        kubectl(&plane, &["apply", "--server-side", way, definitions]).await.expect("config/crd");
    }
    let waited = ["wait", "--for", "condition=Established", "--timeout=60s", "crd", "--all"];
    kubectl(&plane, &waited).await.expect("the kinds are served");
    bases_are_applied_again_and_beside_each_other(&plane).await.expect("config/ is applied");
    every_manifest_is_taken(&plane).await.expect("examples/ is applied");
    every_native_kind_is_explained(&plane).await.expect("fields are explained");
}

/// An upgrade applies a base again, and a cluster may have both.
async fn bases_are_applied_again_and_beside_each_other(plane: &ControlPlane) -> Result<()> {
    for base in ["build-cluster", "delivery-cluster", "build-cluster", "delivery-cluster"] {
        let folder = project("config").join(base);
        let folder = folder.to_str().context("the path is text")?;
        kubectl(plane, &["apply", "--server-side", "-k", folder]).await?;
        // What others aggregate into the role is not ours to conflict with.
        let rules = ["get", "clusterrole", "portolan-stamped-kinds", "-o", "jsonpath={.rules}"];
        until("rights to be aggregated", DEADLINE, async || {
            kubectl(plane, &rules).await.ok()?.contains("configmaps").then_some(())
        })
        .await?;
    }
    Ok(())
}

async fn every_manifest_is_taken(plane: &ControlPlane) -> Result<()> {
    let manifests = manifests()?;
    ensure!(manifests.len() >= 7, "the examples are found: {manifests:?}");
    for file in &manifests {
        let path = file.to_str().context("the path is text")?;
        // Twice: as a person does who changed nothing.
        kubectl(plane, &["apply", "-n", "default", "-f", path]).await?;
        let again = kubectl(plane, &["apply", "-n", "default", "-f", path]).await?;
        ensure!(again.lines().all(|line| line.ends_with("unchanged")), "{path}: {again}");
    }
    Ok(())
}

/// The examples' manifests: what has an API version.
fn manifests() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in files(&project("examples"))? {
        if read(&file)?.iter().any(|document| document["apiVersion"].is_string()) {
            found.push(file);
        }
    }
    Ok(found)
}

async fn every_native_kind_is_explained(plane: &ControlPlane) -> Result<()> {
    for kind in NATIVE {
        let definition = definition(&kind.to_lowercase())?;
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut silent = Vec::new();
        let mut deepest = String::new();
        undescribed(schema, kind, &mut silent, &mut deepest);
        // Fields of every kind, which kubectl itself explains.
        let common = ["metadata", "apiVersion", "kind"].map(|field| format!("{kind}.{field}"));
        silent.retain(|path| !common.contains(path));
        ensure!(silent.is_empty(), "fields without a description: {}", silent.join(", "));
        // What the schema says is what a person reads.
        let resource = kind.to_lowercase();
        let path = deepest.replacen(kind, &resource, 1);
        let explained = kubectl(plane, &["explain", &path]).await?;
        ensure!(explained.contains("DESCRIPTION:"), "{explained}");
        ensure!(!explained.contains("<empty>"), "{path} says nothing: {explained}");
        let all = kubectl(plane, &["explain", &resource, "--recursive"]).await?;
        ensure!(all.contains("status\t") && all.contains("spec\t"), "{all}");
    }
    Ok(())
}

fn definition(kind: &str) -> Result<Value> {
    let all = read(&project("config/crd"))?;
    let found = all.into_iter().find(|crd| crd["spec"]["names"]["singular"] == kind);
    found.with_context(|| format!("{kind} has a definition"))
}

/// Paths of fields without a description, and the longest path of all.
fn undescribed(schema: &Value, path: &str, silent: &mut Vec<String>, deepest: &mut String) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        if field["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
            silent.push(path.clone());
        }
        if path.matches('.').count() > deepest.matches('.').count() {
            deepest.clone_from(&path);
        }
        undescribed(field, &path, silent, deepest);
        undescribed(&field["items"], &path, silent, deepest);
        undescribed(&field["additionalProperties"], &path, silent, deepest);
    }
}

/// Each story tells a person what to apply, and that is there.
#[test]
fn each_story_has_a_readme_that_names_its_files() {
    for story in ["basic", "pull-requests", "directories", "repositories"] {
        let folder = project("examples").join(story);
        let clusters = std::fs::read_dir(&folder).expect("the story is there");
        let mut parts = Vec::new();
        for cluster in clusters.map(|entry| entry.expect("it is listed").path()) {
            if !cluster.to_string_lossy().ends_with("-cluster") {
                continue;
            }
            parts.push(cluster.file_name().unwrap_or_default().to_string_lossy().into_owned());
            for part in ["platform", "team"] {
                assert!(cluster.join(part).is_dir(), "{} has {part}", cluster.display());
            }
        }
        assert!(parts.len() >= 2, "{story} has clusters: {parts:?}");
        let readme = std::fs::read_to_string(folder.join("README.md")).expect("it has a README");
        for part in &parts {
            assert!(readme.contains(part), "{story}/README.md tells of {part}");
        }
        for path in readme.split([' ', '`', '(', ')', '\n']) {
            if path.starts_with("examples/") || path.starts_with("config/") {
                assert!(project(path).exists(), "{story}/README.md names {path}");
            }
            if path.starts_with("../") {
                assert!(folder.join(path).exists(), "{story}/README.md links {path}");
            }
        }
    }
}
