//! Base images: what is known of them without their layers.

use serde::Deserialize;
use serde_json::Value;

use super::{CONFIG, Descriptor, LAYER};
use crate::credential::Credential;
use crate::digest::Digest;
use crate::error::Error;
use crate::platform::Platform;
use crate::reference::Repository;
use crate::text::shown;

const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER_PREFIX: &str = "application/vnd.oci.image.layer.";
/// Docker's names of what OCI named later; the bytes are the same.
const DOCKER_LAYERS: [(&str, &str); 3] = [
    ("application/vnd.docker.image.rootfs.diff.tar.gzip", LAYER),
    ("application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar"),
    (
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    ),
];

/// A base image: its digest, its configuration and the descriptors of its layers.
#[derive(Clone, Debug)]
pub struct BaseImage {
    /// Digest of its manifest for the platform.
    pub(crate) digest: Digest,
    /// Its configuration, an object.
    pub(crate) config: Value,
    /// Its layers, from below.
    pub(crate) layers: Vec<Descriptor>,
    /// Where they are.
    pub(crate) origin: Origin,
}

/// Where the layers of a base image are, and how to get in.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) repository: Repository,
    pub(crate) credential: Credential,
}

/// The part of a manifest that matters to us.
#[derive(Deserialize)]
pub(crate) struct Manifest {
    pub(crate) config: RawDescriptor,
    #[serde(default)]
    layers: Vec<RawDescriptor>,
}

/// A descriptor as it came.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawDescriptor {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

impl Manifest {
    /// The digest of the configuration, where it is one of a container image.
    pub(crate) fn image_config(&self) -> Result<Digest, String> {
        match self.config.media_type.as_str() {
            CONFIG | DOCKER_CONFIG => self.config.digest(),
            other => Err(format!("it is no container image but `{}`", shown(other))),
        }
    }
}

impl RawDescriptor {
    fn digest(&self) -> Result<Digest, String> {
        Digest::parse(&self.digest)
            .ok_or_else(|| format!("`{}` is no sha256 digest", shown(&self.digest)))
    }

    fn layer(self) -> Result<Descriptor, String> {
        let renamed = DOCKER_LAYERS.iter().find(|(docker, _)| *docker == self.media_type);
        let media_type = renamed.map_or(self.media_type.as_str(), |(_, oci)| oci);
        if !media_type.starts_with(LAYER_PREFIX) {
            return Err(format!("it has a layer of the unknown type `{}`", shown(media_type)));
        }
        Ok(Descriptor {
            digest: self.digest()?,
            media_type: media_type.to_owned(),
            size: self.size,
            urls: self.urls,
            annotations: self.annotations,
        })
    }
}

impl BaseImage {
    /// Reads manifest and configuration; the error is what is wrong with them.
    pub(crate) fn read(
        digest: Digest,
        manifest: Manifest,
        config: &[u8],
        origin: Origin,
    ) -> Result<Self, String> {
        let config: Value = serde_json::from_slice(config)
            .map_err(|_| "its configuration is no JSON".to_owned())?;
        let layers: Vec<Descriptor> =
            manifest.layers.into_iter().map(RawDescriptor::layer).collect::<Result<_, _>>()?;
        let base = Self { digest, config, layers, origin };
        if base.diff_ids().len() != base.layers.len() {
            return Err("its configuration and its manifest count layers differently".into());
        }
        Ok(base)
    }

    /// Digest of the manifest it was resolved to, for `org.opencontainers.image.base.digest`.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What it runs on.
    pub fn platform(&self) -> Platform {
        let text = |key: &str| self.config[key].as_str();
        Platform::new(
            text("os").unwrap_or_default(),
            text("architecture").unwrap_or_default(),
            text("variant"),
        )
    }

    pub(super) fn diff_ids(&self) -> &[Value] {
        self.config["rootfs"]["diff_ids"].as_array().map_or(&[], Vec::as_slice)
    }
}

impl BaseImage {
    /// Whether it is one for `platform`.
    pub(crate) fn check(&self, platform: &Platform) -> Result<(), Error> {
        let own = self.platform();
        if platform.accepts(&own) {
            return Ok(());
        }
        let problem =
            format!("the base image is for {}, not for {platform}", shown(&own.to_string()));
        Err(Error::InvalidImage { problem })
    }
}
