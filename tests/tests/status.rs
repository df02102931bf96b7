//! `portolan status` on real clusters: a request that waits, a deployment that breaks, a chain without
//! its template beside a healthy one, and people who may see only a part.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use http::Method;
use portolan_testbed::landscape::{APP, CONFIG, Example, Landscape, Member, Plan, TEAM};
use portolan_testbed::manifests::parse;
use portolan_testbed::programs::ensure as program;
use portolan_testbed::story::{Environment, maintainer};
use portolan_testbed::wait::until;
use portolan_tests::changes::{push_version, set_cpu};
use portolan_tests::forge::open_request;
use portolan_tests::history::record;
use portolan_tests::world::{DEADLINE, condition, ready};
use serde_json::{Value, json};

#[tokio::test]
async fn people_are_told_where_things_stand_and_what_holds_them() {
    let plan = Plan { example: Example::PullRequests, ..Plan::default() };
    let landscape = Landscape::start(plan, &|_| {}).await.expect("it starts");
    requests_wait(&landscape).await.expect("requests are told as waiting");
    the_broken_beside_the_healthy(&landscape).await.expect("each is told for itself");
    rights(&landscape).await.expect("people see what they may");
    a_deployment_breaks(&landscape).await.expect("the one cause is told");
    one_kind_only(&landscape.build).await.expect("a cluster may serve one kind only");
}

/// What the command said.
#[derive(Debug)]
struct Told {
    code: i32,
    out: String,
    err: String,
}

impl Told {
    fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.out).with_context(|| format!("{self:?}"))
    }

    fn has(&self, code: i32, parts: &[&str]) -> Result<()> {
        ensure!(self.code == code, "{self:?}");
        ensure!(!self.out.contains('\u{1b}'), "colours without a terminal: {self:?}");
        let told = flat(&format!("{}\n{}", self.out, self.err));
        for part in parts {
            ensure!(told.contains(&flat(part)), "no {part:?} in\n{}{}", self.out, self.err);
        }
        Ok(())
    }
}

/// A text as if it had not been broken into lines, without the lines of a picture.
fn flat(text: &str) -> String {
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs a program that was built beside this test with nothing in its environment but a kubeconfig.
fn run(name: &str, kubeconfig: &Path, arguments: &[&str]) -> Result<Told> {
    let path = portolan_tests::programs::folder()?.join(name);
    let mut command = Command::new(path);
    command.arg("status").args(arguments).env_clear().env("KUBECONFIG", kubeconfig);
    let out = command.output()?;
    Ok(Told {
        code: out.status.code().context("the program was ended")?,
        out: String::from_utf8(out.stdout)?,
        err: String::from_utf8(out.stderr)?,
    })
}

fn status(member: &Member, arguments: &[&str]) -> Result<Told> {
    run("portolan", &member.plane.kubeconfig(), arguments)
}

/// What the command says once it says all of these.
async fn status_once(member: &Member, arguments: &[&str], parts: &[&str]) -> Result<Told> {
    until(&format!("status to tell {parts:?}"), DEADLINE, async || {
        let told = status(member, arguments).ok()?;
        parts.iter().all(|part| told.out.contains(part)).then_some(told)
    })
    .await
}

/// The owners in what was printed for programs, by `namespace/name`.
fn owner<'a>(told: &'a Value, name: &str) -> Result<&'a Value> {
    let owners = told["owners"].as_array().context("owners")?;
    let named = |owner: &&Value| {
        format!(
            "{}/{}",
            owner["namespace"].as_str().unwrap_or(""),
            owner["name"].as_str().unwrap_or("")
        ) == name
    };
    owners.iter().find(named).with_context(|| format!("no {name} in {told:#}"))
}

