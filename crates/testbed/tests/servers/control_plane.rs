//! Real control planes: Deployments on a fake node, service accounts, the audit log, outages.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use portolan_testbed::{ControlPlane, Options, kubectl, wait};
use serde_json::{Value, from_value, json};

const DEADLINE: Duration = Duration::from_mins(2);

fn named(name: &str) -> Options {
    Options { name: name.into(), ..Options::default() }
}

fn deployment(name: &str, cpu: &str) -> Deployment {
    from_value(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{
                    "name": "app",
                    "image": "registry.test/app:1",
                    "resources": { "requests": { "cpu": cpu } },
                }] },
            },
        },
    }))
    .unwrap()
}

fn has_condition(status: &Value, kind: &str, value: &str) -> bool {
    let conditions = status["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| one["type"] == kind && one["status"] == value)
}

#[tokio::test]
async fn deployments_come_to_life_and_one_that_is_too_big_waits() {
    let options = Options { nodes: true, ..named("nodes") };
    let cluster = ControlPlane::start(options).await.unwrap();
    let client = cluster.client().unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    for (name, cpu) in [("fits", "100m"), ("too-big", "64")] {
        deployments.create(&PostParams::default(), &deployment(name, cpu)).await.unwrap();
    }
    wait::until("the small Deployment to be available", DEADLINE, async || {
        let status = serde_json::to_value(deployments.get("fits").await.ok()?.status).ok()?;
        has_condition(&status, "Available", "True").then_some(())
    })
    .await
    .unwrap();
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    wait::until("the scheduler to give up on the big one", DEADLINE, async || {
        let big = pods.list(&ListParams::default().labels("app=too-big")).await.ok()?;
        let status = serde_json::to_value(big.items.first()?.status.as_ref()?).ok()?;
        let pending = status["phase"] == "Pending";
        (pending && has_condition(&status, "PodScheduled", "False")).then_some(())
    })
    .await
    .unwrap();

    let listed = kubectl(&cluster, &["get", "nodes", "-o", "name"]).await.unwrap();
    assert_eq!(listed.trim(), "node/node-1");

    // With controllers a namespace comes with its account and goes when it is deleted.
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let dev: Namespace = from_value(json!({ "metadata": { "name": "dev" } })).unwrap();
    namespaces.create(&PostParams::default(), &dev).await.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(client, "dev");
    wait::until("the account of the namespace", DEADLINE, async || {
        accounts.get_opt("default").await.ok()?
    })
    .await
    .unwrap();
    namespaces.delete("dev", &DeleteParams::default()).await.unwrap();
    wait::until("the namespace to be gone", DEADLINE, async || {
        namespaces.get_opt("dev").await.ok()?.is_none().then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_api_server_comes_back_on_the_same_data_and_port() {
    let cluster = ControlPlane::start(named("outage")).await.unwrap();
    let client = cluster.client().unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let map = from_value(json!({ "metadata": { "name": "kept" } })).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    let url = cluster.server_url();
    cluster.stop_api_server().await;
    assert!(maps.get("kept").await.is_err());
    cluster.start_api_server().await.unwrap();
    assert_eq!(cluster.server_url(), url);
    maps.get("kept").await.unwrap();
    assert!(cluster.kubeconfig().starts_with(cluster.dir()));
    let version = client.apiserver_version().await.unwrap();
    assert!(version.git_version.starts_with("v1."), "built without its version: {version:?}");
}
