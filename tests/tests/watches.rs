//! What a program watches goes and comes back: a right, a definition, an object during its check; and
//! the program itself is stopped in the middle of one.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use portolan_testbed::landscape::{CONFIG, Landscape, Member, TEAM};
use portolan_testbed::manifests::{project, read};
use portolan_testbed::wait::until;
use portolan_tests::by_hand::{apply, commit, deployed, deployment, source};
use portolan_tests::world::{DEADLINE, condition, landscape, ready, run};
use serde_json::Value;

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

// One after the other: both use the build cluster, whose API server restarts.
#[test]
fn rights_and_definitions_go_and_come_back() {
    run(async {
        let build = &landscape().await.build;
        a_right(build).await?;
        a_definition(build).await
    });
}

async fn a_right(build: &Member) -> Result<()> {
    let definition = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, \
        metadata: {name: widgets.test.run}, spec: {group: test.run, scope: Namespaced, names: \
        {plural: widgets, singular: widget, kind: Widget}, versions: [{name: v1, served: true, \
        storage: true, schema: {openAPIV3Schema: {type: object, \
        x-kubernetes-preserve-unknown-fields: true}}}]}}";
    let right = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: \
        stamped-widgets, labels: {portolan.carto.run/aggregate-to-stamped-kinds: 'true'}}, rules: \
        [{apiGroups: [test.run], resources: [widgets], verbs: [get, list, watch]}]}";
    let tenant = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: widget}, \
        rules: [{apiGroups: [test.run], resources: [widgets], verbs: [get, create, patch]}]}";
    let chain = "{apiVersion: carto.run/v1alpha1, kind: ClusterSupplyChain, metadata: {name: widget}, \
        spec: {selector: {type: widget}, resources: [{name: only, templateRef: {kind: ClusterTemplate, \
        name: widget}}]}}\n---\n{apiVersion: carto.run/v1alpha1, kind: ClusterTemplate, metadata: \
        {name: widget}, spec: {template: {apiVersion: test.run/v1, kind: Widget, metadata: {name: \
        widget}}}}\n---\n{apiVersion: carto.run/v1alpha1, kind: Workload, metadata: {name: widget, \
        labels: {type: widget}}, spec: {serviceAccountName: widget}}";
    apply(build, definition).await?;
    apply(build, right).await?;
    build.apply(&build.example_for("team/service-account.yaml", "widget")?).await?;
    apply(build, tenant).await?;
    apply(build, chain).await?;
    ready(build, "Workload", "widget", "True", "Ready").await?;

    // A right counts when a watch is opened: the API server is restarted so that all are.
    delete(build, RBAC, "stamped-widgets").await?;
    until("the right to be gone", DEADLINE, async || {
        let role = get(build, RBAC, "portolan-stamped-kinds").await?;
        (!role.to_string().contains("widgets")).then_some(())
    })
    .await?;
    build.plane.stop_api_server().await;
    build.plane.start_api_server().await?;
    let message = until("the missing right to be told", DEADLINE, async || {
        let workload = build.own("Workload", "widget").await.ok()?;
        let (.., message) = condition(&workload, "Ready");
        message.contains("may not watch").then_some(message)
    })
    .await?;
    ensure!(message.contains("widgets.test.run"), "{message}");
    apply(build, right).await?;
    ready(build, "Workload", "widget", "True", "Ready").await?;
    Ok(())
}

async fn a_definition(build: &Member) -> Result<()> {
    let name = "sourceimages.carto.run";
    let image = |name: &str| {
        format!(
            "{{apiVersion: carto.run/v1alpha1, kind: SourceImage, metadata: {{name: {name}}}, spec: \
             {{source: {{url: 'http://nowhere.invalid/a.tar.gz', revision: r}}, image: \
             registry.invalid/a, suspend: true}}}}"
        )
    };
    apply(build, &image("before")).await?;
    told(build, "before").await?;
    delete(build, DEFINITIONS, name).await?;
    until("the definition to be gone", DEADLINE, async || {
        get(build, DEFINITIONS, name).await.is_none().then_some(())
    })
    .await?;
    until("its absence to be noticed", DEADLINE, async || {
        build.program.log().contains("kinds are gone").then_some(())
    })
    .await?;
    build.apply(&read(&project("config/crd/sourceimages.carto.run.yaml"))?).await?;
    until("an object of it to be accepted", DEADLINE, async || {
        apply(build, &image("after")).await.ok()
    })
    .await?;
    told(build, "after").await?;
    ready(build, "Workload", "widget", "True", "Ready").await?;
    Ok(())
}

