//! Mistakes that people make on this path: each leaves a condition that says what, where and what to
//! do, stops nobody else, and is over by itself once it is mended.

use anyhow::{Result, ensure};
use portolan_testbed::landscape::{APP, Member};
use portolan_testbed::wait::until;
use portolan_tests::by_hand::{apply, commit, deployment, source};
use portolan_tests::world::{DEADLINE, condition, landscape, ready, run};

/// Waits until an owner's `Ready` has a reason; returns the message.
async fn owner(member: &Member, name: &str, status: &str, reason: &str) -> Result<String> {
    ready(member, "Workload", name, status, reason).await
}

fn workload(name: &str, type_: &str, account: &str) -> String {
    format!(
        "{{apiVersion: carto.run/v1alpha1, kind: Workload, metadata: {{name: {name}, labels: \
         {{type: {type_}}}}}, spec: {{serviceAccountName: {account}, source: {{git: {{url: \
         'https://nowhere.invalid/a.git', ref: {{branch: main}}}}}}}}}}"
    )
}

/// A supply chain of one template that stamps ConfigMaps, or whatever `object` says.
fn chain(name: &str, object: &str) -> String {
    format!("{}\n---\n{}", blueprint(name), template(name, object))
}

fn blueprint(name: &str) -> String {
    format!(
        "{{apiVersion: carto.run/v1alpha1, kind: ClusterSupplyChain, metadata: {{name: {name}}}, \
         spec: {{selector: {{type: {name}}}, resources: [{{name: only, templateRef: {{kind: \
         ClusterTemplate, name: {name}}}}}]}}}}"
    )
}

fn template(name: &str, object: &str) -> String {
    format!(
        "{{apiVersion: carto.run/v1alpha1, kind: ClusterTemplate, metadata: {{name: {name}}}, \
         spec: {{template: {object}}}}}"
    )
}

const MAP: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: $(workload.metadata.name)$}}";

#[test]
fn an_account_without_rights() {
    run(async {
        let build = &landscape().await.build;
        apply(build, &chain("poor", MAP)).await?;
        apply(build, "{apiVersion: v1, kind: ServiceAccount, metadata: {name: poor}}").await?;
        apply(build, &workload("poor", "poor", "poor")).await?;
        let message = owner(build, "poor", "False", "TemplateRejectedByAPIServer").await?;
        ensure!(message.contains("dev:poor") && message.contains("configmaps"), "{message}");
        let rights = build.example_for("team/service-account.yaml", "poor")?;
        build.apply(&rights).await?;
        owner(build, "poor", "True", "Ready").await?;
        Ok(())
    });
}

#[test]
fn an_account_that_does_not_exist() {
    run(async {
        let build = &landscape().await.build;
        apply(build, &chain("ghost", MAP)).await?;
        apply(build, &workload("ghost", "ghost", "ghost")).await?;
        let message = owner(build, "ghost", "False", "ServiceAccountError").await?;
        ensure!(message.contains("ServiceAccount \"ghost\" not found"), "{message}");
        build.apply(&build.example_for("team/service-account.yaml", "ghost")?).await?;
        owner(build, "ghost", "True", "Ready").await?;
        Ok(())
    });
}

#[test]
fn a_template_with_an_unknown_field() {
    run(async {
        let build = &landscape().await.build;
        let wrong = "{apiVersion: v1, kind: ConfigMap, metadata: {name: wrong}, data: {url: \
                     $(workload.spec.source.git.urll)$}}";
        apply(build, &chain("unknown-field", wrong)).await?;
        apply(build, &workload("unknown-field", "unknown-field", APP)).await?;
        let message = owner(build, "unknown-field", "False", "TemplateStampFailure").await?;
        ensure!(message.contains("[data.url]") && message.contains("git.urll"), "{message}");
        apply(build, &template("unknown-field", &wrong.replace("urll", "url"))).await?;
        owner(build, "unknown-field", "True", "Ready").await?;
        Ok(())
    });
}

#[test]
fn a_template_that_is_missing() {
    run(async {
        let build = &landscape().await.build;
        apply(build, &blueprint("incomplete")).await?;
        apply(build, &workload("incomplete", "incomplete", APP)).await?;
        let message = owner(build, "incomplete", "False", "TemplatesNotFound").await?;
        ensure!(message.ends_with("[only]"), "{message}");
        apply(build, &template("incomplete", MAP)).await?;
        owner(build, "incomplete", "True", "Ready").await?;
        Ok(())
    });
}

