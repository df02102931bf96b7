//! Native kinds used alone, as a person would: a branch, a GitSource of it, a GitDeployment.

use anyhow::{Context as _, Result};
use portolan_testbed::landscape::{CONFIG, Landscape, Member, TEAM};
use portolan_testbed::manifests::parse;
use portolan_testbed::wait::until;
use serde_json::Value;

use crate::world::DEADLINE;

/// Applies YAML in the team's namespace.
pub async fn apply(member: &Member, yaml: &str) -> Result<()> {
    member.apply(&parse(yaml)?).await
}

/// A GitSource of the branch with its own name.
pub fn source(landscape: &Landscape, name: &str, secret: &str) -> String {
    let url = landscape.forge.http_url(TEAM, CONFIG);
    format!(
        "{{apiVersion: carto.run/v1alpha1, kind: GitSource, metadata: {{name: {name}}}, spec: {{url: \
         '{url}', ref: {{branch: {name}}}, secretRef: {{name: {secret}}}, interval: 1s}}}}"
    )
}

/// A GitDeployment of the folder with its own name in the GitSource with its own name, with more
/// fields of its spec.
pub fn deployment(name: &str, more: &str) -> String {
    format!(
        "{{apiVersion: carto.run/v1alpha1, kind: GitDeployment, metadata: {{name: {name}}}, spec: \
         {{sourceRef: {{name: {name}}}, path: {name}, serviceAccountName: deployer{more}}}}}"
    )
}

/// Commits files below the folder `name` of branch `name`, as a person does; no text removes a file.
pub async fn commit(
    landscape: &Landscape,
    name: &str,
    files: &[(&str, Option<&str>)],
) -> Result<String> {
    let files: Vec<(String, Option<&str>)> =
        files.iter().map(|(path, text)| (format!("{name}/{path}"), *text)).collect();
    let files: Vec<(&str, Option<&[u8]>)> =
        files.iter().map(|(path, text)| (path.as_str(), text.map(str::as_bytes))).collect();
    landscape.forge.commit_files(TEAM, CONFIG, name, &files, "by hand").await
}

/// Waits until a GitDeployment observes a revision.
pub async fn deployed(member: &Member, name: &str, revision: &str) -> Result<()> {
    let found = until("the revision to be deployed", DEADLINE, async || {
        let object = member.own("GitDeployment", name).await.ok()?;
        (object["status"]["observedRevision"] == revision).then_some(())
    })
    .await;
    match found {
        Ok(()) => Ok(()),
        Err(error) => {
            let object = member.own("GitDeployment", name).await?;
            Err(error.context(format!("{name} says {}", object["status"])))
        }
    }
}

/// An object that has to be there.
pub async fn present(member: &Member, api_version: &str, kind: &str, name: &str) -> Result<Value> {
    let found = member.object(api_version, kind, name).await?;
    (!found.is_null()).then_some(found).with_context(|| format!("{kind} {name} does not exist"))
}
