//! Artifacts on real servers: what their urls promise, who gets them, and what nobody gets.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use portolan_api::digest::of_bytes as digest;
use portolan_testbed::landscape::{CONFIG, Landscape, Member, Plan, TEAM};
use portolan_testbed::wait::until;
use portolan_tests::by_hand::apply;
use portolan_tests::world::{DEADLINE, ready};
use serde_json::{Value, json};

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: served, annotations: {version: \
    one}}\nspec: {ports: [{port: 80}]}\n";

/// A server's answer.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// Asks the program's artifact server for a url that is written as pods know it.
async fn get(member: &Member, url: &str) -> Result<Answer> {
    let path = url.splitn(4, '/').nth(3).context("a url has a path")?;
    let here = format!("http://127.0.0.1:{}/{path}", member.program.artifact_port());
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(here).send().await?;
    Ok(Answer { status: answer.status().as_u16(), body: answer.bytes().await?.to_vec() })
}

/// A GitSource of branch `artifacts`.
fn source(landscape: &Landscape, name: &str, path: &str, interval: &str) -> String {
    let url = landscape.forge.http_url(TEAM, CONFIG);
    format!(
        "{{apiVersion: carto.run/v1alpha1, kind: GitSource, metadata: {{name: {name}}}, spec: {{url: \
         '{url}', ref: {{branch: artifacts}}, path: {path}, secretRef: {{name: git}}, interval: \
         {interval}}}}}"
    )
}

/// A GitWriter that promotes a tree.
fn writer(landscape: &Landscape, name: &str, tree: &Value) -> Value {
    let url = landscape.forge.http_url(TEAM, CONFIG);
    json!({
        "apiVersion": "carto.run/v1alpha1", "kind": "GitWriter", "metadata": {"name": name},
        "spec": {
            "repository": {"url": url, "secretRef": {"name": "git"}},
            "branch": name, "path": name, "content": {"tree": tree},
        },
    })
}

/// A GitDeployment of a url.
fn deployment(name: &str, source: &Value, suspend: bool) -> Value {
    json!({
        "apiVersion": "carto.run/v1alpha1", "kind": "GitDeployment", "metadata": {"name": name},
        "spec": {
            "source": source, "path": "app", "serviceAccountName": "deployer", "suspend": suspend,
        },
    })
}

async fn commit(landscape: &Landscape, files: &[(&str, &str)]) -> Result<String> {
    let files: Vec<(&str, Option<&[u8]>)> =
        files.iter().map(|(path, text)| (*path, Some(text.as_bytes()))).collect();
    landscape.forge.commit_files(TEAM, CONFIG, "artifacts", &files, "by hand").await
}