/// Waits for the request that brings a source commit into an environment; returns its number.
async fn offered(landscape: &Landscape, environment: &str, source: &str) -> Result<i64> {
    let branch = format!("{environment}-{APP}");
    until(&format!("a request into {environment}"), DEADLINE, async || {
        let tip = landscape.forge.branch_tip(TEAM, CONFIG, &branch).await.ok()??;
        let written = record(landscape, APP, &tip).await.ok()?.provenance;
        let image = landscape.build.own("SourceImage", APP).await.ok()?["status"].take();
        let is_built = image["builtFrom"]["revision"] == source
            && image["latestImage"].as_str() == written.image.as_deref();
        let request = open_request(&landscape.forge, &branch, environment).await.ok()?;
        // The forge follows a push a moment later; who approves looks at what was pushed.
        let is_newest =
            written.source?.revision == source && request["head"]["sha"] == tip.as_str();
        (is_built && is_newest).then_some(request["number"].as_i64())?
    })
    .await
}

/// Approves a request into staging and merges it, as its maintainer does; anew where the forge drops the
/// approval, which it does a moment after a push.
async fn take_in(landscape: &Landscape, number: i64) -> Result<()> {
    let (forge, number) = (&landscape.forge, u64::try_from(number)?);
    let login = maintainer(landscape, Environment::Staging);
    let path = format!("/repos/{TEAM}/{CONFIG}/pulls/{number}/merge");
    until(&format!("request {number} to be merged"), DEADLINE, async || {
        let head = forge.request_of(TEAM, CONFIG, number).await.ok()?.head;
        forge.approve(&login, TEAM, CONFIG, number, &head).await.ok()?;
        let body = json!({"do": "squash", "head_commit_id": head});
        let (code, _) = forge.api_as(&login, Method::POST, &path, Some(body)).await.ok()?;
        (code == 200).then_some(())
    })
    .await
}

/// Waits until an owner is ready and its writer says that its request waits.
async fn waits(member: &Member, kind: &str, writer: &str, number: i64) -> Result<()> {
    ready(member, kind, APP, "True", "Ready").await?;
    until(&format!("request #{number} to be told"), DEADLINE, async || {
        let writer = member.own("GitWriter", writer).await.ok()?;
        let told = condition(&writer, "Merged").2.contains(&format!("request #{number} "));
        (told && writer["status"]["pullRequest"]["number"] == number).then_some(())
    })
    .await
}

