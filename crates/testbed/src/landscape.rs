//! The landscape of the examples: a build and a staging cluster that share nothing but a forge and a
//! registry, with Portolan's programs running under the rights that are shipped.

mod example;
mod member;
mod nodes;
mod pods;
mod program;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::json;

pub use self::example::{CONFIG_PRODUCTION, CONFIG_STAGING, Example};
pub use self::member::Member;
use self::member::Part;
pub use self::nodes::{Images, Nodes};
pub use self::program::{FailPoint, Program};
use crate::forge::{Forge, Login};
use crate::registry::Registry;
use crate::scratch::Scratch;
use crate::{ControlPlane, Options};

/// Owner of the repositories.
pub const TEAM: &str = "demo";
/// The source repository, which is also the application's name.
pub const APP: &str = "shop";
/// The configuration repository.
pub const CONFIG: &str = "config";
/// Login of somebody who pushes to repositories.
const DEVELOPER: &str = "developer";
/// Password of the forge's users; the forge ends with the landscape. No shell reads anything into it.
const PASSWORD: &str = "Passw0rd.demo";

/// How a landscape is made.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Keep everything below this folder, which stays; else in scratch folders, which go.
    pub dir: Option<std::path::PathBuf>,
    /// Fail points that the programs stop at, by the program's name.
    pub fail_points: Vec<(String, FailPoint)>,
    /// The example that is played.
    pub example: Example,
    /// What runs pods.
    pub nodes: Nodes,
}

/// Clusters, a forge and a registry.
pub struct Landscape {
    /// The forge with both repositories.
    pub forge: Arc<Forge>,
    /// The registry for images.
    pub registry: Registry,
    /// The build cluster: `portolan-supply-chain`.
    pub build: Member,
    /// The staging cluster: `portolan-delivery`.
    pub staging: Member,
    /// The production cluster, where the example has one: `portolan-delivery`.
    pub production: Option<Member>,
    /// What runs its pods.
    pub nodes: Nodes,
    /// Dropped last.
    _scratch: Scratch,
}

impl Landscape {
    /// Starts the servers, installs `config/`, applies the example's files, and starts the programs.
    /// `tell` hears of each step.
    pub async fn start(plan: Plan, tell: &(dyn Fn(&str) + Sync)) -> Result<Self> {
        let scratch = Scratch::new("landscape", plan.dir.as_deref())?;
        let dir = |name: &str| plan.dir.is_some().then(|| scratch.path().join(name));
        let parts = Part::of(plan.example);
        tell(&format!("starting {} control planes, a forge and a registry", parts.len()));
        let registry = Registry::start_at(plan.nodes.host()).await?;
        let images = Images::push(&registry, plan.nodes).await?;
        let clusters = (1..).zip(&parts).map(|(number, part)| {
            let name = part.name();
            let options = Options {
                name: name.into(),
                nodes: true,
                controllers: true,
                dir: dir(name),
                real: images.real_node(&registry, number),
            };
            Box::pin(ControlPlane::start(options))
        });
        let forge_dir = dir("forge");
        let (clusters, forge, programs) = tokio::try_join!(
            try_join_all(clusters),
            Forge::start_in(forge_dir.as_deref(), plan.nodes.host()),
            nodes::push_programs(&registry, plan.nodes),
        )?;
        let forge = Arc::new(forge);
        tell("making repositories and accounts on the forge");
        accounts(&forge, plan.example, &parts).await?;
        environments(&forge, plan.example).await?;
        let hosts = Hosts::of(&forge, &registry);
        if let Some(image) = &programs {
            tell(&format!("pushed the programs as {image}"));
        }
        tell(&format!("installing config/ and examples/{} in all clusters", plan.example.name()));
        let fail_point = |program: &str| {
            let points = plan.fail_points.iter();
            points.filter(|(name, _)| name == program).map(|(_, point)| point.clone()).next()
        };
        let members = clusters.into_iter().zip(parts).map(|(plane, part)| {
            let image = programs.as_deref();
            Box::pin(Member::install(plane, part, &hosts, scratch.path(), image, fail_point))
        });
        let mut members = try_join_all(members).await?.into_iter();
        let (Some(build), Some(staging)) = (members.next(), members.next()) else {
            bail!("an example has a build and a staging cluster");
        };
        let production = members.next();
        let nodes = plan.nodes;
        Ok(Self { forge, registry, build, staging, production, nodes, _scratch: scratch })
    }

    /// Pushes a commit to the example application's source, as a developer does.
    pub async fn push_source(
        &self,
        files: &[(&str, Option<&[u8]>)],
        message: &str,
    ) -> Result<String> {
        self.push(APP, files, message).await
    }

    /// Pushes a commit to an application's source.
    pub async fn push(
        &self,
        app: &str,
        files: &[(&str, Option<&[u8]>)],
        message: &str,
    ) -> Result<String> {
        let (user, password) = self.developer();
        let login = Login::Password(user.into(), password.into());
        self.forge.commit_files_as(&login, TEAM, app, "main", files, message).await
    }

