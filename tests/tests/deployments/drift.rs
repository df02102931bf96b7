//! Objects that others change, delete, or take our label off.

use anyhow::{Result, ensure};
use portolan_api::labels::DEPLOYMENT;
use portolan_testbed::landscape::Member;
use portolan_testbed::wait::until;
use portolan_tests::by_hand::{apply, deployed, deployment, present};
use portolan_tests::world::{DEADLINE, landscape, ready, run};
use serde_json::{Value, json};

use crate::{service, start, target};

/// Waits until a Service is there and bears the label of a GitDeployment.
async fn held(member: &Member, service: &str, deployment: &str) -> Result<Value> {
    let holder = member.own("GitDeployment", deployment).await?;
    until(&format!("{deployment} to hold {service}"), DEADLINE, async || {
        let object = member.object("v1", "Service", service).await.ok()?;
        let ours = object["metadata"]["labels"][DEPLOYMENT] == holder["metadata"]["uid"];
        ours.then_some(object)
    })
    .await
}

#[test]
fn an_object_that_lost_our_label_is_taken_back_if_that_is_allowed() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let first = start(landscape, "lost", &["lost-a", "lost-b"], "").await?;
        deployed(staging, "lost", &first).await?;
        let before = present(staging, "v1", "Service", "lost-a").await?;
        let nobody = json!({"metadata": {"labels": {DEPLOYMENT: null}}});
        staging.merge("v1", "Service", "lost-a", &nobody).await?;
        let after = held(staging, "lost-a", "lost").await?;
        ensure!(before["metadata"]["uid"] == after["metadata"]["uid"], "it is the same object");
        ready(staging, "GitDeployment", "lost", "True", "Succeeded").await?;
        // Where that is not allowed, it says so, and goes on by itself once the object is gone.
        apply(staging, &deployment("lost", ", adopt: Never")).await?;
        deployed(staging, "lost", &first).await?;
        staging.merge("v1", "Service", "lost-b", &nobody).await?;
        let message = ready(staging, "GitDeployment", "lost", "False", "ObjectExists").await?;
        ensure!(message.contains("lost-b") && message.contains("adopt"), "{message}");
        staging.delete("v1", "Service", "lost-b").await?;
        held(staging, "lost-b", "lost").await?;
        ready(staging, "GitDeployment", "lost", "True", "Succeeded").await?;
        Ok(())
    });
}

#[test]
fn many_objects_deleted_at_once_come_back() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let names: Vec<String> = (0..12).map(|number| format!("many-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let first = start(landscape, "many", &names, "").await?;
        deployed(staging, "many", &first).await?;
        for name in &names {
            staging.delete("v1", "Service", name).await?;
        }
        for name in &names {
            held(staging, name, "many").await?;
        }
        ready(staging, "GitDeployment", "many", "True", "Succeeded").await?;
        Ok(())
    });
}

#[test]
fn what_a_deployment_that_is_gone_left_is_adopted_or_refused() {
    run(async {
        let landscape = landscape().await;
        let staging = &landscape.staging;
        let left = service("heir").replace("8080", "9090");
        let left =
            left.replace("{name: heir}", &format!("{{name: heir, labels: {{{DEPLOYMENT}: x}}}}"));
        apply(staging, &left).await?;
        let first = start(landscape, "heir", &["heir"], ", adopt: Never").await?;
        let message = ready(staging, "GitDeployment", "heir", "False", "ObjectExists").await?;
        ensure!(message.contains("heir") && message.contains("that is gone"), "{message}");
        ensure!(target(&present(staging, "v1", "Service", "heir").await?) == 9090);
        apply(staging, &deployment("heir", ", adopt: Unowned")).await?;
        deployed(staging, "heir", &first).await?;
        ensure!(target(&held(staging, "heir", "heir").await?) == 8080);
        Ok(())
    });
}
