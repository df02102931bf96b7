//! Whom a kubeconfig makes you, and what the audit log says you did.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use portolan_testbed::audit::{besides_watches_and_leases, writes_by_user};
use portolan_testbed::{ControlPlane, Options, wait};
use serde_json::{from_value, json};

const DEADLINE: Duration = Duration::from_mins(2);
const ROBOT: &str = "system:serviceaccount:default:robot";

async fn start(name: &str) -> ControlPlane {
    ControlPlane::start(Options { name: name.into(), ..Options::default() }).await.unwrap()
}

fn map(name: &str) -> ConfigMap {
    from_value(json!({ "metadata": { "name": name } })).unwrap()
}

fn maps(client: Client) -> Api<ConfigMap> {
    Api::namespaced(client, "default")
}

/// A service account that may do everything, and a client that has nothing but its token.
async fn robot(cluster: &ControlPlane) -> Client {
    let admin = cluster.client().unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(admin.clone(), "default");
    let robot = from_value(json!({ "metadata": { "name": "robot" } })).unwrap();
    accounts.create(&PostParams::default(), &robot).await.unwrap();
    let bindings: Api<ClusterRoleBinding> = Api::all(admin);
    let binding = json!({
        "metadata": { "name": "robot" },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin",
        },
        "subjects": [{ "kind": "ServiceAccount", "namespace": "default", "name": "robot" }],
    });
    bindings.create(&PostParams::default(), &from_value(binding).unwrap()).await.unwrap();
    let hour = Duration::from_hours(1);
    let file = cluster.service_account_kubeconfig("default", "robot", cluster.dir(), hour).await;
    let file = file.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("token") && !text.contains("client-key-data"));
    let client = client_of(&file).await;
    // RBAC answers from a cache: wait until the binding counts.
    let maps = maps(client.clone());
    wait::until("the robot's rights", DEADLINE, async || {
        maps.list(&ListParams::default()).await.ok().map(|_| ())
    })
    .await
    .unwrap();
    client
}

#[tokio::test]
async fn a_service_accounts_requests_are_all_in_the_log() {
    let cluster = start("audit").await;
    let client = robot(&cluster).await;
    let review: SelfSubjectReview = from_value(json!({ "metadata": {} })).unwrap();
    let reviewed = Api::all(client.clone()).create(&PostParams::default(), &review).await.unwrap();
    let user = reviewed.status.unwrap().user_info.unwrap().username;
    assert_eq!(user.as_deref(), Some(ROBOT));

    let log = cluster.audit();
    let mark = log.settle().await.unwrap();
    let maps = maps(client);
    for name in ["one", "two", "three"] {
        maps.create(&PostParams::default(), &map(name)).await.unwrap();
    }
    let apply = Patch::Apply(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "one" }, "data": { "a": "b" },
    }));
    maps.patch("one", &PatchParams::apply("robot"), &apply).await.unwrap();
    maps.delete("two", &DeleteParams::default()).await.unwrap();
    maps.get("three").await.unwrap();
    assert!(maps.create(&PostParams::default(), &map("three")).await.is_err(), "exists already");
    let end = log.settle().await.unwrap();

    let entries = log.requests(mark).unwrap();
    let mine: Vec<_> = entries.into_iter().filter(|entry| entry.user == ROBOT).collect();
    let seen: Vec<_> =
        mine.iter().map(|entry| (entry.verb.as_str(), entry.name.as_str(), entry.code)).collect();
    let expected = [
        ("create", "one", 201),
        ("create", "two", 201),
        ("create", "three", 201),
        ("patch", "one", 200),
        ("delete", "two", 200),
        ("get", "three", 200),
        ("create", "three", 409),
    ];
    assert_eq!(seen, expected);
    assert!(
        mine.iter().all(|entry| entry.resource == "configmaps" && entry.namespace == "default")
    );
    let writes = writes_by_user(&mine)[ROBOT];
    assert_eq!((writes.objects, writes.events), (6, 0));
    assert_eq!(besides_watches_and_leases(&mine).len(), 7);
    assert!(log.requests(end).unwrap().iter().all(|entry| entry.user != ROBOT));
}

#[tokio::test]
async fn users_have_no_rights_of_their_own_and_impersonation_shows_both() {
    let cluster = start("users").await;
    let jane = cluster.user_kubeconfig("jane", Some("team"), cluster.dir()).unwrap();
    let refused = maps(client_of(&jane).await).get("one").await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 403));
    let mut config = config_of(&cluster.kubeconfig()).await;
    config.auth_info.impersonate = Some("tom".into());
    assert!(maps(Client::try_from(config).unwrap()).get("one").await.is_err());

    let log = cluster.audit();
    log.settle().await.unwrap();
    let entries = log.requests(portolan_testbed::Mark::default()).unwrap();
    let actors: BTreeSet<_> =
        entries.iter().map(|entry| (entry.user.as_str(), entry.actor())).collect();
    assert!(actors.contains(&("jane", "jane")), "{actors:?}");
    assert!(actors.contains(&("admin", "tom")), "{actors:?}");
}

async fn config_of(kubeconfig: &Path) -> Config {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap()
}

async fn client_of(kubeconfig: &Path) -> Client {
    Client::try_from(config_of(kubeconfig).await).unwrap()
}