#[test]
fn a_workload_that_two_supply_chains_match() {
    run(async {
        let build = &landscape().await.build;
        apply(build, &chain("twice", MAP)).await?;
        apply(build, &workload("twice", "twice", APP)).await?;
        owner(build, "twice", "True", "Ready").await?;
        let second = blueprint("twice").replacen("name: twice", "name: twice-again", 1);
        apply(build, &second).await?;
        owner(build, "twice", "False", "MultipleSupplyChainMatches").await?;
        build.delete_own("ClusterSupplyChain", "twice-again").await?;
        owner(build, "twice", "True", "Ready").await?;
        Ok(())
    });
}

#[test]
fn a_kind_that_the_controller_may_not_watch() {
    run(async {
        let build = &landscape().await.build;
        let definition = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, \
            metadata: {name: tests.test.run}, spec: {group: test.run, scope: Namespaced, names: \
            {plural: tests, singular: test, kind: Test}, versions: [{name: v1, served: true, \
            storage: true, schema: {openAPIV3Schema: {type: object, \
            x-kubernetes-preserve-unknown-fields: true}}}]}}";
        let object = "{apiVersion: test.run/v1, kind: Test, metadata: {name: unseen}}";
        apply(build, &chain("unseen", object)).await?;
        build.apply(&build.example_for("team/service-account.yaml", "unseen")?).await?;
        apply(build, &workload("unseen", "unseen", "unseen")).await?;
        let message = owner(build, "unseen", "False", "TemplateRejectedByAPIServer").await?;
        ensure!(message.contains("no matches for kind \"Test\""), "{message}");
        // The definition comes later; the controller may not see its objects yet.
        apply(build, definition).await?;
        let message = until("the rule to be named", DEADLINE, async || {
            let workload = build.own("Workload", "unseen").await.ok()?;
            let (.., message) = condition(&workload, "Ready");
            message.contains("may not watch").then_some(message)
        })
        .await?;
        ensure!(message.contains("tests.test.run"), "{message}");
        let role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: \
            stamped-tests, labels: {portolan.carto.run/aggregate-to-stamped-kinds: 'true'}}, rules: \
            [{apiGroups: [test.run], resources: [tests], verbs: [get, list, watch]}]}";
        apply(build, role).await?;
        let rights = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: \
            unseen}, rules: [{apiGroups: [test.run], resources: [tests], verbs: [get, create, \
            patch]}]}";
        apply(build, rights).await?;
        owner(build, "unseen", "True", "Ready").await?;
        Ok(())
    });
}

#[test]
fn a_wrong_password_and_a_missing_secret() {
    run(async {
        let landscape = landscape().await;
        let build = &landscape.build;
        commit(landscape, "locked", &[("a.txt", Some("a"))]).await?;
        apply(build, &source(landscape, "locked", "git-locked")).await?;
        let message = ready(build, "GitSource", "locked", "Unknown", "CredentialsMissing").await?;
        ensure!(message.contains("Secret dev/git-locked does not exist"), "{message}");
        build.apply(&[build.git_secret("git-locked", Some("canary-wrong-password"))]).await?;
        let message = ready(build, "GitSource", "locked", "False", "AuthFailed").await?;
        ensure!(!message.contains("canary"), "the password is not told: {message}");
        build.apply(&[build.git_secret("git-locked", None)]).await?;
        ready(build, "GitSource", "locked", "True", "Succeeded").await?;
        ensure!(!build.program.log().contains("canary"), "the password is not logged");
        Ok(())
    });
}

#[test]
fn a_manifest_that_the_server_refuses() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let good = "apiVersion: v1\nkind: Service\nmetadata: {name: refused}\nspec: {ports: [{port: 80}]}\n";
        let bad = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: refused}\nspec: {replicas: many}\n";
        commit(landscape, "refused", &[("good.yaml", Some(good))]).await?;
        commit(landscape, "refused", &[("bad.yaml", Some(bad))]).await?;
        apply(staging, &source(landscape, "refused", "git")).await?;
        apply(staging, &deployment("refused", "")).await?;
        let message =
            ready(staging, "GitDeployment", "refused", "False", "ManifestsRefused").await?;
        ensure!(
            message.starts_with("nothing was changed: bad.yaml:1 Deployment refused"),
            "{message}"
        );
        let service = staging.object("v1", "Service", "refused").await?;
        ensure!(service.is_null(), "the good manifest is not applied either");
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: [broken\n";
        commit(landscape, "refused", &[("bad.yaml", Some(text))]).await?;
        until("the parse error to be told", DEADLINE, async || {
            let object = staging.own("GitDeployment", "refused").await.ok()?;
            condition(&object, "Ready").2.contains("bad.yaml:").then_some(())
        })
        .await?;
        commit(landscape, "refused", &[("bad.yaml", Some("# nothing any more\n"))]).await?;
        ready(staging, "GitDeployment", "refused", "True", "Succeeded").await?;
        ensure!(!staging.object("v1", "Service", "refused").await?.is_null(), "now it is applied");
        Ok(())
    });
}
