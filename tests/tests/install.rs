//! What `config/` installs: a real API server takes it without a warning, its pods come under restricted
//! pod security, and two replicas share the work with the rights that are shipped.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::manifests::{parse, project};
use portolan_testbed::wait::until;
use portolan_testbed::{ControlPlane, Options, Process, kubectl, output, ports, programs};
use portolan_tests::world::DEADLINE;
use serde_json::Value;

const NAMESPACE: &str = "portolan-system";
const BASES: [(&str, &str); 2] =
    [("build-cluster", "portolan-supply-chain"), ("delivery-cluster", "portolan-delivery")];

/// A base as `kubectl apply -k` sees it.
fn base(name: &str) -> Vec<Value> {
    kustomize(&folder(name))
}

fn kustomize(folder: &Path) -> Vec<Value> {
    let mut kubectl = Command::new(programs::ensure("kubectl").expect("kubectl is built"));
    kubectl.arg("kustomize").arg(folder);
    parse(&output(&mut kubectl).expect("it is a kustomization")).expect("it is YAML")
}

fn folder(base: &str) -> PathBuf {
    project("config").join(base)
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Vec<&'a Value> {
    documents.iter().filter(|document| document["kind"] == kind).collect()
}

fn deployment(documents: &[Value]) -> &Value {
    of_kind(documents, "Deployment")[0]
}

/// Whether a selector by labels takes the pods of a Deployment; an empty one takes all.
fn takes(selector: &Value, deployment: &Value) -> bool {
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    selector.as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value)
}

fn port_names(deployment: &Value) -> BTreeSet<&str> {
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let ports = container["ports"].as_array().into_iter().flatten();
    ports.filter_map(|port| port["name"].as_str()).collect()
}

#[test]
fn services_policies_and_budgets_mean_the_pods() {
    for (name, program) in BASES {
        let documents = base(name);
        let deployment = deployment(&documents);
        let ports = port_names(deployment);
        assert_eq!(ports, BTreeSet::from(["artifacts", "health", "metrics"]), "{program}");
        for service in of_kind(&documents, "Service") {
            assert!(takes(&service["spec"]["selector"], deployment), "{service}");
            let port = service["spec"]["ports"][0]["targetPort"].as_str().unwrap();
            assert!(ports.contains(port), "{program} has no port {port}");
        }
        for policy in of_kind(&documents, "NetworkPolicy") {
            let selector = &policy["spec"]["podSelector"]["matchLabels"];
            assert!(takes(selector, deployment), "{policy}");
            let rules = policy["spec"]["ingress"].as_array().into_iter().flatten();
            for port in rules.flat_map(|rule| rule["ports"].as_array().into_iter().flatten()) {
                let port = port["port"].as_str().unwrap();
                assert!(ports.contains(port), "{program} has no port {port}");
            }
        }
        let budgets = of_kind(&documents, "PodDisruptionBudget");
        assert_eq!(budgets.len(), 1, "{name}");
        assert!(takes(&budgets[0]["spec"]["selector"]["matchLabels"], deployment));
        let replicas = deployment["spec"]["replicas"].as_u64().unwrap();
        assert!(budgets[0]["spec"]["minAvailable"].as_u64().unwrap() < replicas, "nodes drain");
        assert_eq!(deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
        let spread = &deployment["spec"]["template"]["spec"]["topologySpreadConstraints"][0];
        assert!(takes(&spread["labelSelector"]["matchLabels"], deployment));
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            assert_eq!(container[probe]["httpGet"]["port"], "health", "{program}: {probe}");
        }
    }
}

/// A policy that only allows is one that holds something back.
#[test]
fn nobody_comes_in_but_by_rule() {
    for (name, _) in BASES {
        let documents = base(name);
        let policies = of_kind(&documents, "NetworkPolicy");
        let closed = |policy: &&&Value| {
            policy["spec"]["podSelector"] == serde_json::json!({})
                && policy["spec"]["policyTypes"][0] == "Ingress"
                && policy["spec"]["ingress"].is_null()
        };
        assert_eq!(policies.iter().filter(closed).count(), 1, "{name}");
    }
}

