//! GitWriter: puts files, or a tree taken from another branch, at a path of a branch.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{LocalRef, interval};
use crate::condition::Condition;

/// Puts files, or a tree taken from another branch, at a path of a branch, and optionally opens and
/// merges a pull request. Read `.status.revision`, `.status.branch` and `.status.url`.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "GitWriter",
    plural = "gitwriters",
    shortname = "gw",
    category = "portolan",
    namespaced,
    status = "GitWriterStatus",
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
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.revision"),
    printcolumn(name = "Request", type_ = "integer", json_path = ".status.pullRequest.number"),
    printcolumn(
        name = "Merged",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Merged')].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[x_kube(validation = (
    "!(self.exclusive && self.path == '.')",
    "exclusive is refused for path '.': it would remove everybody's files"
))]
#[x_kube(validation = (
    "!has(self.pullRequest) || (has(self.base) && self.base != self.branch)",
    "pullRequest needs base: the branch that requests go to, another than branch"
))]
#[serde(rename_all = "camelCase")]
pub struct GitWriterSpec {
    /// The repository that is written to.
    pub repository: WriterRepository,
    /// The branch that is written.
    #[schemars(length(min = 1, max = 200))]
    #[x_kube(validation = ("self == oldSelf", "branch cannot change: delete this GitWriter and make another"))]
    pub branch: String,
    /// Where `branch` starts, and the goal of its content; absent: `branch` is its own goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub base: Option<String>,
    /// True: an empty repository gets `base` as an empty root commit.
    #[serde(default)]
    pub create_base: bool,
    /// The directory of this writer, relative to the repository; `.` is its root.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = ("self == oldSelf", "path cannot change: delete this GitWriter and make another"))]
    #[x_kube(validation = (
        "self == '.' || !self.split('/').exists(p, p == '' || p == '.' || p == '..' || p.lowerAscii() == '.git' || p == '.portolan')",
        "path must be relative, without empty, '.', '..', '.git' and '.portolan' parts"
    ))]
    pub path: String,
    /// True: files of others in `path` are removed.
    #[serde(default)]
    pub exclusive: bool,
    /// What is written. Exactly one of its members.
    pub content: WriterContent,
    /// How commits are made.
    #[serde(default)]
    pub commit: WriterCommit,
    /// Where the content comes from; stands in the record and in the commit's trailers.
    #[serde(default)]
    pub provenance: WriterProvenance,
    /// Write only what a Verification vouches for at the moment of the push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<VerifiedBy>,
    /// Requests from `branch` to `base`; absent: the forge is never asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<WriterPullRequest>,
    /// Writer `<cluster>/<namespace>/<name>` whose path this writer takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 600))]
    pub take_over: Option<String>,
    /// True: deleting this GitWriter removes, in one commit, what its record lists.
    #[serde(default)]
    pub prune: bool,
    /// How often the repository is asked for news; at least 1s.
    #[serde(default = "interval")]
    #[schemars(schema_with = "crate::schema::span")]
    #[x_kube(validation = ("duration(self) >= duration('1s')", "interval must be at least 1s"))]
    pub interval: String,
    /// True: no work and no polling; status stays.
    #[serde(default)]
    pub suspend: bool,
}

/// A repository to write to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterRepository {
    /// Url of the repository: https or ssh; http only for hosts the controller allows.
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
    /// Secret with the credentials for the repository; default: none are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalRef>,
}

/// What is written: exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = (
    "has(self.files) != has(self.tree)",
    "content must have exactly one of files and tree"
))]
pub struct WriterContent {
    /// Files by path relative to `spec.path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<BTreeMap<String, String>>,
    /// A tree of another place in git, for promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<WriterTree>,
}

/// A tree of another place in git.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct WriterTree {
    /// Url of the tarball, as in `.status.artifact.url` of a GitSource.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Revision the tarball was made from.
    #[schemars(length(min = 1, max = 512))]
    pub revision: String,
    /// Directory in the tarball whose files are taken, but those below `.portolan/`.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = (
        "self == '.' || !self.split('/').exists(p, p == '' || p == '.' || p == '..')",
        "path must be relative and stay inside the tree"
    ))]
    pub path: String,
    /// Files below `.portolan/` to take along, relative to `path`; never the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub include: Vec<String>,
    /// Digest of the tarball, `sha256:<hex>`; needed for urls that do not carry it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
}

/// How commits are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterCommit {
    /// Message; default: a subject that names writer and path. Trailers are added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16384))]
    pub message: Option<String>,
    /// Author; default: `Portolan <portolan@localhost>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<CommitAuthor>,
    /// Secret with the SSH key that signs commits. Not supported yet: a GitWriter that sets it
    /// stalls; it never writes unsigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_secret_ref: Option<LocalRef>,
}

/// Author of commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommitAuthor {
    /// Name.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// Email address.
    #[schemars(length(min = 1, max = 200))]
    pub email: String,
}

/// Where content comes from. For people and for tracing; it never authorises anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterProvenance {
    /// Workload, `<namespace>/<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 600))]
    pub workload: Option<String>,
    /// Source repository and revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ProvenanceSource>,
    /// Image by digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub image: Option<String>,
    /// Supply chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub supply_chain: Option<String>,
}

/// A source revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProvenanceSource {
    /// Url of the source repository.
    #[schemars(length(max = 2048))]
    pub url: String,
    /// Revision in it.
    #[schemars(length(max = 512))]
    pub revision: String,
}

/// Which verdict is demanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedBy {
    /// Verification of this namespace whose `status.verified` must equal `content.tree`.
    pub verification_ref: LocalRef,
}

/// Requests from `branch` to `base`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterPullRequest {
    /// True: requests are opened; false: people open them and they are only observed.
    #[serde(default = "yes")]
    pub open: bool,
    /// Kind of forge; default: told by the host, else asked from the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge: Option<Forge>,
    /// Title of requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Text of requests, above what Portolan adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Labels of requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// People who are asked for a review.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviewers: Vec<String>,
    /// True: requests are opened as drafts.
    #[serde(default)]
    pub draft: bool,
    /// Who merges.
    #[serde(default)]
    pub merge: MergePolicy,
    /// What `whenReady` demands, beside what the forge demands.
    #[serde(default)]
    pub required: MergeRequirements,
    /// True: `branch` is deleted once it is merged.
    #[serde(default)]
    pub delete_branch: bool,
}

fn yes() -> bool {
    true
}

/// A kind of forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Forge {
    /// Gitea and Forgejo.
    Gitea,
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
}

/// Who merges requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MergePolicy {
    /// People.
    #[default]
    Manual,
    /// Portolan, once everything required is given for the reviewed head.
    WhenReady,
}

/// What a merge demands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MergeRequirements {
    /// Approvals by people.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub approvals: i32,
    /// Checks that must have succeeded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
}

/// What a GitWriter has written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitWriterStatus {
    /// Generation of the spec this status was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Merged`, and `Reconciling`, `Stalled` or `Edited` while they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The last `portolan.carto.run/requestedAt` that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_request: Option<String>,
    /// The goal's commit that brought the content, until then the branch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The branch that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Digest of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Id of the passage the content belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passage: Option<String>,
    /// The request from `branch` to `base`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequestStatus>,
}

/// A request as it stands on the forge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullRequestStatus {
    /// Number on the forge.
    pub number: i64,
    /// Page of the request.
    pub url: String,
    /// `open`, `merged` or `closed`.
    pub state: String,
    /// Commit at the head of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Combined state of the checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<String>,
    /// Commit by which the request was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_revision: Option<String>,
}
