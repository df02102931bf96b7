//! One cluster of a landscape: its servers, what is installed in it, and its program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use super::pods::{Overlay, Pods};
use super::program::{FailPoint, Program};
use super::{Example, Hosts, login};
use crate::ControlPlane;
use crate::manifests::{apply, project, read};

/// What belongs to one cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Name of the cluster.
    name: &'static str,
    /// Base below `config/`.
    base: &'static str,
    /// Folder below `examples/`.
    example: &'static str,
    /// The program.
    program: &'static str,
    /// The team's namespace.
    namespace: &'static str,
}

impl Part {
    const BUILD: Self = Self {
        name: "build",
        base: "build-cluster",
        example: "basic/build-cluster",
        program: "portolan-supply-chain",
        namespace: "dev",
    };
    const STAGING: Self = Self {
        name: "staging",
        base: "delivery-cluster",
        example: "basic/delivery-cluster",
        program: "portolan-delivery",
        namespace: "staging",
    };

    /// The clusters of an example, in the order of the way.
    pub(super) fn of(example: Example) -> Vec<Self> {
        match example {
            Example::Basic => vec![Self::BUILD, Self::STAGING],
            Example::PullRequests => Self::three([
                "pull-requests/build-cluster",
                "pull-requests/staging-cluster",
                "pull-requests/production-cluster",
            ]),
            Example::Directories => Self::three([
                "directories/build-cluster",
                "directories/staging-cluster",
                "directories/production-cluster",
            ]),
            Example::Repositories => Self::three([
                "repositories/build-cluster",
                "repositories/staging-cluster",
                "repositories/production-cluster",
            ]),
        }
    }

    /// Build, staging and production, from their folders.
    fn three([build, staging, production]: [&'static str; 3]) -> Vec<Self> {
        vec![
            Self { example: build, ..Self::BUILD },
            Self { example: staging, ..Self::STAGING },
            Self {
                name: "production",
                example: production,
                namespace: "production",
                ..Self::STAGING
            },
        ]
    }

    /// Name of the cluster.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }
}

/// How long the token of a program's ServiceAccount lasts.
const TOKEN: Duration = Duration::from_hours(24);

/// One cluster of a landscape.
pub struct Member {
    /// Its servers.
    pub plane: ControlPlane,
    /// The team's namespace.
    pub namespace: String,
    /// Its program.
    pub program: Program,
    hosts: Hosts,
    part: Part,
}

impl Member {
    /// Installs `config/` and the example, and starts the program with the rights of its account: as
    /// pods of the image, or without one as a process.
    pub(super) async fn install(
        plane: ControlPlane,
        part: Part,
        hosts: &Hosts,
        dir: &Path,
        image: Option<&str>,
        fail_point: impl Fn(&str) -> Option<FailPoint>,
    ) -> Result<Self> {
        let folder = dir.join(format!("{}-program", part.name));
        std::fs::create_dir_all(&folder)?;
        let program = match image {
            Some(image) => start_pods(&plane, part, hosts, image, &folder).await?,
            None => start_process(&plane, part, hosts, folder, fail_point(part.program)).await?,
        };
        let client = plane.client()?;
        apply(&client, part.namespace, &[namespace(part.namespace)]).await?;
        apply(&client, part.namespace, &secrets(part.name, hosts)).await?;
        let member =
            Self { plane, namespace: part.namespace.into(), program, hosts: hosts.clone(), part };
        member.apply_example("platform").await?;
        member.apply_example("team").await?;
        Ok(member)
    }

    /// Name of the cluster.
    pub fn name(&self) -> &'static str {
        self.part.name
    }

