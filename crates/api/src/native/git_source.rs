//! GitSource: follows a place in a git repository and offers its tree as a tarball.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{LocalRef, interval};
use crate::condition::Condition;

/// Follows a branch, tag, semver range or commit of a git repository and offers the tree as a
/// content-addressed tarball: read `.status.artifact.url` and `.status.artifact.revision`.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "GitSource",
    plural = "gitsources",
    shortname = "gs",
    category = "portolan",
    namespaced,
    status = "GitSourceStatus",
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
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.artifact.revision"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
pub struct GitSourceSpec {
    /// Url of the repository: https or ssh; http only for hosts the controller allows. User names
    /// and passwords go into the Secret that `secretRef` names, never into the url.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = (
        "self.matches('^(https?|ssh)://[^/]+/.+')",
        "url must start with https:// or ssh:// (http:// for hosts the controller allows) and name a repository"
    ))]
    #[x_kube(validation = (
        "!self.matches('^https?://[^/]*@')",
        "url must not contain a user name or password: put them into a Secret and name it in secretRef"
    ))]
    pub url: String,
    /// What to follow. Exactly one of its members; default: branch `main`.
    #[serde(default, rename = "ref")]
    pub ref_: GitSourceRef,
    /// Folder of the repository that matters; a commit elsewhere changes nothing. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = (
        "!self.startsWith('/') && !self.split('/').exists(p, p == '..')",
        "path must be relative and stay inside the repository"
    ))]
    pub path: Option<String>,
    /// gitignore patterns, relative to the repository; matching files are left out of the tarball.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub ignore: Vec<String>,
    /// Secret with the credentials for the repository; default: none are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalRef>,
    /// Accept only commits or tags signed by known keys. Not supported yet: a GitSource that sets
    /// it stalls and offers nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<VerifySignature>,
    /// How often the repository is asked for news; at least 1s.
    #[serde(default = "interval")]
    #[schemars(schema_with = "crate::schema::span")]
    #[x_kube(validation = ("duration(self) >= duration('1s')", "interval must be at least 1s"))]
    pub interval: String,
    /// True: no work and no polling; the last artifact stays.
    #[serde(default)]
    pub suspend: bool,
}

/// A place in a git repository: exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = (
    "[has(self.branch), has(self.tag), has(self.semver), has(self.commit), has(self.name)].filter(set, set).size() == 1",
    "ref must name exactly one of branch, tag, semver, commit and name"
))]
pub struct GitSourceRef {
    /// Follow the tip of this branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub branch: Option<String>,
    /// Follow this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub tag: Option<String>,
    /// Follow the highest tag in this range of semantic versions, for example `>=1.2, <2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub semver: Option<String>,
    /// Take this commit: 40 or 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9a-f]{40}|[0-9a-f]{64})$"))]
    pub commit: Option<String>,
    /// Follow this full reference name, for example `refs/heads/main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^refs/.+"), length(max = 255))]
    pub name: Option<String>,
}

impl Default for GitSourceRef {
    fn default() -> Self {
        Self { branch: Some("main".into()), tag: None, semver: None, commit: None, name: None }
    }
}

/// Which signatures are demanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifySignature {
    /// Secret whose values are allowed signers.
    pub keys_ref: LocalRef,
    /// What must be signed.
    pub subject: SignedSubject,
}

/// What must be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignedSubject {
    /// The commit.
    Commit,
    /// The tag.
    Tag,
}

/// What a GitSource offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitSourceStatus {
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
    /// The tree that is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<GitArtifact>,
}

/// A tree as a tarball.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GitArtifact {
    /// Where the tarball is served.
    pub url: String,
    /// The newest commit known in which the tree changed.
    pub revision: String,
    /// git tree id of `path` after `ignore`.
    pub tree: String,
    /// The reference that is followed.
    #[serde(rename = "ref")]
    pub ref_: String,
    /// `sha256:` digest of the tarball: same tree, same bytes.
    pub digest: String,
    /// Size of the tarball in bytes.
    pub size: i64,
    /// The commit of `revision`, for people.
    pub commit: GitCommit,
}

/// A commit, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GitCommit {
    /// `Name <email>` of the author.
    pub author: String,
    /// Commit time.
    pub time: String,
    /// First line of the message.
    pub subject: String,
}