/// The overlay of `docs/install.md`, word for word but for the place of the base.
#[test]
fn the_overlay_of_the_docs_sets_image_and_flags() {
    let page = std::fs::read_to_string(project("docs/install.md")).unwrap();
    let (_, overlay) = page.split_once("```yaml\napiVersion: kustomize").unwrap();
    let (overlay, _) = overlay.split_once("```").unwrap();
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::os::unix::fs::symlink(project("config"), scratch.path().join("config")).unwrap();
    let folder = scratch.path().join("overlays/staging");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("kustomization.yaml");
    std::fs::write(file, format!("apiVersion: kustomize{overlay}")).unwrap();
    let documents = kustomize(&folder);
    let container = &deployment(&documents)["spec"]["template"]["spec"]["containers"][0];
    let image = container["image"].as_str().unwrap();
    assert!(image.starts_with("registry.example/portolan@sha256:"), "{image}");
    let args: Vec<&str> = container["args"].as_array().unwrap().iter().map(text).collect();
    let shipped = base("delivery-cluster");
    let shipped = &deployment(&shipped)["spec"]["template"]["spec"]["containers"][0]["args"];
    let shipped: Vec<&str> = shipped.as_array().unwrap().iter().map(text).collect();
    let expected = [&shipped[..], &["--cluster-name=staging", "--allow-http=git.internal:3000"]];
    assert_eq!(args, expected.concat());
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_cluster_may_have_both_programs() {
    let options = Options { name: "install".into(), nodes: true, ..Options::default() };
    let plane = ControlPlane::start(options).await.unwrap();
    // The second base shares objects with the first, and the first is applied again: nobody conflicts.
    for name in ["build-cluster", "delivery-cluster", "build-cluster"] {
        apply(&plane, name).await.unwrap();
    }
    for (_, program) in BASES {
        pods_come(&plane, program).await.unwrap();
    }
    more_rights_are_refused(&plane).await.unwrap();
}

/// Applies a base as `docs/install.md` says; nothing is answered but what was applied.
async fn apply(plane: &ControlPlane, base: &str) -> Result<()> {
    let mut kubectl = Command::new(programs::program("kubectl").await?);
    kubectl.env("KUBECONFIG", plane.kubeconfig()).env("KUBECACHEDIR", plane.dir().join("cache"));
    kubectl.args(["apply", "--server-side", "-k"]).arg(folder(base));
    let out = kubectl.output()?;
    let errors = String::from_utf8_lossy(&out.stderr);
    ensure!(out.status.success(), "{base}: {errors}");
    ensure!(errors.trim().is_empty(), "{base} is applied with a warning: {errors}");
    Ok(())
}

/// The pods of a Deployment are let in, come up on a fake node and may be drained one by one.
async fn pods_come(plane: &ControlPlane, program: &str) -> Result<()> {
    until(&format!("two replicas of {program}"), DEADLINE, async || {
        let deployment = get(plane, &["deployment", program]).await.ok()?;
        let refused = deployment["status"]["conditions"].as_array()?.iter();
        assert!(refused.clone().all(|c| c["type"] != "ReplicaFailure"), "{deployment}");
        (deployment["status"]["availableReplicas"] == 2).then_some(())
    })
    .await?;
    until(&format!("a budget for {program}"), DEADLINE, async || {
        let budget = get(plane, &["poddisruptionbudget", program]).await.ok()?;
        (budget["status"]["disruptionsAllowed"] == 1).then_some(())
    })
    .await?;
    let label = format!("app.kubernetes.io/name={program}");
    let pods = get(plane, &["pods", "-l", &label]).await?;
    for pod in pods["items"].as_array().into_iter().flatten() {
        ensure!(pod["spec"]["containers"][0]["image"] == "portolan", "kustomize sets it: {pod}");
    }
    Ok(())
}

/// The namespace holds pods to what is `restricted`: the replicas are not let in by leniency.
async fn more_rights_are_refused(plane: &ControlPlane) -> Result<()> {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: root, namespace: portolan-system}, \
        spec: {containers: [{name: root, image: portolan}]}}";
    let file = plane.dir().join("root.yaml");
    std::fs::write(&file, pod)?;
    let file = file.to_str().context("a scratch folder has a plain name")?;
    let refused = kubectl(plane, &["create", "--dry-run=server", "-f", file]).await;
    let error = refused.err().context("a pod may be root")?.to_string();
    ensure!(error.contains("violates PodSecurity \"restricted:latest\""), "{error}");
    Ok(())
}

