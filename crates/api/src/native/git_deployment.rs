//! GitDeployment: applies a revision's manifests as a given ServiceAccount.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{ArtifactRef, LocalRef};
use crate::choreography::health::HealthRule;
use crate::condition::Condition;

/// Applies a revision's manifests by server-side apply as a ServiceAccount of its namespace; prunes
/// what a revision no longer holds, waits for health and puts drift right. Read
/// `.status.observedRevision`.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "GitDeployment",
    plural = "gitdeployments",
    shortname = "gd",
    category = "portolan",
    namespaced,
    status = "GitDeploymentStatus",
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
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.observedRevision"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[x_kube(validation = (
    "has(self.source) != has(self.sourceRef)",
    "exactly one of source and sourceRef must be set"
))]
#[serde(rename_all = "camelCase")]
pub struct GitDeploymentSpec {
    /// The tree that holds the manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ArtifactRef>,
    /// GitSource of this namespace whose artifact is followed, where no delivery does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<LocalRef>,
    /// Directory of the tree whose YAML and JSON files are applied; default: all of it.
    #[serde(default = "root")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = (
        "self == '.' || !self.split('/').exists(p, p == '' || p == '.' || p == '..')",
        "path must be relative and stay inside the tree"
    ))]
    pub path: String,
    /// Namespace of objects that name none; default: the namespace of this GitDeployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub target_namespace: Option<String>,
    /// ServiceAccount of this namespace by which everything is applied and pruned.
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: String,
    /// True: objects that a revision no longer holds are deleted.
    #[serde(default = "yes")]
    pub prune: bool,
    /// Whether an object is deleted and made again when a change of it is refused as immutable.
    #[serde(default)]
    pub force: Force,
    /// Whether objects that nobody of ours made are taken over.
    #[serde(default)]
    pub adopt: Adopt,
    /// Lets a revision that holds nothing, or less than half of the objects before, prune the rest.
    #[serde(default)]
    pub allow_shrink: bool,
    /// What becomes of the objects when this GitDeployment is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// What happens when a revision is not healthy in time.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// How long objects may take to become healthy.
    #[serde(default = "timeout")]
    #[schemars(schema_with = "crate::schema::span")]
    #[x_kube(validation = ("duration(self) >= duration('1s')", "timeout must be at least 1s"))]
    pub timeout: String,
    /// Health rules for kinds whose status the standard rules misread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub health: Vec<HealthOverride>,
    /// The next revision waits for this one's verdict. Not supported yet: a GitDeployment that sets
    /// it stalls and applies nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// True: no work; objects stay as they are.
    #[serde(default)]
    pub suspend: bool,
}

fn root() -> String {
    ".".into()
}

fn yes() -> bool {
    true
}

fn timeout() -> String {
    "5m".into()
}

/// Whether objects are deleted and made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Force {
    /// A change that is refused as immutable stays refused.
    #[default]
    Never,
    /// The object is deleted and made again.
    OnImmutable,
}

/// Whether objects of nobody are taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Adopt {
    /// Objects without an owner are taken over.
    #[default]
    Unowned,
    /// An object that exists already stalls the revision.
    Never,
}

/// What becomes of applied objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They are deleted.
    #[default]
    Prune,
    /// They stay.
    Orphan,
}

/// What happens to a revision that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnFailure {
    /// It stays applied for people to look at.
    #[default]
    Keep,
    /// The last good revision is put back. Not supported yet: a GitDeployment that sets it stalls.
    Revert,
}

/// A health rule for one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthOverride {
    /// `apiVersion` of the kind.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The rule.
    pub rule: HealthRule,
}

/// What the next revision waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Verification of this namespace.
    pub verification_ref: LocalRef,
}

/// What a GitDeployment has applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitDeploymentStatus {
    /// Generation of the spec this status was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, and `Reconciling`, `Stalled`, `DriftNotWatched` or `Contested` while they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The last `portolan.carto.run/requestedAt` that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_request: Option<String>,
    /// The revision that was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted_revision: Option<String>,
    /// When the revision was first tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted_at: Option<String>,
    /// The revision that was last applied whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_revision: Option<String>,
    /// Digest of the objects that were applied whole, as long as nothing else was tried since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_digest: Option<String>,
    /// Since when not every object is healthy: since the revision was applied, or since one of them
    /// ceased to be. `timeout` counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy_since: Option<String>,
    /// The revision that is live with every object healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_revision: Option<String>,
    /// Url of the tree of `observedRevision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The objects that belong to this GitDeployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// Objects that are not healthy, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectHealth>,
    /// Objects of the revision that the API server was not asked about before the first write, each
    /// with why, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<String>,
}

/// The objects that belong to a GitDeployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// One entry an object.
    pub entries: Vec<InventoryEntry>,
}

/// An object of an inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct InventoryEntry {
    /// `<namespace>_<name>_<group>_<kind>`.
    pub id: String,
    /// API version.
    pub v: String,
    /// True: it was taken over, and no revision with it was healthy yet; it is not pruned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
}

/// An object that is not healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectHealth {
    /// `<kind>[.<group>] <namespace>/<name>`.
    #[serde(rename = "ref")]
    pub ref_: String,
    /// `InProgress`, `Failed`, `Terminating`, `NotFound`, `Unchecked` or `Unknown`.
    pub health: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}
