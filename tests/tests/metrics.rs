//! Metrics: programs that have moved a change export what the page and the dashboard name, no more and no
//! less, and nothing in them names an object.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::landscape::{APP, Landscape, Plan, TEAM};
use portolan_tests::metrics::{Family, Metrics};
use portolan_tests::workspace::root;
use portolan_tests::world::travel;
use serde_json::Value;

#[tokio::test]
async fn what_is_exported_is_documented_and_what_is_documented_is_exported() {
    let landscape = Landscape::start(Plan::default(), &|_| {}).await.expect("it starts");
    for version in [1, 2] {
        travel(&landscape, version).await.expect("a change travels");
    }
    let mut all = Metrics::default();
    for member in [&landscape.build, &landscape.staging] {
        all.join(Metrics::of(member.program.metrics_port()).await.expect("it tells its metrics"));
    }
    documented(&all).expect("the page tells all of them");
    drawn(&all).expect("the dashboard draws what there is");
    moved(&all).expect("a change moves them");
    nobody_is_named(&landscape, &all).expect("no object is named");
}

/// Name, type and labels of each metric stand in a table of the page.
fn documented(all: &Metrics) -> Result<()> {
    let page = std::fs::read_to_string(root().join("docs/metrics.md"))?;
    let told: BTreeMap<String, (String, BTreeSet<String>)> = page.lines().filter_map(row).collect();
    for (name, family) in &all.0 {
        let (type_, labels) = told.get(name).with_context(|| format!("{name} is not told"))?;
        ensure!(*type_ == family.type_, "{name} is a {}, told as {type_}", family.type_);
        ensure!(*labels == family.labels(), "{name} has {:?}, told {labels:?}", family.labels());
    }
    ensure!(!told.is_empty(), "the page has tables");
    for name in told.into_keys().chain(names(&page)) {
        ensure!(family(all, &name).is_some(), "the page tells of {name}, which is not exported");
    }
    Ok(())
}

/// A row of a table of metrics.
fn row(line: &str) -> Option<(String, (String, BTreeSet<String>))> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let ["", name, type_, labels, ..] = cells.as_slice() else { return None };
    let name = name.strip_prefix('`')?.strip_suffix('`')?;
    if !["counter", "gauge", "histogram"].contains(type_) {
        return None;
    }
    let labels = labels.split(',').map(|label| label.trim().trim_matches('`'));
    let labels = labels.filter(|label| !label.is_empty()).map(Into::into).collect();
    Some((name.into(), ((*type_).into(), labels)))
}

/// Each query of the dashboard names metrics and labels that there are, and each metric is drawn.
fn drawn(all: &Metrics) -> Result<()> {
    let file = std::fs::read_to_string(root().join("config/dashboard/portolan.json"))?;
    let dashboard: Value = serde_json::from_str(&file)?;
    let panels = dashboard["panels"].as_array().context("it has panels")?;
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut drawn = BTreeSet::new();
    for query in targets.map(|target| target["expr"].as_str().unwrap_or_default()) {
        let mut labels = BTreeSet::from(["job".to_owned(), "instance".to_owned(), "le".to_owned()]);
        for name in names(query) {
            let family = family(all, &name).with_context(|| format!("{name} in {query}"))?;
            labels.extend(family.1.labels());
            drawn.insert(family.0.to_owned());
        }
        for by in query.split("by (").skip(1) {
            for label in by.split(')').next().unwrap_or_default().split(',').map(str::trim) {
                ensure!(labels.contains(label), "there is no label {label} in {query}");
            }
        }
    }
    let left_out: Vec<_> = all.0.keys().filter(|name| !drawn.contains(*name)).collect();
    ensure!(left_out.is_empty(), "no panel draws {left_out:?}");
    Ok(())
}

/// The family that a name in a query is of.
fn family<'a>(all: &'a Metrics, name: &str) -> Option<(&'a str, &'a Family)> {
    let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|part| name.strip_suffix(part));
    let found = [name].into_iter().chain(parts).find_map(|name| all.0.get_key_value(name))?;
    Some((found.0.as_str(), found.1))
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let is_name = |word: &&str| word.starts_with("portolan_") || word.starts_with("process_");
    words.filter(is_name).map(Into::into).collect()
}

/// What two changes must have moved, in both programs together.
fn moved(all: &Metrics) -> Result<()> {
    for hop in ["source", "image", "written", "deployed", "verified", "promoted"] {
        ensure!(all.sum("portolan_hop_duration_seconds", &[("hop", hop)]) >= 1.0, "hop {hop}");
    }
    let some: [(&str, &[(&str, &str)]); 14] = [
        ("portolan_reconciles_total", &[("kind", "Workload"), ("result", "written")]),
        ("portolan_reconciles_total", &[("kind", "Deliverable"), ("result", "converged")]),
        ("portolan_reconciles_total", &[("kind", "GitDeployment"), ("result", "waiting")]),
        ("portolan_queue_adds_total", &[("kind", "GitWriter")]),
        ("portolan_api_requests_total", &[("verb", "apply"), ("identity", "account")]),
        ("portolan_api_requests_total", &[("verb", "dry_run"), ("identity", "account")]),
        ("portolan_api_requests_total", &[("subresource", "status"), ("identity", "controller")]),
        ("portolan_api_requests_total", &[("verb", "watch"), ("resource", "workloads")]),
        ("portolan_api_requests_total", &[("resource", "leases"), ("code", "200")]),
        ("portolan_api_requests_total", &[("resource", "events"), ("verb", "create")]),
        ("portolan_git_operations_total", &[("operation", "push"), ("outcome", "success")]),
        ("portolan_git_pushed_branches_total", &[("outcome", "accepted")]),
        ("portolan_image_pushes_total", &[("outcome", "success")]),
        ("portolan_artifact_store_entries", &[]),
    ];
    for (name, labels) in some {
        ensure!(all.sum(name, labels) >= 1.0, "{name} {labels:?}: {:?}", all.0.get(name));
    }
    let none: [(&str, &[(&str, &str)]); 4] = [
        ("portolan_reconciles_total", &[("result", "panic")]),
        ("portolan_api_unreachable_seconds", &[]),
        ("portolan_watches", &[("state", "forbidden")]),
        ("portolan_git_worker_losses_total", &[]),
    ];
    for (name, labels) in none {
        ensure!(all.sum(name, labels) == 0.0, "{name} {labels:?}: {:?}", all.0.get(name));
    }
    for lease in ["portolan-workloads", "portolan-deliverables"] {
        let held = all.sum("portolan_leader", &[("lease", lease)]);
        ensure!((1.0..2.0).contains(&held), "{lease} is held by {held}");
    }
    Ok(())
}

/// Labels hold neither names of objects nor addresses.
fn nobody_is_named(landscape: &Landscape, all: &Metrics) -> Result<()> {
    let host = landscape.forge.base_url();
    let host = host.trim_start_matches("http://").trim_end_matches('/');
    let registry = landscape.registry.host();
    let namespaces: Vec<&str> = landscape.members().map(|m| m.namespace.as_str()).collect();
    for (name, family) in &all.0 {
        for value in family.series.iter().flat_map(|series| series.labels.values()) {
            for secret in [APP, TEAM, host, &registry, "://"] {
                ensure!(!value.contains(secret), "{name} has a label {value}");
            }
            ensure!(!namespaces.contains(&value.as_str()), "{name} has a label {value}");
        }
    }
    Ok(())
}
