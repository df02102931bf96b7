//! GitDeployment against a real API server: what it prunes, keeps, repairs, refuses and leaves behind.

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::kubectl;
use portolan_testbed::landscape::{Landscape, Member};
use portolan_testbed::wait::until;
use portolan_tests::by_hand::{apply, commit, deployed, deployment, present, source};
use portolan_tests::world::{DEADLINE, landscape, ready, run};
use serde_json::{Value, json};

// Their files stand aside, so that cargo does not take them for programs.
#[path = "deployments/changes.rs"]
mod changes;
#[path = "deployments/drift.rs"]
mod drift;

fn service(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: 80, \
         targetPort: 8080}}]}}\n"
    )
}

/// What a Service's port leads to.
fn target(service: &Value) -> &Value {
    &service["spec"]["ports"][0]["targetPort"]
}

/// Starts a deployment of its own branch with one Service a name.
async fn start(landscape: &Landscape, name: &str, services: &[&str], more: &str) -> Result<String> {
    let texts: Vec<(String, String)> =
        services.iter().map(|s| (format!("{s}.yaml"), service(s))).collect();
    let files: Vec<(&str, Option<&str>)> =
        texts.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    let revision = commit(landscape, name, &files).await?;
    apply(&landscape.staging, &source(landscape, name, "git")).await?;
    apply(&landscape.staging, &deployment(name, more)).await?;
    Ok(revision)
}

async fn gone(member: &Member, kind: &str, name: &str) -> Result<()> {
    until(&format!("{kind} {name} to be gone"), DEADLINE, async || {
        let api_version = if kind == "Service" { "v1" } else { "carto.run/v1alpha1" };
        let object = member.object(api_version, kind, name).await.ok()?;
        object.is_null().then_some(())
    })
    .await
}

#[test]
fn what_a_revision_no_longer_holds_is_pruned() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let first = start(landscape, "pruned", &["pruned-a", "pruned-b", "pruned-c"], "").await?;
        deployed(staging, "pruned", &first).await?;
        let second = commit(landscape, "pruned", &[("pruned-b.yaml", None)]).await?;
        deployed(staging, "pruned", &second).await?;
        gone(staging, "Service", "pruned-b").await?;
        for name in ["pruned-a", "pruned-c"] {
            present(staging, "v1", "Service", name).await?;
        }
        let object = staging.own("GitDeployment", "pruned").await?;
        let entries = object["status"]["inventory"]["entries"].as_array().map_or(0, Vec::len);
        ensure!(entries == 2, "the inventory shrank: {object}");
        Ok(())
    });
}

#[test]
fn an_object_whose_label_was_taken_off_is_not_pruned() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let first = start(landscape, "let-go", &["let-go-a", "let-go-b"], "").await?;
        deployed(staging, "let-go", &first).await?;
        apply(staging, &deployment("let-go", ", suspend: true")).await?;
        ready(staging, "GitDeployment", "let-go", "Unknown", "Suspended").await?;
        let label = portolan_api::labels::DEPLOYMENT;
        let nobody = json!({"metadata": {"labels": {label: null}}});
        staging.merge("v1", "Service", "let-go-b", &nobody).await?;
        let second = commit(landscape, "let-go", &[("let-go-b.yaml", None)]).await?;
        // With the first revision still on offer the object would be taken back.
        until("the second revision to be offered", DEADLINE, async || {
            let source = staging.own("GitSource", "let-go").await.ok()?;
            (source["status"]["artifact"]["revision"] == second.as_str()).then_some(())
        })
        .await?;
        apply(staging, &deployment("let-go", ", suspend: false")).await?;
        deployed(staging, "let-go", &second).await?;
        present(staging, "v1", "Service", "let-go-b").await?;
        Ok(())
    });
}