/// Waits until a GitSource is ready with an artifact that is as wanted.
async fn offered(member: &Member, name: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let what = format!("GitSource {name} to offer what is wanted");
    until(&what, DEADLINE, async || {
        let object = member.own("GitSource", name).await.ok()?;
        let seen = object["status"]["observedGeneration"] == object["metadata"]["generation"];
        let artifact = object.pointer("/status/artifact")?.clone();
        (seen && wanted(&artifact)).then_some(artifact)
    })
    .await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The names in a tarball, as tar reads them.
fn names(tarball: &[u8]) -> Result<Vec<String>> {
    let mut command = Command::new("tar");
    let mut tar = command.arg("-tz").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    tar.stdin.take().context("tar reads")?.write_all(tarball)?;
    let output = tar.wait_with_output()?;
    ensure!(output.status.success(), "tar reads it");
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn artifacts_are_what_their_urls_say_and_for_those_they_are_for() {
    let mut landscape = Landscape::start(Plan::default(), &|_| {}).await.expect("it starts");
    a_url_gives_what_its_digest_says(&landscape).await.expect("a url gives what its digest says");
    another_path_is_another_artifact(&landscape).await.expect("another path, another artifact");
    urls_of_others_are_refused(&landscape).await.expect("urls of others are refused");
    nobody_makes_us_work_by_asking(&mut landscape).await.expect("asking makes no work");
    the_same_again_from_git(&mut landscape).await.expect("made again, byte for byte");
}

async fn a_url_gives_what_its_digest_says(landscape: &Landscape) -> Result<()> {
    let staging = &landscape.staging;
    let revision =
        commit(landscape, &[("app/service.yaml", SERVICE), ("other/readme", "x")]).await?;
    apply(staging, &source(landscape, "served", "app", "1s")).await?;
    let artifact = offered(staging, "served", |a| a["revision"] == revision.as_str()).await?;
    let answer = get(staging, text(&artifact["url"])).await?;
    ensure!(answer.status == 200, "it is served: {}", answer.status);
    let hex = digest(&answer.body).replace(':', "-");
    ensure!(text(&artifact["url"]).ends_with(&format!("/{revision}/{hex}.tar.gz")), "{artifact}");
    ensure!(artifact["digest"] == digest(&answer.body), "{artifact}");
    ensure!(artifact["size"] == answer.body.len(), "{artifact}");
    ensure!(names(&answer.body)? == ["app/service.yaml"], "{:?}", names(&answer.body)?);
    Ok(())
}

/// The trees are equal to git, the tarballs are not.
async fn another_path_is_another_artifact(landscape: &Landscape) -> Result<()> {
    let staging = &landscape.staging;
    let first = commit(landscape, &[("envs/staging/service.yaml", SERVICE)]).await?;
    apply(staging, &source(landscape, "moved", "envs/staging", "1s")).await?;
    let before = offered(staging, "moved", |a| a["revision"] == first.as_str()).await?;
    // Nothing that was offered has this path yet.
    let second = commit(landscape, &[("envs/production/service.yaml", SERVICE)]).await?;
    apply(staging, &source(landscape, "moved", "envs/production", "1s")).await?;
    let after = offered(staging, "moved", |a| a["url"] != before["url"]).await?;
    ensure!(after["tree"] == before["tree"], "the trees are equal: {before} {after}");
    ensure!(after["revision"] == second.as_str(), "{after}");
    let answer = get(staging, text(&after["url"])).await?;
    ensure!(names(&answer.body)? == ["envs/production/service.yaml"], "{:?}", names(&answer.body)?);
    ensure!(after["digest"] == digest(&answer.body), "{after}");
    // Another interval is another spec as well, of the same artifact.
    apply(staging, &source(landscape, "moved", "envs/production", "2s")).await?;
    ensure!(offered(staging, "moved", |_| true).await? == after);
    apply(staging, &source(landscape, "moved", "envs/staging", "2s")).await?;
    offered(staging, "moved", |a| a["url"] != after["url"]).await?;
    Ok(())
}

async fn urls_of_others_are_refused(landscape: &Landscape) -> Result<()> {
    let staging = &landscape.staging;
    let own = offered(staging, "served", |_| true).await?;
    let own = text(&own["url"]);
    let flux = "http://source-controller.flux-system/gitrepository";
    let digest = format!("sha256:{}", "0".repeat(64));
    for (name, url, digest) in [
        ("own-other", own.replace("/v1/staging/", "/v1/dev/"), None),
        ("own-dots", own.replace("/v1/staging/", "/v1/staging/%2e%2e/dev/"), None),
        ("flux-other", format!("{flux}/dev/app/x.tar.gz"), Some(&digest)),
        ("flux-dots", format!("{flux}/staging/%2e%2e/dev/app/x.tar.gz"), Some(&digest)),
        ("flux-tab", format!("{flux}/staging/.\t./dev/app/x.tar.gz"), Some(&digest)),
        ("elsewhere", "http://127.0.0.1:1/a/staging/app/x.tar.gz".to_owned(), Some(&digest)),
    ] {
        let mut named = json!({"url": url, "revision": "x"});
        if let Some(digest) = digest {
            named["digest"] = json!(digest);
        }
        let mut tree = named.clone();
        tree["path"] = json!("app");
        let objects = [writer(landscape, name, &tree), deployment(name, &named, false)];
        staging.apply(&objects).await?;
        for kind in ["GitWriter", "GitDeployment"] {
            let message = ready(staging, kind, name, "False", "ArtifactNotAllowed").await?;
            let shown = url.replace('\t', "\\t");
            ensure!(message.starts_with(&format!("{shown} is not an artifact of")), "{message}");
            ensure!(!message.contains("0000"), "no digest is told: {message}");
            staging.delete_own(kind, name).await?;
        }
    }
    Ok(())
}

/// With the forge away, work in git would end in 503.
async fn nobody_makes_us_work_by_asking(landscape: &mut Landscape) -> Result<()> {
    let first = offered(&landscape.staging, "served", |_| true).await?;
    let second = commit(landscape, &[("app/service.yaml", &SERVICE.replace("one", "two"))]).await?;
    let now = offered(&landscape.staging, "served", |a| a["revision"] == second.as_str()).await?;
    let (first_url, now_url) = (text(&first["url"]), text(&now["url"]));
    // What is in the store goes, whoever offers it.
    ensure!(get(&landscape.staging, first_url).await?.status == 200);
    forgotten(landscape).await?;
    landscape.forge.stop_server().await;
    let hex = |artifact: &Value| text(&artifact["digest"]).replace(':', "-");
    for (url, status) in [
        // A real artifact that is not offered any more, and that no object names.
        (first_url.to_owned(), 410),
        (now_url.replace(&second, text(&first["revision"])), 410),
        (now_url.replace(&second, &"0".repeat(40)), 410),
        (now_url.replace(&hex(&now), &hex(&first)), 410),
        (now_url.replace("/served/", "/nobody/"), 410),
        (now_url.replace("/v1/staging/", "/v1/nowhere/"), 410),
        (now_url.replace(".tar.gz", ".zip"), 404),
        (now_url.replace("/served/", "/%2e%2e/"), 404),
        // This one would be made, and cannot be now; the second time it is not even tried.
        (now_url.to_owned(), 503),
        (now_url.to_owned(), 503),
    ] {
        let answer = get(&landscape.staging, &url).await?;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        ensure!(answer.status == status, "{url}: {} {said}", answer.status);
        ensure!(said.len() < 40, "strangers are told nothing: {said}");
    }
    landscape.forge.start_server().await
}

async fn the_same_again_from_git(landscape: &mut Landscape) -> Result<()> {
    ready(&landscape.staging, "GitSource", "served", "True", "Succeeded").await?;
    let now = offered(&landscape.staging, "served", |_| true).await?;
    let url = text(&now["url"]).to_owned();
    let before = landscape.staging.own("GitSource", "served").await?;
    forgotten(landscape).await?;
    let answer = get(&landscape.staging, &url).await?;
    ensure!(answer.status == 200, "{}", answer.status);
    ensure!(now["digest"] == digest(&answer.body), "the same bytes: {now}");
    let after = landscape.staging.own("GitSource", "served").await?;
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    ensure!(version(&before) == version(&after), "nothing is written at rest: {after}");
    // An object that still names what its source left behind gets it, and so does who asks for it.
    let old = commit(landscape, &[("app/service.yaml", &SERVICE.replace("one", "three"))]).await?;
    let old = offered(&landscape.staging, "served", |a| a["revision"] == old.as_str()).await?;
    let newer = commit(landscape, &[("app/service.yaml", &SERVICE.replace("one", "four"))]).await?;
    offered(&landscape.staging, "served", |a| a["revision"] == newer.as_str()).await?;
    let after = landscape.staging.own("GitSource", "served").await?;
    let url = text(&old["url"]).to_owned();
    let named = json!({"url": url, "revision": old["revision"]});
    landscape.staging.apply(&[deployment("later", &named, true)]).await?;
    forgotten(landscape).await?;
    let served = until("the older artifact to be served", DEADLINE, async || {
        let answer = get(&landscape.staging, &url).await.ok()?;
        (answer.status == 200).then_some(answer)
    })
    .await?;
    ensure!(old["digest"] == digest(&served.body), "the same bytes: {old}");
    forgotten(landscape).await?;
    landscape.staging.apply(&[deployment("later", &named, false)]).await?;
    ready(&landscape.staging, "GitDeployment", "later", "True", "Succeeded").await?;
    let service = landscape.staging.object("v1", "Service", "served").await?;
    ensure!(service["metadata"]["annotations"]["version"] == "three", "{service}");
    let rest = landscape.staging.own("GitSource", "served").await?;
    ensure!(version(&after) == version(&rest), "nothing is written at rest: {rest}");
    Ok(())
}

/// Kills the program, throws its data away, starts it again.
async fn forgotten(landscape: &mut Landscape) -> Result<()> {
    let program = &mut landscape.staging.program;
    program.kill()?;
    program.forget()?;
    program.restart(None).await
}
