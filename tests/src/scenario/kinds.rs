//! The kinds that the API server of a scenario serves.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use portolan_plan::choreography::{KindState, WatchState};
use portolan_plan::object::{Gvk, ServedKind};
use serde_json::Value;

use super::script::{KindLine, Watch};

/// A kind and how the server treats its objects.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) kind: ServedKind,
    pub(super) watch: WatchState,
    /// Laid over every object that is written.
    pub(super) server_sets: Option<Value>,
}

impl Served {
    /// Whether objects have a generation and a status of their own: all but the plain core kinds.
    pub(super) fn has_status(&self) -> bool {
        !["ConfigMap", "Secret", "ServiceAccount"].contains(&self.kind.gvk.kind.as_str())
    }
}

/// Every kind served.
#[derive(Clone, Debug)]
pub(super) struct ServedKinds(BTreeMap<Gvk, Served>);

/// `apiVersion`, kind, plural and whether objects live in a namespace.
const BUILT_IN: [(&str, &str, &str, bool); 21] = [
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Secret", "secrets", true),
    ("v1", "Service", "services", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("test.run/v1alpha1", "Test", "tests", true),
    ("carto.run/v1alpha1", "Workload", "workloads", true),
    ("carto.run/v1alpha1", "Deliverable", "deliverables", true),
    ("carto.run/v1alpha1", "Runnable", "runnables", true),
    ("carto.run/v1alpha1", "ClusterSupplyChain", "clustersupplychains", false),
    ("carto.run/v1alpha1", "ClusterDelivery", "clusterdeliveries", false),
    ("carto.run/v1alpha1", "ClusterSourceTemplate", "clustersourcetemplates", false),
    ("carto.run/v1alpha1", "ClusterImageTemplate", "clusterimagetemplates", false),
    ("carto.run/v1alpha1", "ClusterConfigTemplate", "clusterconfigtemplates", false),
    ("carto.run/v1alpha1", "ClusterTemplate", "clustertemplates", false),
    ("carto.run/v1alpha1", "ClusterDeploymentTemplate", "clusterdeploymenttemplates", false),
    ("carto.run/v1alpha1", "GitSource", "gitsources", true),
    ("carto.run/v1alpha1", "SourceImage", "sourceimages", true),
    ("carto.run/v1alpha1", "GitWriter", "gitwriters", true),
    ("carto.run/v1alpha1", "GitDeployment", "gitdeployments", true),
    ("carto.run/v1alpha1", "Verification", "verifications", true),
];

impl ServedKinds {
    /// The kinds that every scenario has.
    pub(super) fn built_in() -> Self {
        let kinds = BUILT_IN.map(|(api_version, kind, plural, namespaced)| {
            let gvk = Gvk::new(api_version, kind);
            let kind = ServedKind { gvk: gvk.clone(), plural: plural.into(), namespaced };
            (gvk, Served { kind, watch: WatchState::Synced, server_sets: None })
        });
        Self(kinds.into())
    }

    /// Serves kinds as these lines say.
    pub(super) fn serve(&mut self, lines: &[KindLine]) {
        for line in lines {
            let gvk = Gvk::new(&line.api_version, &line.kind);
            if !line.served {
                self.0.remove(&gvk);
                continue;
            }
            let plural =
                line.plural.clone().unwrap_or_else(|| format!("{}s", line.kind.to_lowercase()));
            let watch = match line.watch {
                Watch::Synced => WatchState::Synced,
                Watch::Pending => WatchState::Pending,
                Watch::Forbidden => WatchState::Forbidden,
            };
            let kind = ServedKind { gvk: gvk.clone(), plural, namespaced: line.namespaced };
            self.0.insert(gvk, Served { kind, watch, server_sets: line.server_sets.clone() });
        }
    }

    /// A kind by group, version and name.
    pub(super) fn get(&self, gvk: &Gvk) -> anyhow::Result<&Served> {
        let (kind, version) = (&gvk.kind, gvk.api_version());
        self.0.get(gvk).with_context(|| format!("the scenario serves no {kind} of {version:?}"))
    }

    /// The kind that a scenario calls by its name alone.
    pub(super) fn named(&self, name: &str) -> anyhow::Result<&Served> {
        let mut found = self.0.values().filter(|served| served.kind.gvk.kind == name);
        let first = found.next().with_context(|| format!("the scenario serves no kind {name}"))?;
        ensure!(found.next().is_none(), "several kinds are called {name}: write apiVersion");
        Ok(first)
    }

    /// The kinds as plans see them.
    pub(super) fn states(&self) -> BTreeMap<Gvk, KindState> {
        self.0
            .iter()
            .map(|(gvk, served)| {
                (gvk.clone(), KindState::Served(served.kind.clone(), served.watch.clone()))
            })
            .collect()
    }
}