#[test]
fn a_revision_that_drops_most_objects_is_refused_until_it_is_allowed() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let names = ["shrunk-a", "shrunk-b", "shrunk-c"];
        let first = start(landscape, "shrunk", &names, "").await?;
        deployed(staging, "shrunk", &first).await?;
        let dropped = [("shrunk-b.yaml", None), ("shrunk-c.yaml", None)];
        let second = commit(landscape, "shrunk", &dropped).await?;
        let message = ready(staging, "GitDeployment", "shrunk", "False", "ShrinksTooMuch").await?;
        ensure!(message.contains("allowShrink"), "{message}");
        for name in names {
            present(staging, "v1", "Service", name).await?;
        }
        apply(staging, &deployment("shrunk", ", allowShrink: true")).await?;
        deployed(staging, "shrunk", &second).await?;
        gone(staging, "Service", "shrunk-b").await
    });
}

#[test]
fn only_our_own_fields_are_put_right() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let first = start(landscape, "drift", &["drift"], "").await?;
        deployed(staging, "drift", &first).await?;
        let other = json!({"metadata": {"annotations": {"someone": "else"}}});
        staging.merge("v1", "Service", "drift", &other).await?;
        let ours = json!({"spec": {"ports": [{"port": 80, "targetPort": 9090}]}});
        staging.merge("v1", "Service", "drift", &ours).await?;
        let repaired = until("the port to be put right", DEADLINE, async || {
            let object = staging.object("v1", "Service", "drift").await.ok()?;
            (target(&object) == 8080).then_some(object)
        })
        .await?;
        ensure!(repaired["metadata"]["annotations"]["someone"] == "else", "{repaired}");
        deployed(staging, "drift", &first).await
    });
}

#[test]
fn a_fight_is_reported_and_not_fought() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let first = start(landscape, "fight", &["fight"], "").await?;
        deployed(staging, "fight", &first).await?;
        let theirs = json!({"spec": {"ports": [{"port": 80, "targetPort": 9090}]}});
        let fighting = async {
            loop {
                staging.merge("v1", "Service", "fight", &theirs).await?;
                until("our answer", DEADLINE, async || {
                    let object = staging.object("v1", "Service", "fight").await.ok()?;
                    let deployment = staging.own("GitDeployment", "fight").await.ok()?;
                    let told = deployment["status"]["conditions"].to_string().contains("Contested");
                    (told || target(&object) == 8080).then_some(())
                })
                .await?;
                let deployment = staging.own("GitDeployment", "fight").await?;
                if deployment["status"]["conditions"].to_string().contains("Contested") {
                    return anyhow::Ok(());
                }
            }
        };
        fighting.await?;
        let message = ready(staging, "GitDeployment", "fight", "False", "Contested").await?;
        ensure!(message.contains("Service staging/fight"), "{message}");
        Ok(())
    });
}

#[test]
fn an_object_of_another_deployment_stays_with_it() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let first = start(landscape, "owner", &["owned"], "").await?;
        deployed(staging, "owner", &first).await?;
        let before = present(staging, "v1", "Service", "owned").await?;
        start(landscape, "thief", &["owned"], "").await?;
        let message =
            ready(staging, "GitDeployment", "thief", "False", "ObjectOwnedByAnother").await?;
        ensure!(message.contains("GitDeployment staging/owner"), "{message}");
        let after = present(staging, "v1", "Service", "owned").await?;
        ensure!(before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]);
        // Once the owner lets go, the second gets it by itself.
        let orphan = deployment("owner", ", deletionPolicy: Orphan");
        apply(staging, &orphan).await?;
        until("the policy to be seen", DEADLINE, async || {
            let owner = staging.own("GitDeployment", "owner").await.ok()?;
            owner["metadata"]["finalizers"].is_null().then_some(())
        })
        .await?;
        staging.delete_own("GitDeployment", "owner").await?;
        ready(staging, "GitDeployment", "thief", "True", "Succeeded").await?;
        let after = present(staging, "v1", "Service", "owned").await?;
        ensure!(before["metadata"]["uid"] == after["metadata"]["uid"], "it is the same object");
        Ok(())
    });
}