async fn get(plane: &ControlPlane, what: &[&str]) -> Result<Value> {
    let args = [&["--namespace", NAMESPACE, "get", "--output", "json"], what].concat();
    Ok(serde_json::from_str(&kubectl(plane, &args).await?)?)
}

#[tokio::test]
async fn replicas_share_the_work_with_the_rights_that_are_shipped() {
    let options = Options { name: "replicas".into(), controllers: true, ..Options::default() };
    let plane = ControlPlane::start(options).await.unwrap();
    for (name, program) in BASES {
        apply(&plane, name).await.unwrap();
        one_takes_over(&plane, name, program).await.unwrap();
    }
}

/// A replica that runs as the Deployment says, but for its addresses and its folder.
struct Replica {
    name: String,
    process: Process,
    health: String,
}

impl Replica {
    async fn start(plane: &ControlPlane, base_name: &str, program: &str, n: u8) -> Result<Self> {
        let name = format!("{program}-{n}");
        let folder = plane.dir().join(&name);
        std::fs::create_dir_all(&folder)?;
        let hour = std::time::Duration::from_hours(1);
        let kubeconfig =
            plane.service_account_kubeconfig(NAMESPACE, program, &folder, hour).await?;
        let documents = base(base_name);
        let container = &deployment(&documents)["spec"]["template"]["spec"]["containers"][0];
        let [health]: [u16; 1] = ports::several()?;
        let health = format!("127.0.0.1:{health}");
        let mut command = Command::new(portolan_tests::programs::folder()?.join(program));
        for arg in container["args"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let data = format!("--data-dir={}", folder.join("data").display());
            let arg = arg.replace("$(PORTOLAN_NAMESPACE)", NAMESPACE);
            command.arg(arg.replace("--data-dir=/data", &data));
        }
        for listener in ["--artifact-addr", "--metrics-addr"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        command.args(["--health-addr", &health]);
        command.env("KUBECONFIG", kubeconfig).env("PORTOLAN_NAMESPACE", NAMESPACE);
        command.env("HOSTNAME", &name);
        let process = Process::spawn(&name, command, &folder.join("log")).await?;
        Ok(Self { name, process, health })
    }

    /// Waits until it would get traffic.
    async fn ready(&self) -> Result<()> {
        let url = format!("http://{}/readyz", self.health);
        until(&format!("{} to be ready", self.name), DEADLINE, async || {
            let answer = reqwest::get(&url).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await
        .map_err(|error| self.process.failure(&error.to_string()))
    }

    /// Waits until it holds a lease.
    async fn holds(&self, plane: &ControlPlane, lease: &str) -> Result<()> {
        until(&format!("{} to hold {lease}", self.name), DEADLINE, async || {
            holder(plane, lease).await.ok()?.starts_with(&self.name).then_some(())
        })
        .await
    }
}

async fn holder(plane: &ControlPlane, lease: &str) -> Result<String> {
    let lease = get(plane, &["lease", lease]).await?;
    Ok(lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned())
}

/// Both replicas are ready, one of them holds the leases; when it is told to go the other one does.
async fn one_takes_over(plane: &ControlPlane, base: &str, program: &str) -> Result<()> {
    let own = if base == "build-cluster" { "portolan-workloads" } else { "portolan-deliverables" };
    let leases = [own, "portolan-shared"];
    let first = Replica::start(plane, base, program, 1).await?;
    first.ready().await?;
    for lease in leases {
        first.holds(plane, lease).await?;
    }
    let second = Replica::start(plane, base, program, 2).await?;
    second.ready().await?;
    first.ready().await?;
    for lease in leases {
        ensure!(holder(plane, lease).await?.starts_with(&first.name), "{lease} is not taken away");
    }
    first.process.terminate()?;
    ensure!(first.process.wait().await == 0, "{} does not end well", first.name);
    for lease in leases {
        second.holds(plane, lease).await?;
    }
    second.ready().await?;
    second.process.terminate()?;
    ensure!(second.process.wait().await == 0, "{} does not end well", second.name);
    Ok(())
}
