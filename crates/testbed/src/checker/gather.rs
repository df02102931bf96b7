//! Reading the evidence of a landscape.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use serde_json::Value;

use super::evidence::{Deployed, Environment, Evidence, Source};
use super::repository::{Repository, first_parents};
use crate::forge::Request;
use crate::landscape::{CONFIG, Landscape, Member, TEAM};
use crate::story::image;
use crate::tools;

/// The environments of the example, in the order of the way; the branch of each has its cluster's name.
const ENVIRONMENTS: [&str; 2] = ["staging", "production"];

/// The kinds that are stamped or applied in the examples.
const KINDS: [(&str, &str); 10] = [
    ("carto.run/v1alpha1", "GitSource"),
    ("carto.run/v1alpha1", "SourceImage"),
    ("carto.run/v1alpha1", "GitWriter"),
    ("carto.run/v1alpha1", "GitDeployment"),
    ("carto.run/v1alpha1", "Verification"),
    ("carto.run/v1alpha1", "Workload"),
    ("carto.run/v1alpha1", "Deliverable"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
];

/// Reads everything that the forge, the registry and the clusters of `examples/pull-requests` hold of
/// some applications.
pub async fn gather(landscape: &Landscape, apps: &[&str]) -> Result<Evidence> {
    let folder = tempfile::tempdir()?;
    let git = || -> Command {
        let (user, password) = landscape.developer();
        tools::git_as(folder.path(), &landscape.forge.base_url(), user, password)
    };
    let url = landscape.forge.http_url(TEAM, CONFIG);
    let repository = Repository::clone(git(), &url, folder.path(), CONFIG).await?;
    let branches = repository.branches().await?;
    let requests = landscape.forge.requests(TEAM, CONFIG).await?;
    let mut evidence = Evidence {
        commits: repository.commits().await?,
        requests: requests.iter().map(Request::read).collect::<Result<_>>()?,
        ..Evidence::default()
    };
    for app in apps {
        let url = landscape.forge.http_url(TEAM, app);
        let repository = Repository::clone(git(), &url, folder.path(), app).await?;
        evidence.sources.push(source(landscape, &repository, app).await?);
    }
    for member in landscape.members() {
        evidence.objects.insert(member.name().to_owned(), objects(member).await?);
    }
    for branch in ENVIRONMENTS {
        let tip = branches.get(branch).cloned().unwrap_or_default();
        let mut environment = Environment { branch: branch.into(), tip, ..Environment::default() };
        let member = landscape.members().find(|member| member.name() == branch);
        let member = member.with_context(|| format!("there is no cluster {branch}"))?;
        for app in apps {
            let path = format!("apps/{app}");
            environment.deployed.insert(path.clone(), running(member, app).await?);
            if let Some(revision) = verified(member, app).await? {
                environment.verified.insert(path, revision);
            }
        }
        evidence.environments.push(environment);
    }
    Ok(evidence)
}

async fn source(landscape: &Landscape, repository: &Repository, app: &str) -> Result<Source> {
    let commits = first_parents(repository, "main").await?;
    let image = format!("{TEAM}/{app}");
    let tags = landscape.registry.tags(&image).await?;
    let mut images = BTreeMap::new();
    for commit in &commits {
        if let Some(tag) = tags.iter().find(|tag| commit.starts_with(tag.as_str())) {
            let (digest, _) = landscape.registry.manifest(&image, tag).await?;
            images.insert(commit.clone(), digest);
        }
    }
    Ok(Source { directory: format!("apps/{app}"), commits, images })
}

async fn running(member: &Member, app: &str) -> Result<Deployed> {
    let deployment = member.own("GitDeployment", app).await?;
    let revision = deployment["status"]["observedRevision"].as_str().unwrap_or_default().to_owned();
    let image = image(member, app).await?;
    Ok(Deployed { revision, image: image.as_str().unwrap_or_default().to_owned() })
}

/// The last revision that passed an application's checks.
async fn verified(member: &Member, app: &str) -> Result<Option<String>> {
    let verification = member.own("Verification", app).await?;
    let revision = verification.pointer("/status/verified/revision").and_then(Value::as_str);
    Ok(revision.map(str::to_owned))
}

/// Everything of the kinds in the team's namespace.
async fn objects(member: &Member) -> Result<Vec<Value>> {
    let client = member.plane.client()?;
    let mut found = Vec::new();
    for (version, kind) in KINDS {
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
        let gvk = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk(&gvk);
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &member.namespace, &resource);
        let list = api.list(&ListParams::default()).await;
        let list = list.with_context(|| format!("listing {kind} in {}", member.name()))?;
        for object in list.items {
            let mut object = serde_json::to_value(object)?;
            // A list says it once for all.
            object["apiVersion"] = resource.api_version.clone().into();
            object["kind"] = kind.into();
            found.push(object);
        }
    }
    Ok(found)
}