#[test]
fn an_object_of_nobody_is_adopted_or_refused() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        apply(staging, &service("nobodys").replace("8080", "9090")).await?;
        let first = start(landscape, "adopts", &["nobodys"], ", adopt: Never").await?;
        let message = ready(staging, "GitDeployment", "adopts", "False", "ObjectExists").await?;
        ensure!(message.contains("nobodys") && message.contains("adopt"), "{message}");
        let before = present(staging, "v1", "Service", "nobodys").await?;
        ensure!(target(&before) == 9090, "{before}");
        apply(staging, &deployment("adopts", ", adopt: Unowned")).await?;
        deployed(staging, "adopts", &first).await?;
        let after = present(staging, "v1", "Service", "nobodys").await?;
        ensure!(before["metadata"]["uid"] == after["metadata"]["uid"], "it is the same object");
        ensure!(target(&after) == 8080, "and has our fields now: {after}");
        Ok(())
    });
}

#[test]
fn a_deleted_deployment_takes_its_objects_along_and_is_never_held_for_ever() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let first = start(landscape, "deleted", &["deleted"], "").await?;
        deployed(staging, "deleted", &first).await?;
        staging.delete_own("GitDeployment", "deleted").await?;
        gone(staging, "GitDeployment", "deleted").await?;
        gone(staging, "Service", "deleted").await?;
        // An account that is gone cannot clean up; the object goes all the same, and says what is left.
        let account = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: leaver}}";
        let binding = "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: \
            leaver}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}, \
            subjects: [{kind: ServiceAccount, name: leaver}]}";
        apply(staging, &format!("{account}\n---\n{binding}")).await?;
        let mine = deployment("left", "").replace("deployer", "leaver");
        let first = commit(landscape, "left", &[("left.yaml", Some(&service("left")))]).await?;
        apply(staging, &source(landscape, "left", "git")).await?;
        apply(staging, &mine).await?;
        deployed(staging, "left", &first).await?;
        staging.delete("rbac.authorization.k8s.io/v1", "RoleBinding", "leaver").await?;
        let who = "--as=system:serviceaccount:staging:leaver";
        let asked = ["auth", "can-i", "delete", "services", "-n", "staging", who];
        until("the right to be gone", DEADLINE, async || {
            // It says no by failing.
            kubectl(&staging.plane, &asked).await.is_err().then_some(())
        })
        .await?;
        staging.delete_own("GitDeployment", "left").await?;
        gone(staging, "GitDeployment", "left").await?;
        present(staging, "v1", "Service", "left").await?;
        Ok(())
    });
}

#[test]
fn a_definition_and_its_objects_come_in_one_revision() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let rights = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: \
            defines}, rules: [{apiGroups: [apiextensions.k8s.io], resources: \
            [customresourcedefinitions], verbs: [get, create, patch]}, {apiGroups: [play.run], \
            resources: [toys], verbs: [get, create, patch]}]}\n---\n{apiVersion: \
            rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: defines}, roleRef: \
            {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: defines}, subjects: [{kind: \
            ServiceAccount, name: deployer, namespace: staging}]}";
        apply(staging, rights).await?;
        let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: \
            {name: toys.play.run}\nspec: {group: play.run, scope: Namespaced, names: {plural: toys, \
            singular: toy, kind: Toy}, versions: [{name: v1, served: true, storage: true, schema: \
            {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}\n";
        let toy =
            "apiVersion: play.run/v1\nkind: Toy\nmetadata: {name: ball}\nspec: {round: true}\n";
        // By name the object comes first, and is applied second.
        let files = [("a-toy.yaml", Some(toy)), ("b-definition.yaml", Some(definition))];
        let revision = commit(landscape, "defines", &files).await?;
        apply(staging, &source(landscape, "defines", "git")).await?;
        apply(staging, &deployment("defines", "")).await?;
        deployed(staging, "defines", &revision).await?;
        let toy = present(staging, "play.run/v1", "Toy", "ball").await?;
        ensure!(toy["spec"]["round"] == true, "{toy}");
        // The controller may not watch toys: that is said, with the rule to add.
        let object = staging.own("GitDeployment", "defines").await?;
        let conditions = object["status"]["conditions"].as_array().context("it has conditions")?;
        let unwatched = conditions.iter().find(|c| c["type"] == "DriftNotWatched");
        let message = unwatched.context("DriftNotWatched is set")?["message"].to_string();
        ensure!(
            message.contains("toys") && message.contains("aggregate-to-stamped-kinds"),
            "{message}"
        );
        Ok(())
    });
}
