//! Requests are told of: what was asked, as whom, and what came of it; and whether the server answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use portolan_cluster::{ApplyOptions, Asked, Caches, Cluster, Kinds, Observer, Selection};
use portolan_plan::object::{Gvk, ServedKind};
use portolan_plan::outcome::{Expect, Identity};
use serde_json::json;
use tokio::time::timeout;

use crate::server::Server;

/// Keeps what it hears as lines.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no test panics while it tells"))
    }
}

impl Observer for Heard {
    fn asked(&self, asked: &Asked<'_>) {
        let Asked { verb, group, resource, subresource, .. } = asked;
        let line = format!(
            "{verb} {group}/{resource}/{subresource} account={} code={:?} wrote={}",
            asked.impersonated,
            asked.code,
            asked.has_written()
        );
        self.0.lock().expect("no test panics while it tells").push(line);
    }
}

fn lab() -> (Server, Arc<Heard>, Cluster) {
    let (server, heard) = (Server::new(), Arc::new(Heard::default()));
    let cluster = server.cluster().observed(Arc::clone(&heard) as Arc<dyn Observer>);
    (server, heard, cluster)
}

fn config_map() -> ServedKind {
    ServedKind { gvk: Gvk::new("v1", "ConfigMap"), plural: "configmaps".into(), namespaced: true }
}

#[tokio::test(start_paused = true)]
async fn writes_reads_and_watches_are_told_apart() {
    let (_server, heard, cluster) = lab();
    let (caches, _changes) = Caches::new(cluster.clone());
    caches.ensure(&config_map(), &Selection::default());
    caches.synced(&config_map().gvk, &Selection::default()).await;
    let account = Identity { namespace: "dev".into(), name: "team".into() };
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "canary", "namespace": "dev"}});
    for dry_run in [false, true] {
        let options = ApplyOptions { manager: "test", dry_run, owner: None };
        // What it answers is no object; it was asked all the same.
        let _ = cluster.apply(&account, &config_map(), &object, &Expect::Absent, options).await;
    }
    let _ = cluster.get(&account, &config_map(), "dev", "canary").await;
    let told = heard.take();
    for line in [
        "list /configmaps/ account=false code=Some(200) wrote=false",
        "apply /configmaps/ account=true code=Some(200) wrote=true",
        "dry_run /configmaps/ account=true code=Some(200) wrote=false",
        "get /configmaps/ account=true code=Some(200) wrote=false",
    ] {
        assert!(told.iter().any(|told| told == line), "{line} in {told:?}");
    }
    assert!(!told.concat().contains("canary"), "no object is named: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_waits_for_any_more_is_told_without_an_answer() {
    let (server, heard, cluster) = lab();
    assert_eq!(cluster.contact().lost_since(), None);
    server.becomes(|manner| manner.hangs = true);
    let kinds = Kinds::new(cluster.clone());
    assert!(timeout(Duration::from_secs(5), kinds.refresh()).await.is_err());
    let told = heard.take();
    assert_eq!(told, ["get /discovery/ account=false code=None wrote=false"]);
    assert!(cluster.contact().lost_since().is_some());
    server.becomes(|manner| manner.hangs = false);
    let _ = kinds.refresh().await;
    assert_eq!(cluster.contact().lost_since(), None, "it answers again");
}
