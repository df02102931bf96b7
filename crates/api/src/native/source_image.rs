//! SourceImage: packs a source revision into an image and pushes it.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{ArtifactRef, LocalRef};
use crate::condition::Condition;

/// Packs a source revision onto a base image, or onto nothing, and pushes it to a registry. It runs
/// no build command; same inputs give the same digest on any machine. Read `.status.latestImage`.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "SourceImage",
    plural = "sourceimages",
    shortname = "si",
    category = "portolan",
    namespaced,
    status = "SourceImageStatus",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(name = "Image", type_ = "string", json_path = ".status.latestImage"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
pub struct SourceImageSpec {
    /// The source tree to pack.
    pub source: ArtifactRef,
    /// Image to pack onto, best with its digest; default: from scratch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub base: Option<String>,
    /// What goes into the image; default: the whole source tree at `/`.
    #[serde(default = "whole_tree")]
    #[schemars(length(min = 1, max = 64))]
    pub layers: Vec<ImageLayer>,
    /// How the image runs.
    #[serde(default)]
    pub config: ImageConfig,
    /// Repository to push to, without a tag: the tag is the first 12 digits of the commit id.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = (
        "!self.contains('@') && !self.matches(':[^/]*$') && self.matches('^[^/]*[.:][^/]*/.+|^localhost/.+')",
        "image must be a repository with its registry, such as registry.example/team/app, without tag and digest"
    ))]
    pub image: String,
    /// Platform of the image.
    #[serde(default = "platform")]
    #[schemars(regex(pattern = r"^[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?$"))]
    pub platform: String,
    /// Secret with the credentials for the registry; default: none are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalRef>,
    /// True: no work; the last image stays.
    #[serde(default)]
    pub suspend: bool,
}

/// Files of the source tree and their place in the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ImageLayer {
    /// File or folder of the source tree; `.` is all of it.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = (
        "!self.startsWith('/') && !self.split('/').exists(p, p == '..')",
        "from must be relative and stay inside the source tree"
    ))]
    pub from: String,
    /// Absolute path in the image. A folder's content goes below it; a file becomes it, or goes
    /// below it where it ends with `/`.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = ("self.startsWith('/')", "to must be an absolute path"))]
    pub to: String,
    /// Octal mode of the files, such as `0755`; default: as in the source tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^0?[0-7]{3,4}$"))]
    pub mode: Option<String>,
}

/// How an image runs. What is absent is taken from the base.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageConfig {
    /// Program and its fixed arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Default arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Environment variables, added to those of the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<ImageEnv>,
    /// User and group, such as `65532` or `65532:65532`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Folder the program starts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// TCP ports the program listens on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<i32>,
    /// Labels of the image.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub labels: std::collections::BTreeMap<String, String>,
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageEnv {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

fn whole_tree() -> Vec<ImageLayer> {
    vec![ImageLayer { from: ".".into(), to: "/".into(), mode: None }]
}

fn platform() -> String {
    "linux/amd64".into()
}

/// What a SourceImage offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceImageStatus {
    /// Generation of the spec this status was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, and `Reconciling` or `Stalled` while they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The last `portolan.carto.run/requestedAt` that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_request: Option<String>,
    /// The pushed image by digest: `repository@sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_image: Option<String>,
    /// What `latestImage` was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_from: Option<BuiltFrom>,
}

/// What an image was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BuiltFrom {
    /// Revision of the source.
    pub revision: String,
    /// Digest over the source and every setting that decides the image.
    pub digest: String,
}
