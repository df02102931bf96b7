//! What a program has to have before it works: its definitions and watches, its cluster's name, its
//! folder, its host.

use std::path::PathBuf;
use std::time::Duration;

use portolan_cluster::{Caches, Cluster, Kinds, Selection};
use portolan_plan::object::Gvk;
use tokio_util::sync::CancellationToken;

use super::{Role, StartError, local};
use crate::http::Health;
use crate::kinds::{definition, ours, service_account, templates};
use crate::settings::Settings;

/// Time between two looks for definitions that are not installed yet.
const DEFINITIONS: Duration = Duration::from_secs(2);

/// Time between two looks whether the API server is back.
const PROBE: Duration = Duration::from_secs(2);

/// The kinds that a program cannot do without.
fn needed(role: Role) -> Vec<Gvk> {
    let owner = role.owner();
    let mut kinds = vec![ours(owner.name()), ours(owner.blueprint_kind())];
    kinds.extend(templates(owner).iter().map(|kind| ours(kind.name())));
    kinds.extend(role.natives().iter().map(|kind| ours(kind)));
    kinds
}

/// Starts the watches of a program.
pub(super) fn watch(role: Role, caches: &Caches, kinds: &Kinds) -> Vec<(Gvk, Selection)> {
    let mut watches: Vec<(Gvk, Selection)> =
        needed(role).into_iter().map(|gvk| (gvk, Selection::default())).collect();
    watches.push((service_account(), Selection::metadata()));
    watches.push((definition(), Selection::metadata()));
    for (gvk, selection) in &watches {
        if let Some(kind) = kinds.get(gvk) {
            caches.keep(&kind, selection);
        }
    }
    watches
}

/// Waits until the API server serves what the program needs; false when it is stopped before.
pub(super) async fn definitions(
    role: Role,
    kinds: &Kinds,
    health: &Health,
    stop: &CancellationToken,
) -> bool {
    loop {
        let read = tokio::select! {
            read = kinds.refresh() => read,
            () = stop.cancelled() => return false,
        };
        match read {
            Ok(()) => {
                let missing = needed(role).into_iter().filter(|gvk| kinds.get(gvk).is_none());
                let missing: Vec<String> = missing.map(|gvk| gvk.kind).collect();
                if missing.is_empty() {
                    return true;
                }
                let missing = missing.join(", ");
                tracing::warn!(missing, "waiting for definitions: apply config/crd");
                health.waits_for(format!("definitions: apply config/crd to have {missing}"));
            }
            Err(error) => {
                tracing::warn!(error, "waiting for the API server");
                health.waits_for(format!("the API server: {error}"));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(DEFINITIONS) => {}
            () = stop.cancelled() => return false,
        }
    }
}

/// The cluster's name; waits for the API server to answer.
pub(super) async fn name(
    cluster: &Cluster,
    settings: &Settings,
    health: &Health,
    stop: &CancellationToken,
) -> Option<String> {
    if let Some(name) = &settings.cluster_name {
        return Some(name.clone());
    }
    health.waits_for("the API server, to learn the cluster's name");
    loop {
        let told = tokio::select! {
            told = cluster.default_name() => told,
            () = stop.cancelled() => return None,
        };
        match told {
            Ok(name) => return Some(name),
            Err(error) => tracing::warn!(%error, "waiting for the API server"),
        }
        tokio::select! {
            () = tokio::time::sleep(DEFINITIONS) => {}
            () = stop.cancelled() => return None,
        }
    }
}

/// Asks the API server for a sign of life while it is not known to answer: who waits for a lease asks
/// nothing else for minutes.
pub(super) async fn keep_in_contact(cluster: Cluster, stop: CancellationToken) {
    loop {
        if cluster.contact().lost_since().is_some() {
            cluster.probe().await;
        }
        tokio::select! {
            () = tokio::time::sleep(PROBE) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// The data folder, and its guard where it is a temporary one.
pub(super) fn data_dir(
    settings: &Settings,
) -> Result<(PathBuf, Option<tempfile::TempDir>), StartError> {
    if let Some(dir) = &settings.data_dir {
        std::fs::create_dir_all(dir)
            .map_err(local(format!("the data folder {}", dir.display())))?;
        return Ok((dir.clone(), None));
    }
    let scratch = tempfile::Builder::new()
        .prefix("portolan-")
        .tempdir()
        .map_err(local("a temporary data folder"))?;
    Ok((scratch.path().into(), Some(scratch)))
}

pub(super) fn hostname() -> String {
    let name = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    name.or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map_or_else(|| "portolan".into(), |name| name.trim().to_owned())
}
