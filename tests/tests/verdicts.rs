//! Verdicts that change at the wrong moment: between the decision to write and the push, and while
//! checks run. Nothing is pushed, and nothing counts, that nobody vouches for.

use anyhow::{Context as _, Result, ensure};
use http::Request;
use portolan_testbed::landscape::{CONFIG, FailPoint, Landscape, Member, Plan, TEAM};
use portolan_testbed::wait::until;
use portolan_tests::by_hand::{apply, commit, deployed, deployment, source};
use portolan_tests::history::Goal;
use portolan_tests::world::{DEADLINE, condition, ready};
use serde_json::{Value, json};

/// The branch with the content, and all that is about it.
const APP: &str = "vouched";
/// The branch that is written.
const NEXT: &str = "next";
/// `for` of a check that passes as soon as it holds, and of one that runs as long as the test.
const AT_ONCE: &str = "0s";
const LONG: &str = "9m";

#[tokio::test]
async fn a_verdict_that_changes_is_not_acted_upon() {
    let landscape = Landscape::start(Plan::default(), &|_| {}).await.expect("it starts");
    begin(&landscape).await.expect("a first content is verified and written");
    // Before the second look at git, and after it: right before the push.
    for (version, point) in [(2, "git-push-before@next"), (3, "git-push-confirm@next")] {
        withdrawn(&landscape, version, point)
            .await
            .unwrap_or_else(|error| panic!("withdrawn at {point}: {error:?}"));
    }
    superseded(&landscape).await.expect("a run that is overtaken gives no verdict");
}

/// A tree: where it is, and which.
struct Tree {
    url: String,
    revision: String,
}

async fn begin(landscape: &Landscape) -> Result<()> {
    let staging = &landscape.staging;
    let rights = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: looker}, \
        rules: [{apiGroups: [''], resources: [services], verbs: [get]}]}\n---\n{apiVersion: \
        rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: looker}, roleRef: \
        {apiGroup: rbac.authorization.k8s.io, kind: Role, name: looker}, subjects: [{kind: \
        ServiceAccount, name: tester}]}";
    apply(staging, rights).await?;
    apply(staging, &source(landscape, APP, "git")).await?;
    apply(staging, &deployment(APP, "")).await?;
    let tree = deploy(landscape, 1).await?;
    verify(staging, &tree, AT_ONCE).await?;
    ready(staging, "Verification", APP, "True", "Succeeded").await?;
    write(landscape, &tree).await?;
    ready(staging, "GitWriter", APP, "True", "Succeeded").await?;
    ensure!(goal().record(landscape, NEXT).await?.sequence == 1);
    Ok(())
}

fn goal() -> Goal<'static> {
    Goal { repository: CONFIG, branch: NEXT, directory: APP }
}

/// Commits a version of the content and waits until it is live.
async fn deploy(landscape: &Landscape, version: u32) -> Result<Tree> {
    let manifest = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {APP}, labels: {{version: v{version}}}}}\n\
         spec: {{ports: [{{port: 80}}]}}\n"
    );
    let revision = commit(landscape, APP, &[("service.yaml", Some(&manifest))]).await?;
    deployed(&landscape.staging, APP, &revision).await?;
    let source = landscape.staging.own("GitSource", APP).await?;
    let url = source["status"]["artifact"]["url"].as_str().context("there is an artifact")?;
    Ok(Tree { url: url.into(), revision })
}

/// Has a tree verified by a check that has to hold for a time.
async fn verify(staging: &Member, tree: &Tree, holds: &str) -> Result<()> {
    let Tree { url, revision } = tree;
    let yaml = format!(
        "{{apiVersion: carto.run/v1alpha1, kind: Verification, metadata: {{name: {APP}}}, spec: \
         {{subject: {{url: '{url}', revision: {revision}, deploymentRef: {{name: {APP}}}}}, timeout: 10m, \
         serviceAccountName: tester, checks: [{{name: there, attempts: 1000, every: 1s, for: {holds}, \
         object: {{ref: {{apiVersion: v1, kind: Service, name: {APP}}}}}}}]}}}}"
    );
    apply(staging, &yaml).await
}

/// Asks for a tree to be written where it is vouched for.
async fn write(landscape: &Landscape, tree: &Tree) -> Result<()> {
    let repository = landscape.forge.http_url(TEAM, CONFIG);
    let Tree { url, revision } = tree;
    let yaml = format!(
        "{{apiVersion: carto.run/v1alpha1, kind: GitWriter, metadata: {{name: {APP}}}, spec: \
         {{repository: {{url: '{repository}', secretRef: {{name: git}}}}, branch: {NEXT}, path: {APP}, \
         interval: 1s, content: {{tree: {{url: '{url}', revision: {revision}, path: {APP}}}}}, \
         verified: {{verificationRef: {{name: {APP}}}}}}}}}"
    );
    apply(&landscape.staging, &yaml).await
}

