//! What a program has to have before it works: its definitions and watches, its cluster's name, its
//! folder, its host.

use std::path::PathBuf;
use std::time::Duration;

use portolan_cluster::{Caches, Cluster, Kinds, Selection};
use portolan_plan::object::Gvk;
use tokio_util::sync::CancellationToken;

use super::{Role, StartError, local};
use crate::kinds::{definition, ours, service_account, templates};
use crate::settings::Settings;

/// Time between two looks for definitions that are not installed yet.
const DEFINITIONS: Duration = Duration::from_secs(2);

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
pub(super) async fn definitions(role: Role, kinds: &Kinds, stop: &CancellationToken) -> bool {
    loop {
        let read = tokio::select! {
            read = kinds.refresh() => read,
            () = stop.cancelled() => return false,
        };
        let missing: Vec<String> = match read {
            Ok(()) => needed(role)
                .into_iter()
                .filter(|g| kinds.get(g).is_none())
                .map(|g| g.kind)
                .collect(),
            Err(error) => vec![error],
        };
        if missing.is_empty() {
            return true;
        }
        tracing::warn!(missing = missing.join(", "), "waiting for definitions: apply config/crd");
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
    stop: &CancellationToken,
) -> Option<String> {
    if let Some(name) = &settings.cluster_name {
        return Some(name.clone());
    }
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
