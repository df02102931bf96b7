//! What runs the pods of a landscape, and the images that it needs beforehand.

use anyhow::{Context as _, Result};
use bytes::Bytes;

use super::program::binary;
use crate::RealNode;
use crate::image::{self, ImageConfig, LayerFile};
use crate::registry::Registry;
use crate::room::{Number, OUTSIDE};

/// What runs pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nodes {
    /// Nothing: a fake node says that they run. Needs no rights.
    #[default]
    Fake,
    /// containerd and crun, in a room for each cluster; this process must be in the
    /// [outside](crate::room::enter).
    Real,
}

impl Nodes {
    /// Address of the forge and the registry.
    pub fn host(self) -> &'static str {
        match self {
            Self::Fake => "127.0.0.1",
            Self::Real => OUTSIDE,
        }
    }
}

/// Images that are there before anything is deployed: the base that the examples name, and what a pod
/// stands on.
pub struct Images {
    /// What holds a pod's namespaces, with real nodes.
    pause: Option<String>,
}

/// A web server and much else, alone in one file that links nothing.
const BUSYBOX: &str = "/bin/busybox";

impl Images {
    /// Pushes them. Where nothing is run the base only has to be there.
    pub async fn push(registry: &Registry, nodes: Nodes) -> Result<Self> {
        let program = match nodes {
            Nodes::Fake => Bytes::from_static(b"nothing runs this"),
            Nodes::Real => {
                std::fs::read(BUSYBOX).with_context(|| format!("reading {BUSYBOX}"))?.into()
            }
        };
        let push = async |name: &str, command: &[&str]| {
            let config = ImageConfig {
                entrypoint: command.iter().map(|&word| word.to_owned()).collect(),
                ..ImageConfig::default()
            };
            let file = LayerFile { path: BUSYBOX.into(), mode: 0o755, data: program.clone() };
            image::push_files(vec![file], config, &registry.host(), name).await
        };
        push("base/httpd:1", &["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/site"]).await?;
        let pause = match nodes {
            Nodes::Fake => None,
            Nodes::Real => Some(push("pause:1", &["/bin/busybox", "sleep", "2147483647"]).await?),
        };
        Ok(Self { pause })
    }

    /// How a cluster gets its real node, where it has one.
    pub fn real_node(&self, registry: &Registry, number: u8) -> Option<RealNode> {
        let pause = self.pause.clone()?;
        Some(RealNode { room: Number(number), registry: registry.host(), pause })
    }
}

/// Pushes the programs that were built beside the running one, where pods run them; the image by digest.
pub(super) async fn push_programs(registry: &Registry, nodes: Nodes) -> Result<Option<String>> {
    if nodes == Nodes::Fake {
        return Ok(None);
    }
    let program = binary("portolan-delivery")?;
    let folder = program.parent().context("a program lies in a folder")?;
    Ok(Some(image::push(folder, &registry.host(), "portolan").await?))
}
