//! The fake node that Pods of a test come to life on.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::{from_value, json};

use crate::wait;

/// Creates the node and waits until Pods may be scheduled to it.
pub(super) async fn create(client: &Client, deadline: Duration) -> Result<()> {
    let size = json!({ "cpu": "16", "memory": "32Gi", "pods": "110" });
    let node: Node = from_value(json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": "node-1",
            "annotations": { "kwok.x-k8s.io/node": "fake" },
            "labels": {
                "kubernetes.io/hostname": "node-1",
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
            },
        },
        "status": { "capacity": size, "allocatable": size },
    }))?;
    let nodes: Api<Node> = Api::all(client.clone());
    nodes.create(&PostParams::default(), &node).await.context("creating the fake node")?;
    wait::until("the fake node to be ready", deadline, async || {
        let node = nodes.get("node-1").await.ok()?;
        let ready = node.status?.conditions?.into_iter().find(|one| one.type_ == "Ready")?;
        let tainted = node.spec?.taints.is_some_and(|taints| !taints.is_empty());
        (ready.status == "True" && !tainted).then_some(())
    })
    .await
}

/// Waits until the controllers have made the account that Pods of the default namespace run as.
pub(super) async fn accounts(client: &Client, deadline: Duration) -> Result<()> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    wait::until("the default service account", deadline, async || {
        accounts.get_opt("default").await.ok()?.map(|_| ())
    })
    .await
}