/// The verdict is taken back while the write is decided and not pushed: it is not pushed, also not by a
/// program that remembers nothing. Given again, it is pushed once.
async fn withdrawn(landscape: &Landscape, version: u64, point: &str) -> Result<()> {
    let staging = &landscape.staging;
    let tree = deploy(landscape, u32::try_from(version)?).await?;
    verify(staging, &tree, AT_ONCE).await?;
    until("the tree to be verified", DEADLINE, async || {
        let verification = staging.own("Verification", APP).await.ok()?;
        let verified = &verification["status"]["verified"]["revision"];
        (*verified == tree.revision.as_str()).then_some(())
    })
    .await?;
    let before = landscape.forge.branch_tip(TEAM, CONFIG, NEXT).await?;
    let reached = staging.program.dir().join(format!("reached-{version}"));
    let held = FailPoint { name: point.into(), reached };
    staging.program.stop().await?;
    staging.program.restart(Some(held.clone())).await?;
    write(landscape, &tree).await?;
    until(&format!("the program to reach {point}"), DEADLINE, async || {
        held.reached.exists().then_some(())
    })
    .await?;
    withdraw(staging).await?;
    held.go_on()?;
    ready(staging, "GitWriter", APP, "Unknown", "NotVerified").await?;
    let now = landscape.forge.branch_tip(TEAM, CONFIG, NEXT).await?;
    ensure!(now == before, "{now:?} was pushed without a verdict");

    staging.program.kill()?;
    staging.program.forget()?;
    staging.program.restart(None).await?;
    look(staging, "GitWriter", &json!({"spec": {"interval": format!("{version}s")}})).await?;
    ready(staging, "GitWriter", APP, "Unknown", "NotVerified").await?;
    let now = landscape.forge.branch_tip(TEAM, CONFIG, NEXT).await?;
    ensure!(now == before, "{now:?} was pushed after a restart");

    // The check passes again.
    look(staging, "Verification", &json!({"spec": {"suspend": false}})).await?;
    ready(staging, "GitWriter", APP, "True", "Succeeded").await?;
    let record = goal().record(landscape, NEXT).await?;
    ensure!(record.sequence == version, "it is written once: {record:?}");
    let hop = record.hops.last().context("it is a promotion")?;
    ensure!(hop.revision == tree.revision, "{hop:?}");
    goal().no_commit_twice(landscape).await
}

/// Makes the Verification vouch for something else, and waits until the program has seen that.
async fn withdraw(staging: &Member) -> Result<()> {
    look(staging, "Verification", &json!({"spec": {"suspend": true}})).await?;
    let status = json!({"status": {"verified": {"revision": "another"}}});
    let path = format!(
        "/apis/carto.run/v1alpha1/namespaces/{}/verifications/{APP}/status",
        staging.namespace
    );
    let request = Request::patch(path).header("content-type", "application/merge-patch+json");
    let request = request.body(serde_json::to_vec(&status)?)?;
    staging.plane.client()?.request_text(request).await?;
    // Events of one kind come in order: who answers this one has seen the verdict.
    look(staging, "Verification", &json!({"spec": {"timeout": "11m"}})).await?;
    let verification = staging.own("Verification", APP).await?;
    ensure!(verification["status"]["verified"]["revision"] == "another", "{verification}");
    Ok(())
}

/// Changes a spec and waits until the change was looked at.
async fn look(staging: &Member, kind: &str, patch: &Value) -> Result<()> {
    staging.merge("carto.run/v1alpha1", kind, APP, patch).await?;
    until(&format!("{kind} to be looked at"), DEADLINE, async || {
        let object = staging.own(kind, APP).await.ok()?;
        let looked = object["status"]["observedGeneration"] == object["metadata"]["generation"];
        looked.then_some(())
    })
    .await
}

/// Another revision is tried while checks of this one run, begun anew by a restarted program: they come
/// to no verdict, and the one before stays.
async fn superseded(landscape: &Landscape) -> Result<()> {
    let staging = &landscape.staging;
    let before = staging.own("Verification", APP).await?["status"]["verified"].clone();
    let tree = deploy(landscape, 4).await?;
    verify(staging, &tree, LONG).await?;
    let first = begun(staging, "").await?;
    staging.program.kill()?;
    staging.program.forget()?;
    staging.program.restart(None).await?;
    begun(staging, &first).await?;
    deploy(landscape, 5).await?;
    let note = until("the run to be superseded", DEADLINE, async || {
        told(staging, "Superseded").await.ok()?
    })
    .await?;
    ensure!(note.contains(&tree.revision[..12]) && note.contains("was not judged"), "{note}");
    let verification = staging.own("Verification", APP).await?;
    ensure!(condition(&verification, "Ready").0 == "Unknown", "{verification}");
    ensure!(verification["status"]["verified"] == before, "no verdict: {verification}");
    ensure!(verification["status"]["run"].is_null(), "no run is under way: {verification}");
    // The next subject is judged as ever.
    let tree = deploy(landscape, 6).await?;
    verify(staging, &tree, AT_ONCE).await?;
    ready(staging, "Verification", APP, "True", "Succeeded").await?;
    Ok(())
}

/// Waits for a run that began at another time; returns when it began.
async fn begun(staging: &Member, before: &str) -> Result<String> {
    until("a run to begin", DEADLINE, async || {
        let verification = staging.own("Verification", APP).await.ok()?;
        let run = &verification["status"]["run"];
        let started = run["startedAt"].as_str().filter(|started| *started != before)?;
        run["completedAt"].is_null().then(|| started.to_owned())
    })
    .await
}

/// What an event with a reason says about the Verification, once there is one.
async fn told(staging: &Member, reason: &str) -> Result<Option<String>> {
    let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", staging.namespace);
    let text = staging.plane.client()?.request_text(Request::get(path).body(Vec::new())?).await?;
    let events: Value = serde_json::from_str(&text)?;
    let all = events["items"].as_array().context("a list")?;
    let found = all.iter().find(|event| {
        let about = &event["regarding"];
        event["reason"] == reason && about["kind"] == "Verification" && about["name"] == APP
    });
    Ok(found.and_then(|event| event["note"].as_str()).map(str::to_owned))
}