async fn requests_wait(landscape: &Landscape) -> Result<()> {
    let source = push_version(landscape, 1).await?;
    let number = offered(landscape, "staging", &source).await?;
    waits(&landscape.build, "Workload", APP, number).await?;
    let told = status_once(&landscape.build, &["-n", "dev"], &["AwaitingMerge"]).await?;
    told.has(
        0,
        &[
            "◐ Workload dev/shop   supply chain source-to-staging   ready, waits to be merged since",
            &format!("source ● {}  GitSource shop, branch main, version 1", &source[..12]),
            &format!("branch staging-shop, request #{number} open"),
            &format!("AwaitingMerge: request #{number} waits for people: http://"),
            "→ review it and merge it on the forge",
            "1 to be merged; times in UTC",
        ],
    )?;
    take_in(landscape, number).await?;
    ready(&landscape.build, "GitWriter", APP, "True", "Succeeded").await?;
    let promotion = offered(landscape, "production", &source).await?;
    waits(&landscape.staging, "Deliverable", "shop-to-production", promotion).await?;
    let arguments = ["-n", "staging", "-o", "json"];
    let told = status_once(&landscape.staging, &arguments, &["AwaitingMerge"]).await?;
    ensure!(told.code == 0, "{told:?}");
    let json = told.json()?;
    let shop = owner(&json, "staging/shop")?;
    ensure!(
        shop["state"] == "unmerged" && shop["blueprint"] == "deploy-verify-promote",
        "{shop:#}"
    );
    let states: Vec<&str> = shop["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|step| step["state"].as_str())
        .collect();
    ensure!(states == ["ready", "ready", "ready", "unmerged"], "{shop:#}");
    let last = &shop["steps"][3];
    ensure!(
        last["request"]["number"] == promotion && last["branch"] == "production-shop",
        "{last:#}"
    );
    let tip = landscape.forge.branch_tip(TEAM, CONFIG, "staging").await?.context("a tip")?;
    ensure!(shop["steps"][1]["revision"] == tip.as_str(), "{shop:#}");
    Ok(())
}

const BROKEN: &str = r"
apiVersion: v1
kind: Namespace
metadata: {name: lab}
---
apiVersion: carto.run/v1alpha1
kind: ClusterSupplyChain
metadata: {name: half-made}
spec:
  selector: {type: half-made}
  resources:
    - name: source
      templateRef: {kind: ClusterSourceTemplate, name: source-from-nowhere}
---
apiVersion: carto.run/v1alpha1
kind: Workload
metadata: {name: tool, namespace: lab, labels: {type: half-made}}
spec: {source: {git: {url: 'https://git.example/demo/tool.git', ref: {branch: main}}}}
---
apiVersion: carto.run/v1alpha1
kind: Workload
metadata: {name: lost, namespace: lab, labels: {type: wbe}}
spec: {source: {git: {url: 'https://git.example/demo/tool.git', ref: {branch: main}}}}
";

async fn the_broken_beside_the_healthy(landscape: &Landscape) -> Result<()> {
    let build = &landscape.build;
    build.apply(&parse(BROKEN)?).await?;
    let parts = ["TemplatesNotFound", "SupplyChainNotFound", "shop   supply chain", "ready since"];
    let told = status_once(build, &["-A"], &parts).await?;
    told.has(
        1,
        &[
            "● Workload dev/shop   supply chain source-to-staging   ready since",
            "✗ Workload lab/tool   supply chain half-made   held since",
            "did not find the template of the resource(s) [source]",
            "→ create ClusterSourceTemplate source-from-nowhere",
            "✗ Workload lab/lost   held since",
            "half-made selects by type=half-made",
            "1 ready, 2 held; times in UTC",
        ],
    )?;
    let all: Vec<&str> = told.out.lines().filter(|line| line.contains(" Workload ")).collect();
    ensure!(all.len() == 3, "{}", told.out);
    // One by its name, under the name by which kubectl finds it, with every step.
    let kubeconfig = build.plane.kubeconfig();
    let named = run("kubectl-portolan", &kubeconfig, &["workload/shop", "-n", "dev"])?;
    named.has(
        0,
        &["    source ● ", "     write ● ", "request #1 merged", "1 ready; times in UTC"],
    )?;
    ensure!(!named.out.contains("lab/"), "{named:?}");
    let nobody = run("portolan", &kubeconfig, &["nobody", "-n", "dev"])?;
    nobody.has(2, &["error: no Workload or Deliverable is called nobody in namespace dev"])?;
    let wrong = run("portolan", &kubeconfig, &["pod/shop"])?;
    wrong.has(2, &["\"pod\" is neither workload nor deliverable"])?;
    // The namespace of the context is default, and nothing is there.
    let empty = run("portolan", Path::new("/"), &["--kubeconfig", text(&kubeconfig)?])?;
    empty.has(0, &["there is no Workload and no Deliverable in namespace default of https://"])?;
    let absent = run("portolan", Path::new("/nowhere"), &["--context", "moon"])?;
    absent.has(2, &["error: no way to a cluster (set KUBECONFIG, or give --kubeconfig)"])
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("odd path")
}

const READER: &str = r"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
  - {apiGroups: [carto.run], resources: [workloads, gitsources, sourceimages], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: rita}]
";

