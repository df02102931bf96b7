//! The check `http.service` of a Verification, against a server at an address like a pod's.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use portolan_testbed::landscape::{CONFIG, Landscape, Member, Plan, TEAM};
use portolan_testbed::manifests::parse;
use portolan_testbed::wait::until;
use portolan_tests::by_hand::{apply, commit, deployed, deployment, source};
use portolan_tests::netns::{self, ADDRESS};
use portolan_tests::world::{DEADLINE, condition, ready, run};

/// Name of everything in this test.
const NAME: &str = "asked";

#[test]
fn a_service_is_asked_at_its_ready_address() {
    if !netns::enter("a_service_is_asked_at_its_ready_address").expect("a namespace") {
        return;
    }
    run(async {
        let landscape = Landscape::start(Plan::default(), &|_| {}).await?;
        let app = App::start().await?;
        let first = deploy(&landscape, "1").await?;
        prepare(&landscape.staging, app.port).await?;
        nobody_answers_rightly(&landscape, &app, &first).await?;
        a_new_revision_passes(&landscape, &app).await?;
        a_service_without_ready_address(&landscape, app.port).await
    });
}

/// The version that is asked for is not the one that answers: no verdict for the revision, also later.
async fn nobody_answers_rightly(landscape: &Landscape, app: &App, revision: &str) -> Result<()> {
    let staging = &landscape.staging;
    verify(landscape, revision, "web", 2).await?;
    let message = ready(staging, "Verification", NAME, "False", "VerificationFailed").await?;
    let url = format!("http://{ADDRESS}:{}/version", app.port);
    for part in ["up", &url, "answered 200 without \"v2\"", "v1"] {
        ensure!(message.contains(part), "{part} is not in {message}");
    }
    let verification = staging.own("Verification", NAME).await?;
    let check = &verification["status"]["run"]["checks"][0];
    ensure!(check["attempts"] == 2 && check["state"] == "Failed", "{check}");
    ensure!(app.asked() == [format!("{NAME}.staging.svc"), format!("{NAME}.staging.svc")]);
    // What is right later does not count for what was found wrong.
    app.say("v2");
    let written = verification["metadata"]["resourceVersion"].clone();
    let later = staging.own("Verification", NAME).await?;
    ensure!(later["metadata"]["resourceVersion"] == written && app.asked().len() == 2);
    ensure!(later["status"]["verified"].is_null(), "it vouches for nothing: {later}");
    Ok(())
}

async fn a_new_revision_passes(landscape: &Landscape, app: &App) -> Result<()> {
    let staging = &landscape.staging;
    let second = deploy(landscape, "2").await?;
    verify(landscape, &second, "web", 2).await?;
    ready(staging, "Verification", NAME, "True", "Succeeded").await?;
    let verification = staging.own("Verification", NAME).await?;
    ensure!(verification["status"]["verified"]["revision"] == second.as_str(), "{verification}");
    ensure!(app.asked().len() == 3, "asked once more: {:?}", app.asked());
    Ok(())
}

async fn a_service_without_ready_address(landscape: &Landscape, port: u16) -> Result<()> {
    let staging = &landscape.staging;
    staging.apply(&[slice(port, false)?]).await?;
    let third = deploy(landscape, "3").await?;
    verify(landscape, &third, "web", 1).await?;
    let message = ready(staging, "Verification", NAME, "False", "VerificationFailed").await?;
    ensure!(message.contains("Service asked has no ready address"), "{message}");
    let fourth = deploy(landscape, "4").await?;
    verify(landscape, &fourth, "admin", 1).await?;
    until("the missing port to be told", DEADLINE, async || {
        let verification = staging.own("Verification", NAME).await.ok()?;
        let (.., message) = condition(&verification, "Ready");
        message.contains("Service asked has no port \"admin\"").then_some(())
    })
    .await
}

/// Commits a configuration and waits until it is deployed; returns the commit.
async fn deploy(landscape: &Landscape, value: &str) -> Result<String> {
    let manifest = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {NAME}, annotations: {{change: '{value}'}}}}\n\
         spec: {{ports: [{{name: web, port: 80, targetPort: 8080}}]}}\n"
    );
    let commit = commit(landscape, NAME, &[("service.yaml", Some(&manifest))]).await?;
    apply(&landscape.staging, &source(landscape, NAME, "git")).await?;
    apply(&landscape.staging, &deployment(NAME, "")).await?;
    deployed(&landscape.staging, NAME, &commit).await?;
    Ok(commit)
}

/// What the Service has behind it, and the right to look.
async fn prepare(staging: &Member, port: u16) -> Result<()> {
    let rights = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: asker}, \
        rules: [{apiGroups: [''], resources: [services], verbs: [get]}, {apiGroups: \
        [discovery.k8s.io], resources: [endpointslices], verbs: [list]}]}\n---\n{apiVersion: \
        rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: asker}, roleRef: {apiGroup: \
        rbac.authorization.k8s.io, kind: Role, name: asker}, subjects: [{kind: ServiceAccount, name: \
        tester}]}";
    apply(staging, rights).await?;
    staging.apply(&[slice(port, true)?]).await
}

fn slice(port: u16, ready: bool) -> Result<serde_json::Value> {
    let text = format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: {NAME}-1, labels: \
         {{kubernetes.io/service-name: {NAME}}}}}, addressType: IPv4, ports: [{{name: web, port: \
         {port}}}], endpoints: [{{addresses: ['{ADDRESS}'], conditions: {{ready: {ready}}}}}]}}"
    );
    Ok(parse(&text)?.remove(0))
}

/// Has a revision verified over http.
async fn verify(landscape: &Landscape, revision: &str, port: &str, attempts: u32) -> Result<()> {
    let url = landscape.forge.http_url(TEAM, CONFIG);
    let verification = format!(
        "{{apiVersion: carto.run/v1alpha1, kind: Verification, metadata: {{name: {NAME}}}, spec: \
         {{subject: {{url: '{url}', revision: {revision}, deploymentRef: {{name: {NAME}}}}}, \
         serviceAccountName: tester, checks: [{{name: up, attempts: {attempts}, every: 1s, http: \
         {{service: {{name: {NAME}, port: {port}, path: /version}}, expect: {{status: 200, body: \
         {{contains: v2}}}}}}}}]}}}}"
    );
    apply(&landscape.staging, &verification).await
}

/// A server that tells its version, and remembers by which name it was asked.
struct App {
    port: u16,
    version: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl App {
    async fn start() -> Result<Self> {
        let version = Arc::new(Mutex::new("v1".to_owned()));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (said, hosts) = (version.clone(), asked.clone());
        let answer = async move |headers: HeaderMap| {
            let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
            locked(&hosts).push(host.to_owned());
            locked(&said).clone()
        };
        let router = Router::new().route("/version", get(answer));
        let listener = tokio::net::TcpListener::bind((ADDRESS, 0)).await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { port, version, asked })
    }

    fn say(&self, version: &str) {
        version.clone_into(&mut locked(&self.version));
    }

    fn asked(&self) -> Vec<String> {
        locked(&self.asked).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
