//! Clusters: what stands in the branch runs, and no object is there twice.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::labels;
use serde_json::Value;

use super::evidence::{Environment, Evidence, short};
use super::verdict::Verdict;

/// An environment has its branch, and its cluster runs what stands there.
pub(super) fn check_running(evidence: &Evidence, environment: &Environment, verdict: &mut Verdict) {
    let Some(tip) = evidence.commits.get(&environment.tip) else {
        let branch = &environment.branch;
        match environment.tip.as_str() {
            "" => verdict.lost(format!("branch {branch}")),
            tip => verdict.lost(format!("commit {}, the tip of {branch}", short(tip))),
        }
        return;
    };
    let reached = evidence.reached(&tip.id);
    for (path, deployed) in &environment.deployed {
        let what = format!("{path} in {}", environment.branch);
        // It may be another commit than the one that brought the content, which is what counts.
        let revision = evidence.commits.get(&deployed.revision);
        let revision = revision.filter(|commit| reached.contains(commit.id.as_str()));
        if revision.is_none_or(|commit| commit.directories.get(path) != tip.directories.get(path)) {
            let found = short(&deployed.revision);
            verdict.lost(format!("{what}: {found} is deployed, which is not what stands there"));
        }
        let record = tip.directories.get(path).and_then(|directory| directory.record.as_ref());
        let image = record.and_then(|record| record.provenance.image.as_deref());
        if image != Some(&deployed.image) {
            let expected = image.unwrap_or("no image");
            verdict.lost(format!("{what}: {} runs, the branch has {expected}", deployed.image));
        }
    }
}

/// No owner has two objects for one resource, and no deployment has objects that its inventory lacks.
pub(super) fn check_objects(evidence: &Evidence, verdict: &mut Verdict) {
    for (cluster, objects) in &evidence.objects {
        verdict.objects += objects.len();
        let mut stamped: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
        for object in objects {
            let label = |key: &str| object["metadata"]["labels"][key].as_str();
            let owner = object.pointer("/metadata/ownerReferences/0/uid").and_then(Value::as_str);
            let (Some(resource), Some(owner)) = (label(labels::RESOURCE_NAME), owner) else {
                continue;
            };
            // What is never changed is made anew for each input.
            if label(labels::TEMPLATE_LIFECYCLE) == Some("mutable") {
                stamped.entry((owner, resource)).or_default().insert(name(object));
            }
        }
        for ((_, resource), names) in stamped.iter().filter(|(_, names)| names.len() > 1) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            verdict.twice(format!("resource {resource} in {cluster}: {}", names.join(", ")));
        }
        applied(cluster, objects, verdict);
    }
}

/// What a GitDeployment applied is what its inventory lists.
fn applied(cluster: &str, objects: &[Value], verdict: &mut Verdict) {
    for deployment in objects.iter().filter(|object| object["kind"] == "GitDeployment") {
        let uid = &deployment["metadata"]["uid"];
        let live: BTreeSet<String> = objects
            .iter()
            .filter(|object| &object["metadata"]["labels"][labels::DEPLOYMENT] == uid)
            .map(entry)
            .collect();
        let entries = deployment.pointer("/status/inventory/entries").and_then(Value::as_array);
        let listed = entries.into_iter().flatten().filter_map(|entry| entry["id"].as_str());
        let listed: BTreeSet<String> = listed.map(str::to_owned).collect();
        let what = format!("{} in {cluster}", name(deployment));
        for extra in live.difference(&listed) {
            verdict.twice(format!("{what} has {extra}, which its inventory does not list"));
        }
        for missing in listed.difference(&live) {
            verdict.lost(format!("{what} lists {missing}, which is not there"));
        }
    }
}

fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// An object as an inventory lists it: `<namespace>_<name>_<group>_<kind>`.
fn entry(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let group = text(&object["apiVersion"]);
    let group = group.split_once('/').map_or("", |(group, _)| group);
    let metadata = &object["metadata"];
    let (namespace, name) = (text(&metadata["namespace"]), text(&metadata["name"]));
    format!("{namespace}_{name}_{group}_{}", text(&object["kind"]))
}
