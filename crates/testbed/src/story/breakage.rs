//! How a change breaks an application, so that staging stops it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::landscape::{Landscape, Member, Nodes};
use crate::wait::eventually;

/// Longest time a parameter may take to be in the manifests; it only ends what would hang.
const DEADLINE: Duration = Duration::from_mins(3);

/// What the application asks for when nothing is wrong.
const CPU: &str = "100m";

/// How the third round breaks the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// It asks for more cpus than any node has. Also a fake node refuses that.
    Cpu,
    /// Its start page is gone: it runs, and is never ready. Takes nodes that run it.
    Page,
}

impl Breakage {
    /// The one that a landscape's nodes can show.
    pub fn of(landscape: &Landscape) -> Self {
        match landscape.nodes {
            Nodes::Fake => Self::Cpu,
            Nodes::Real => Self::Page,
        }
    }

    /// What is wrong, for the title of the round.
    pub fn told(self) -> &'static str {
        match self {
            Self::Cpu => "asks for 64 cpus, which no node has",
            Self::Page => "has no start page any more, and is never ready",
        }
    }

    /// Words that staging's reason has to have.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Cpu => "Insufficient cpu",
            Self::Page => "Unhealthy",
        }
    }

    /// Files of the source that are others in a broken version; `None` is a file that goes.
    pub fn source(self) -> Vec<(&'static str, Option<Vec<u8>>)> {
        match self {
            Self::Cpu => Vec::new(),
            Self::Page => {
                let moved = b"<p>the page is here now</p>\n".to_vec();
                vec![("site/index.html", None), ("site/start.html", Some(moved))]
            }
        }
    }

    /// What is to be done in the build cluster before the broken version is pushed.
    pub async fn make(self, landscape: &Landscape, app: &str) -> Result<()> {
        match self {
            Self::Cpu => set_cpu(&landscape.build, app, "64").await,
            Self::Page => Ok(()),
        }
    }

    /// What is to be done in the build cluster before a version that works is pushed.
    pub async fn mend(self, landscape: &Landscape, app: &str) -> Result<()> {
        match self {
            Self::Cpu => set_cpu(&landscape.build, app, CPU).await,
            Self::Page => Ok(()),
        }
    }
}

/// Sets the Workload's parameter `cpu`, as a developer edits the file, and waits until the manifests
/// have it: what is pushed next is not to be written without.
async fn set_cpu(build: &Member, app: &str, cpu: &str) -> Result<()> {
    let mut documents = build.example_for("team/workload.yaml", app)?;
    for document in &mut documents {
        if let Some(params) = document["spec"]["params"].as_array_mut() {
            params.retain(|param| param["name"] != "cpu");
            params.push(json!({"name": "cpu", "value": cpu}));
        }
    }
    let asks = format!("cpu: \"{cpu}\"");
    eventually(&format!("the manifests of {app} to ask for {cpu}"), DEADLINE, async || {
        build.apply(&documents).await?;
        let manifests = build.object("v1", "ConfigMap", &format!("{app}-manifests")).await?;
        let manifest = manifests["data"]["deployment.yaml"].as_str();
        Ok(manifest.context("there are manifests")?.contains(&asks).then_some(()))
    })
    .await
}
