//! Real nodes in rooms: pods run, and rooms reach the outside and not each other.

use std::path::Path;
use std::time::Duration;

use portolan_testbed::landscape::{Images, Nodes};
use portolan_testbed::manifests::{apply, parse};
use portolan_testbed::room::{self, Missing, OUTSIDE};
use portolan_testbed::{ControlPlane, Options, Registry, kubectl, tools, wait};

const DEADLINE: Duration = Duration::from_mins(3);
const TEST: &str = "real_node::pods_run_and_rooms_are_apart";

/// A pod of the base image, whose page is a file of a ConfigMap.
const WEB: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {index.html: "hello from a pod"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: REGISTRY/base/httpd:1
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}}
          volumeMounts: [{name: page, mountPath: /site}]
      volumes: [{name: page, configMap: {name: page}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  clusterIP: 10.0.0.77
  ports: [{port: 80, targetPort: http}]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn pods_run_and_rooms_are_apart() {
    if !room::is_outside() {
        match room::missing() {
            // `make test` says so in its last lines.
            Some(Missing::Root | Missing::Refused(_)) => {}
            Some(missing) => panic!("{missing}"),
            None => {
                let arguments = ["--exact", TEST, "--nocapture"].map(Into::into);
                assert_eq!(room::enter(arguments).unwrap(), 0, "it passes outside");
            }
        }
        return;
    }
    let registry = Registry::start_at(OUTSIDE).await.unwrap();
    let images = Images::push(&registry, Nodes::Real).await.unwrap();
    let start = async |number: u8, name: &str| {
        let real = images.real_node(&registry, number);
        let options = Options { name: name.into(), controllers: true, real, ..Options::default() };
        ControlPlane::start(options).await.unwrap()
    };
    let (one, two) = tokio::join!(start(1, "one"), start(2, "two"));

    let web = parse(&WEB.replace("REGISTRY", &registry.host())).unwrap();
    apply(&one.client().unwrap(), "default", &web).await.unwrap();
    wait::until("the pod to be ready", DEADLINE, async || {
        let available = "jsonpath={.status.availableReplicas}";
        let found = kubectl(&one, &["get", "deployment", "web", "-o", available]).await.ok()?;
        (found == "1").then_some(())
    })
    .await
    .unwrap();
    let wget = async |cluster: &ControlPlane, url: &str| {
        let mut wget = cluster.room().unwrap().command(Path::new("/bin/busybox"));
        // What nobody forwards is never answered.
        wget.args(["timeout", "5", "/bin/busybox", "wget", "-q", "-O", "-", url]);
        tools::run(wget).await
    };
    assert_eq!(wget(&one, "http://10.0.0.77/").await.unwrap(), "hello from a pod", "the Service");
    for cluster in [&one, &two] {
        wget(cluster, &format!("http://{}/v2/", registry.host())).await.unwrap();
    }
    wget(&two, "http://10.99.1.2:10250/").await.expect_err("no way from room to room");
    wget(&two, "http://10.244.1.2:8080/").await.expect_err("no way to another room's pods");
}
