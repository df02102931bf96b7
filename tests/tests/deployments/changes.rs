//! A spec that changes at the same revision, trees that hold nothing, and namespaces.

use anyhow::{Context as _, ensure};
use portolan_testbed::wait::until;
use portolan_tests::by_hand::{apply, commit, deployed, deployment, present, source};
use portolan_tests::world::{DEADLINE, landscape, ready, run};
use serde_json::Value;

use crate::{gone, service};

/// A GitDeployment of another folder than the one with its own name.
fn at(name: &str, path: &str) -> String {
    deployment(name, "").replace(&format!("path: {name}"), &format!("path: {path}"))
}

fn ids(object: &Value) -> Vec<&str> {
    let entries = object["status"]["inventory"]["entries"].as_array();
    entries.into_iter().flatten().filter_map(|entry| entry["id"].as_str()).collect()
}

#[test]
fn another_path_of_the_same_revision_is_applied_like_another_revision() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let [a, b, c] = ["moved-a", "moved-b", "moved-c"].map(service);
        let broken = a.replace("port: 80", "port: none");
        let files = [
            ("one/a.yaml", Some(a.as_str())),
            ("one/b.yaml", Some(b.as_str())),
            ("two/a.yaml", Some(a.as_str())),
            ("two/c.yaml", Some(c.as_str())),
            ("three/a.yaml", Some(broken.as_str())),
        ];
        let revision = commit(landscape, "moved", &files).await?;
        apply(staging, &source(landscape, "moved", "git")).await?;
        apply(staging, &at("moved", "moved/one")).await?;
        deployed(staging, "moved", &revision).await?;
        let before = staging.own("GitDeployment", "moved").await?;
        apply(staging, &at("moved", "moved/two")).await?;
        gone(staging, "Service", "moved-b").await?;
        deployed(staging, "moved", &revision).await?;
        let after = staging.own("GitDeployment", "moved").await?;
        ensure!(ids(&after) == ["staging_moved-a__Service", "staging_moved-c__Service"], "{after}");
        let digest = "/status/appliedDigest";
        ensure!(after.pointer(digest).is_some() && before.pointer(digest) != after.pointer(digest));
        // What is wrong with it is found before the first write, and it does not count as live.
        apply(staging, &at("moved", "moved/three")).await?;
        let message = ready(staging, "GitDeployment", "moved", "False", "ManifestsRefused").await?;
        ensure!(message.contains("nothing was changed: a.yaml:1 Service moved-a"), "{message}");
        let refused = staging.own("GitDeployment", "moved").await?;
        ensure!(refused["status"]["observedRevision"].is_null(), "{refused}");
        present(staging, "v1", "Service", "moved-c").await?;
        apply(staging, &at("moved", "moved/two")).await?;
        deployed(staging, "moved", &revision).await
    });
}

#[test]
fn a_path_that_holds_nothing_is_no_success() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let manifest = service("hollow");
        let files = [("README.md", Some("none yet")), ("app/a.yaml", Some(manifest.as_str()))];
        let revision = commit(landscape, "hollow", &files).await?;
        apply(staging, &source(landscape, "hollow", "git")).await?;
        apply(staging, &at("hollow", "hollow/ap")).await?;
        let message = ready(staging, "GitDeployment", "hollow", "Unknown", "PathNotFound").await?;
        ensure!(message.contains("hollow/ap") && message.contains(&revision), "{message}");
        apply(staging, &at("hollow", "hollow/app")).await?;
        deployed(staging, "hollow", &revision).await?;
        // Files without an object take nothing away either, unless that is meant.
        let second = commit(landscape, "hollow", &[("app/a.yaml", None), ("app/b.md", Some("b"))]);
        let second = second.await?;
        let message =
            ready(staging, "GitDeployment", "hollow", "False", "ManifestsRefused").await?;
        ensure!(message.contains("hollow/app") && message.contains(&second), "{message}");
        present(staging, "v1", "Service", "hollow").await?;
        let meant = deployment("hollow", ", allowShrink: true");
        apply(staging, &meant.replace("path: hollow", "path: hollow/app")).await?;
        deployed(staging, "hollow", &second).await?;
        gone(staging, "Service", "hollow").await
    });
}

#[test]
fn a_namespace_is_there_or_in_the_revision() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let rights = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: \
            spaces}, rules: [{apiGroups: [''], resources: [namespaces, services], verbs: [get, create, \
            patch]}]}\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, \
            metadata: {name: spaces}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, \
            name: spaces}, subjects: [{kind: ServiceAccount, name: deployer, namespace: staging}]}";
        apply(staging, rights).await?;
        let manifest =
            service("spaced").replace("name: spaced}", "name: spaced, namespace: outer}");
        let files = [("a.yaml", Some(manifest.as_str()))];
        commit(landscape, "spaced", &files).await?;
        apply(staging, &source(landscape, "spaced", "git")).await?;
        apply(staging, &deployment("spaced", "")).await?;
        let message =
            ready(staging, "GitDeployment", "spaced", "False", "ManifestsRefused").await?;
        let told = "a.yaml:1 Service spaced: namespace \"outer\" does not exist, and is not in this \
            revision";
        ensure!(message.contains(told), "{message}");
        let space = "{apiVersion: v1, kind: Namespace, metadata: {name: outer}}";
        let second = commit(landscape, "spaced", &[("z.yaml", Some(space))]).await?;
        deployed(staging, "spaced", &second).await?;
        let object = staging.own("GitDeployment", "spaced").await?;
        let unchecked = object["status"]["unchecked"].as_array().context("it lists them")?;
        ensure!(
            *unchecked == ["a.yaml Service outer/spaced: its namespace comes with this revision"],
            "{object}"
        );
        Ok(())
    });
}

/// The time to become healthy begins when health is left, not when the revision came.
#[test]
fn what_was_healthy_for_long_has_its_time_again() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let sick = "matchFields: [{key: metadata.labels.sick, operator";
        let more = format!(
            ", timeout: 3s, health: [{{apiVersion: v1, kind: Service, rule: {{multiMatch: {{healthy: \
             {{{sick}: DoesNotExist}}]}}, unhealthy: {{{sick}: Exists}}]}}}}}}}}]"
        );
        let first = crate::start(landscape, "blip", &["blip"], &more).await?;
        deployed(staging, "blip", &first).await?;
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        let label = |value: Value| serde_json::json!({"metadata": {"labels": {"sick": value}}});
        staging.merge("v1", "Service", "blip", &label("yes".into())).await?;
        ready(staging, "GitDeployment", "blip", "Unknown", "Progressing").await?;
        ready(staging, "GitDeployment", "blip", "False", "Unhealthy").await?;
        staging.merge("v1", "Service", "blip", &label(Value::Null)).await?;
        ready(staging, "GitDeployment", "blip", "True", "Succeeded").await?;
        until("the clock to be put back", DEADLINE, async || {
            let object = staging.own("GitDeployment", "blip").await.ok()?;
            object["status"]["unhealthySince"].is_null().then_some(())
        })
        .await
    });
}