async fn rights(landscape: &Landscape) -> Result<()> {
    let build = &landscape.build;
    build.apply(&parse(READER)?).await?;
    let folder = tempfile::tempdir()?;
    let rita = build.plane.user_kubeconfig("rita", None, folder.path())?;
    let mark = build.plane.audit().settle().await?;
    let told = until("the rights to be in force", DEADLINE, async || {
        let told = run("portolan", &rita, &["-n", "dev"]).ok()?;
        (told.code == 0).then_some(told)
    })
    .await?;
    told.has(
        0,
        &[
            "● Workload dev/shop",
            "! GitWriter shop cannot be read: gitwriters.carto.run \"shop\" is forbidden",
            "! Deliverables are not shown: you may not list them: deliverables.carto.run is forbidden",
        ],
    )?;
    let all = run("portolan", &rita, &["-A"])?;
    all.has(
        2,
        &["Workloads are not shown", "Deliverables are not shown", "(name one namespace with -n)"],
    )?;
    let one = run("portolan", &rita, &["deliverable/shop", "-n", "dev"])?;
    one.has(2, &["Deliverables are not shown: you may not list them"])?;
    let seen = build.plane.audit();
    seen.settle().await?;
    let verbs: Vec<(String, String)> = seen
        .requests(mark)?
        .into_iter()
        .filter(|entry| entry.user == "rita")
        .map(|entry| (entry.verb, entry.resource))
        .collect();
    ensure!(verbs.contains(&("get".into(), "gitsources".into())), "{verbs:?}");
    ensure!(verbs.iter().all(|(verb, _)| ["get", "list"].contains(&verb.as_str())), "{verbs:?}");
    ensure!(verbs.iter().all(|(_, what)| what != "configmaps" && what != "secrets"), "{verbs:?}");
    Ok(())
}

async fn a_deployment_breaks(landscape: &Landscape) -> Result<()> {
    let staging = &landscape.staging;
    let live = landscape.forge.branch_tip(TEAM, CONFIG, "staging").await?.context("a tip")?;
    set_cpu(&landscape.build, "64").await?;
    let source = push_version(landscape, 2).await?;
    let number = offered(landscape, "staging", &source).await?;
    take_in(landscape, number).await?;
    let broken = landscape.forge.branch_tip(TEAM, CONFIG, "staging").await?.context("a tip")?;
    ready(staging, "GitDeployment", APP, "False", "Unhealthy").await?;
    ready(staging, "Deliverable", APP, "False", "HealthyConditionRule").await?;
    let told = status_once(staging, &["-A"], &["Unhealthy", "verify ○"]).await?;
    told.has(
        1,
        &[
            "✗ Deliverable staging/shop   delivery deploy-verify-promote   held since",
            &format!("config ● {}  GitSource shop, branch staging", &broken[..12]),
            &format!("deploy ✗ {}  GitDeployment shop, tries {}", &live[..12], &broken[..12]),
            &format!("Unhealthy: {} is not healthy after 15 s:", &broken[..12]),
            "Insufficient cpu",
            "→ mend what the objects say, and send a new change",
            "verify ○",
            "promote ○",
            "1 held; times in UTC",
        ],
    )?;
    // One cause, and nothing of what follows from it.
    ensure!(told.out.matches('→').count() == 1, "{}", told.out);
    ensure!(!told.out.contains("TemplateStampFailure"), "{}", told.out);
    let json = status(staging, &["shop", "-n", "staging", "-o", "json"])?.json()?;
    let cause = &owner(&json, "staging/shop")?["cause"];
    ensure!(
        cause["resource"] == "deploy" && cause["object"]["kind"] == "GitDeployment",
        "{cause:#}"
    );
    ensure!(cause["reason"] == "Unhealthy" && cause["status"] == "False", "{cause:#}");
    Ok(())
}

/// A build cluster of its own has no use for Deliverables.
async fn one_kind_only(build: &Member) -> Result<()> {
    let kubeconfig: PathBuf = build.plane.kubeconfig();
    let mut kubectl = Command::new(program("kubectl")?);
    kubectl.env("KUBECONFIG", &kubeconfig).args(["delete", "crd", "deliverables.carto.run"]);
    let out = kubectl.output()?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let told = until("Deliverables to be served no more", DEADLINE, async || {
        let told = run("portolan", &kubeconfig, &["deliverable/shop"]).ok()?;
        told.err.contains("serves no Deliverable").then_some(told)
    })
    .await?;
    told.has(2, &["is Portolan installed there, and is it the right context?"])?;
    let told = status(build, &["-n", "lab"])?;
    told.has(1, &["✗ Workload lab/tool", "2 held; times in UTC"])?;
    ensure!(!told.out.contains('!'), "nothing is amiss: {}", told.out);
    Ok(())
}