    /// Name and password of somebody who may push to all repositories.
    pub fn developer(&self) -> (&'static str, &'static str) {
        (DEVELOPER, PASSWORD)
    }

    /// Name and password of who reviews and merges what goes into an environment's branch, where the
    /// example has maintainers.
    pub fn maintainer(&self, environment: &str) -> (String, &'static str) {
        (maintainer(environment), PASSWORD)
    }

    /// Adds another application beside the example's: a repository, and the team's files of the
    /// example under its name in both clusters.
    pub async fn add_app(&self, app: &str) -> Result<()> {
        self.add_repository(app).await?;
        for member in self.members() {
            member.apply(&member.example_for("team", app)?).await?;
        }
        Ok(())
    }

    /// The clusters, in the order of the way.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        [&self.build, &self.staging].into_iter().chain(&self.production)
    }

    /// Adds a source repository that the build cluster may read.
    pub async fn add_repository(&self, app: &str) -> Result<()> {
        make_private(&self.forge, app).await?;
        self.forge.add_collaborator(TEAM, app, DEVELOPER, "write").await?;
        self.forge.add_collaborator(TEAM, app, &login("build").0, "read").await
    }
}

/// What stands in the examples' files for hosts, and what it is here.
#[derive(Clone, Debug)]
pub struct Hosts(Vec<(String, String)>);

impl Hosts {
    fn of(forge: &Forge, registry: &Registry) -> Self {
        Self(vec![
            ("https://git.example".into(), forge.base_url().trim_end_matches('/').into()),
            ("registry.example".into(), registry.host()),
        ])
    }

    /// A file of the examples with this landscape's hosts.
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (example, here)| text.replace(example, here))
    }

    /// All documents below a folder of the examples with this landscape's hosts.
    pub fn read(&self, path: &Path) -> Result<Vec<serde_json::Value>> {
        let documents = crate::manifests::read(path)?;
        let text = self.fill(&serde_json::to_string(&documents)?);
        serde_json::from_str(&text).context("filling in hosts")
    }

    /// Hosts that may be asked over http, for the programs' flag.
    pub fn plain_http(&self) -> String {
        let host = |here: &String| here.trim_start_matches("http://").to_owned();
        self.0.iter().map(|(_, here)| host(here)).collect::<Vec<_>>().join(",")
    }
}

/// The name and password by which a cluster reaches the forge.
pub(crate) fn login(cluster: &str) -> (String, String) {
    (format!("{cluster}-cluster"), PASSWORD.to_owned())
}

/// The account of who reviews and merges what goes into an environment's branch.
fn maintainer(environment: &str) -> String {
    format!("{environment}-maintainer")
}

/// Repositories, a developer, maintainers, and for each cluster an account of its own that can do no more than it
/// must.
async fn accounts(forge: &Forge, example: Example, parts: &[Part]) -> Result<()> {
    forge.create_org(TEAM).await?;
    forge.create_user(DEVELOPER, PASSWORD).await?;
    for repository in example.configurations().iter().copied().chain([APP]) {
        make_private(forge, repository).await?;
        forge.add_collaborator(TEAM, repository, DEVELOPER, "write").await?;
    }
    for environment in example.maintained() {
        let user = maintainer(environment);
        forge.create_user(&user, PASSWORD).await?;
        forge.add_collaborator(TEAM, CONFIG, &user, "write").await?;
    }
    for part in parts {
        let (user, password) = login(part.name());
        forge.create_user(&user, &password).await?;
        for (repository, permission) in example.grants(part.name()) {
            forge.add_collaborator(TEAM, repository, &user, permission).await?;
        }
    }
    Ok(())
}

/// The branches that maintainers make, with nothing of an application in them: nobody pushes there but
/// as the example says.
async fn environments(forge: &Forge, example: Example) -> Result<()> {
    for (branch, rule) in example.branches() {
        let readme = format!("What runs in {branch}.\n");
        let files: &[(&str, Option<&[u8]>)] = &[("README.md", Some(readme.as_bytes()))];
        forge.commit_files(TEAM, CONFIG, branch, files, &format!("Begin {branch}")).await?;
        forge.protect_branch(TEAM, CONFIG, rule).await?;
    }
    // Who clones it sees something.
    if let Some((branch, _)) = example.branches().first() {
        let path = format!("/repos/{TEAM}/{CONFIG}");
        let body = Some(json!({"default_branch": branch}));
        let (status, answer) = forge.api(Method::PATCH, &path, body).await?;
        anyhow::ensure!(status == 200, "making {branch} the default: {status} {answer}");
    }
    Ok(())
}

async fn make_private(forge: &Forge, repository: &str) -> Result<()> {
    forge.create_repo(TEAM, repository, false).await?;
    let path = format!("/repos/{TEAM}/{repository}");
    let (status, answer) = forge.api(Method::PATCH, &path, Some(json!({"private": true}))).await?;
    anyhow::ensure!(status == 200, "making {repository} private: {status} {answer}");
    Ok(())
}
