//! Images: layers, a configuration and a manifest that names them by digest.
//!
//! **Invariant:** configuration and manifest are canonical JSON, keys in order and no white space, so that equal images
//! have equal digests.

mod base;
mod config;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::digest::Digest;
use crate::error::Error;
use crate::layer::Layer;
use crate::platform::Platform;
pub use base::BaseImage;
pub(crate) use base::{Manifest as RawManifest, Origin};

/// Media types that we write.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// No registry takes more.
const MANIFEST_BYTES: usize = 4 << 20;
/// No runtime takes more.
const LAYERS: usize = 127;

/// Bytes with a name: what registries store.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    /// Media type.
    pub media_type: String,
    /// Digest of the bytes.
    pub digest: Digest,
    /// The bytes.
    pub data: Bytes,
}

impl Blob {
    fn json(media_type: &str, value: &Value) -> Self {
        let data = Bytes::from(value.to_string());
        Self { media_type: media_type.into(), digest: Digest::of(&data), data }
    }

    /// How a manifest names it.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.digest.clone(),
            size: self.data.len() as u64,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.media_type, self.digest, self.data.len())
    }
}

/// How a manifest names a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type.
    pub media_type: String,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Number of the bytes.
    pub size: u64,
    /// Where else the bytes are; registries do not store such blobs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// What else is said about them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// How an image runs. What is empty is taken from the base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// Program and its fixed arguments. Arguments of the base go with the base's entrypoint.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub args: Vec<String>,
    /// Environment variables, added to those of the base.
    pub env: Vec<(String, String)>,
    /// User and group.
    pub user: Option<String>,
    /// Folder the program starts in.
    pub working_dir: Option<String>,
    /// TCP ports the program listens on.
    pub ports: Vec<u16>,
    /// Labels, added to those of the base.
    pub labels: BTreeMap<String, String>,
}

/// What an image is made of.
#[derive(Clone, Debug)]
pub struct ImageSpec {
    /// Layers, from below.
    pub layers: Vec<Layer>,
    /// How it runs.
    pub config: ImageConfig,
    /// What it runs on; a base image must fit it.
    pub platform: Platform,
    /// Annotations of the manifest, such as `org.opencontainers.image.source`.
    pub annotations: BTreeMap<String, String>,
    /// When it was made, in RFC 3339: the time of the commit, not of the build.
    pub created: String,
    /// What it stands on; none: on nothing.
    pub base: Option<BaseImage>,
}

/// An assembled image.
#[derive(Clone, Debug)]
pub struct Image {
    /// The manifest.
    pub manifest: Blob,
    /// The configuration.
    pub config: Blob,
    /// The layers that are new, from below; the base's are below them.
    pub layers: Vec<Blob>,
    /// The base's layers, from below.
    pub base_layers: Vec<Descriptor>,
    /// Where the base's layers are.
    pub(crate) origin: Option<Origin>,
}

impl Image {
    /// Assembles an image. No clock, no chance: equal specs are equal images.
    pub fn assemble(spec: ImageSpec) -> Result<Self, Error> {
        let config = Blob::json(CONFIG, &config::config(&spec)?);
        let (base_layers, origin) = match spec.base {
            Some(base) => (base.layers, Some(base.origin)),
            None => (Vec::new(), None),
        };
        let layers: Vec<Blob> = spec.layers.into_iter().map(|layer| layer.blob).collect();
        if base_layers.len() + layers.len() > LAYERS {
            return Err(invalid(&format!("it would have more than {LAYERS} layers")));
        }
        let descriptors: Vec<Descriptor> =
            base_layers.iter().cloned().chain(layers.iter().map(Blob::descriptor)).collect();
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": descriptors,
        });
        if !spec.annotations.is_empty() {
            manifest["annotations"] = json!(spec.annotations);
        }
        let manifest = Blob::json(MANIFEST, &manifest);
        if manifest.data.len() > MANIFEST_BYTES {
            return Err(invalid("its annotations are longer than a registry takes"));
        }
        Ok(Self { manifest, config, layers, base_layers, origin })
    }

    /// Digest of the manifest: the digest of the image.
    pub fn digest(&self) -> &Digest {
        &self.manifest.digest
    }
}

fn invalid(problem: &str) -> Error {
    Error::InvalidImage { problem: problem.into() }
}

#[cfg(test)]
mod tests;