    /// User name of the program's account, as the audit log has it.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:portolan-system:{}", self.part.program)
    }

    /// Files of the example for this cluster, with the landscape's hosts.
    pub fn example(&self, path: &str) -> Result<Vec<Value>> {
        let folder: PathBuf = project("examples").join(self.part.example).join(path);
        let mut documents = self.hosts.read(&folder)?;
        if self.plane.room().is_none() {
            documents.iter_mut().for_each(without_http_checks);
        }
        Ok(documents)
    }

    /// Files of the example for this cluster, for another application.
    pub fn example_for(&self, path: &str, app: &str) -> Result<Vec<Value>> {
        let text = serde_json::to_string(&self.example(path)?)?;
        Ok(serde_json::from_str(&text.replace(super::APP, app))?)
    }

    /// Applies files of the example as they are.
    pub async fn apply_example(&self, path: &str) -> Result<()> {
        self.apply(&self.example(path)?).await
    }

    /// Deletes an object of our own group, in the team's namespace where it has one.
    pub async fn delete_own(&self, kind: &str, name: &str) -> Result<()> {
        self.delete("carto.run/v1alpha1", kind, name).await
    }

    /// Deletes an object, in the team's namespace where it has one.
    pub async fn delete(&self, api_version: &str, kind: &str, name: &str) -> Result<()> {
        self.api(api_version, kind)?.delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Changes an object in the team's namespace, as somebody else.
    pub async fn merge(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
        patch: &Value,
    ) -> Result<()> {
        let params = PatchParams::default();
        self.api(api_version, kind)?.patch(name, &params, &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// The Secret with this cluster's credentials for git, with another password.
    pub fn git_secret(&self, name: &str, password: Option<&str>) -> Value {
        let (user, right) = login(self.part.name);
        secret(
            name,
            "kubernetes.io/basic-auth",
            &json!({"username": user, "password": password.unwrap_or(&right)}),
        )
    }

    /// Applies documents in the team's namespace.
    pub async fn apply(&self, documents: &[Value]) -> Result<()> {
        apply(&self.plane.client()?, &self.namespace, documents).await
    }

    /// An object of our own group in the team's namespace, as it is; null where it does not exist.
    pub async fn own(&self, kind: &str, name: &str) -> Result<Value> {
        self.object("carto.run/v1alpha1", kind, name).await
    }

    /// Any object in the team's namespace, as it is; null where it does not exist.
    pub async fn object(&self, api_version: &str, kind: &str, name: &str) -> Result<Value> {
        Ok(serde_json::to_value(self.api(api_version, kind)?.get_opt(name).await?)?)
    }

    fn api(&self, api_version: &str, kind: &str) -> Result<Api<DynamicObject>> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let client = self.plane.client()?;
        // Of the kinds in use, those without a namespace say so in their names.
        Ok(if kind.starts_with("Cluster") {
            Api::all_with(client, &resource)
        } else {
            Api::namespaced_with(client, &self.namespace, &resource)
        })
    }
}

/// A program as a process: a fake node cannot run its pod.
async fn start_process(
    plane: &ControlPlane,
    part: Part,
    hosts: &Hosts,
    folder: PathBuf,
    fail_point: Option<FailPoint>,
) -> Result<Program> {
    let installed: Vec<Value> = read(&project("config").join(part.base))?
        .into_iter()
        .filter(|document| document["kind"] != "Deployment")
        .collect();
    apply(&plane.client()?, part.namespace, &installed).await?;
    let kubeconfig =
        plane.service_account_kubeconfig("portolan-system", part.program, &folder, TOKEN).await?;
    let hosts = hosts.plain_http();
    Program::start(part.program, part.name, kubeconfig, folder, &hosts, fail_point).await
}

/// A program as a person installs it.
async fn start_pods(
    plane: &ControlPlane,
    part: Part,
    hosts: &Hosts,
    image: &str,
    folder: &Path,
) -> Result<Program> {
    let arguments =
        [format!("--cluster-name={}", part.name), format!("--allow-http={}", hosts.plain_http())];
    let overlay =
        Overlay { base: part.base, program: part.program, image, arguments: arguments.into() };
    let pods = Pods::install(plane, &overlay, &folder.join("overlay")).await?;
    let (kubeconfig, folder) = (plane.kubeconfig(), folder.to_owned());
    Program::installed(part.program, part.name, kubeconfig, folder, pods).await
}

/// Takes checks over http out of a template: nothing answers where nothing runs.
fn without_http_checks(document: &mut Value) {
    if let Some(checks) = document.pointer_mut("/spec/template/spec/checks")
        && let Some(checks) = checks.as_array_mut()
    {
        checks.retain(|check| check.get("http").is_none());
    }
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// The Secrets that the example's README has a person make: this cluster's own credentials.
fn secrets(cluster: &str, hosts: &Hosts) -> Vec<Value> {
    let (user, password) = login(cluster);
    let registry = hosts.fill("registry.example");
    let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let config = json!({"auths": {registry: {"auth": auth}}});
    vec![
        secret("git", "kubernetes.io/basic-auth", &json!({"username": user, "password": password})),
        secret(
            "registry",
            "kubernetes.io/dockerconfigjson",
            &json!({".dockerconfigjson": config.to_string()}),
        ),
    ]
}

fn secret(name: &str, type_: &str, data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "type": type_, "stringData": data,
    })
}