/// Waits until a SourceImage has a condition: somebody works on it.
async fn told(build: &Member, name: &str) -> Result<()> {
    until(&format!("SourceImage {name} to be worked on"), DEADLINE, async || {
        let image = build.own("SourceImage", name).await.ok()?;
        (!condition(&image, "Ready").0.is_empty()).then_some(())
    })
    .await
}

#[test]
fn a_verification_that_is_made_again_and_a_stop_in_the_middle() {
    run(async {
        let landscape = landscape().await;
        let revision = deploy(landscape).await?;
        made_again(landscape, &revision).await?;
        a_stop(landscape, &revision).await
    });
}

/// What was found out for one object is not told of the next one with its name.
async fn made_again(landscape: &Landscape, revision: &str) -> Result<()> {
    let staging = &landscape.staging;
    apply(staging, &verification(landscape, "again", revision, "present", "3s")).await?;
    runs(staging, "again").await?;
    staging.delete_own("Verification", "again").await?;
    apply(staging, &verification(landscape, "again", revision, "absent", "3s")).await?;
    runs(staging, "again").await?;
    // Longer than the first one's check would have taken.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let object = staging.own("Verification", "again").await?;
    ensure!(object["status"]["verified"].is_null(), "{}", object["status"]);
    Ok(())
}

/// A run that would last for minutes holds up no stop, and the leases are free at once.
async fn a_stop(landscape: &Landscape, revision: &str) -> Result<()> {
    let staging = &landscape.staging;
    apply(staging, &verification(landscape, "long", revision, "present", "9m")).await?;
    runs(staging, "long").await?;
    let before = Instant::now();
    staging.program.stop().await?;
    let took = before.elapsed();
    ensure!(took < Duration::from_secs(4), "it took {took:?}");
    let leases = "/apis/coordination.k8s.io/v1/namespaces/portolan-system/leases";
    for name in ["portolan-deliverables", "portolan-shared"] {
        let lease = get(staging, leases, name).await.unwrap_or_default();
        ensure!(lease["spec"]["holderIdentity"].as_str().is_none_or(str::is_empty), "{lease}");
    }
    Ok(())
}

/// Waits until a Verification says that it is checking.
async fn runs(staging: &Member, name: &str) -> Result<()> {
    ready(staging, "Verification", name, "Unknown", "Checking").await?;
    Ok(())
}

async fn deploy(landscape: &Landscape) -> Result<String> {
    let manifest =
        "apiVersion: v1\nkind: Service\nmetadata: {name: present}\nspec: {ports: [{port: 80}]}\n";
    let staging = &landscape.staging;
    let commit = commit(landscape, "present", &[("service.yaml", Some(manifest))]).await?;
    apply(staging, &source(landscape, "present", "git")).await?;
    apply(staging, &deployment("present", "")).await?;
    deployed(staging, "present", &commit).await?;
    let rights = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: looker}, \
        rules: [{apiGroups: [''], resources: [services], verbs: [get]}]}\n---\n{apiVersion: \
        rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: looker}, roleRef: \
        {apiGroup: rbac.authorization.k8s.io, kind: Role, name: looker}, subjects: [{kind: \
        ServiceAccount, name: tester}]}";
    apply(staging, rights).await?;
    Ok(commit)
}

/// A check that a Service is there, and stays for a time.
fn verification(
    landscape: &Landscape,
    name: &str,
    revision: &str,
    service: &str,
    stays: &str,
) -> String {
    let url = landscape.forge.http_url(TEAM, CONFIG);
    format!(
        "{{apiVersion: carto.run/v1alpha1, kind: Verification, metadata: {{name: {name}}}, spec: \
         {{subject: {{url: '{url}', revision: {revision}, deploymentRef: {{name: present}}}}, \
         serviceAccountName: tester, checks: [{{name: there, attempts: 1000, every: 1s, for: {stays}, \
         object: {{ref: {{apiVersion: v1, kind: Service, name: {service}}}}}}}]}}}}"
    )
}

/// A cluster-scoped object, or one below a namespace's path; none where it is not there.
async fn get(member: &Member, path: &str, name: &str) -> Option<Value> {
    let request = http::Request::get(format!("{path}/{name}")).body(Vec::new()).ok()?;
    let text = member.plane.client().ok()?.request_text(request).await.ok()?;
    serde_json::from_str(&text).ok()
}

async fn delete(member: &Member, path: &str, name: &str) -> Result<()> {
    let request = http::Request::delete(format!("{path}/{name}")).body(Vec::new())?;
    member.plane.client()?.request_text(request).await?;
    Ok(())
}
