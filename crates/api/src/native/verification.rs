//! Verification: checks what is deployed and vouches for the revision.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::common::LocalRef;
use crate::condition::Condition;

/// Checks what is deployed and vouches for the revision: read `.status.verified.url` and
/// `.status.verified.revision`. A verdict counts only for the revision that was live from the first
/// check to the last.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "Verification",
    plural = "verifications",
    shortname = "vf",
    category = "portolan",
    namespaced,
    status = "VerificationStatus",
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
    printcolumn(name = "Verified", type_ = "string", json_path = ".status.verified.revision"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
pub struct VerificationSpec {
    /// What is vouched for.
    pub subject: Subject,
    /// Checks that run side by side; the first final failure decides.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = (
        "self.all(a, self.filter(b, b.name == a.name).size() == 1)",
        "names of checks must be unique"
    ))]
    pub checks: Vec<Check>,
    /// ServiceAccount of this namespace by which objects and Services are read.
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: String,
    /// How long all checks together may take.
    #[serde(default = "timeout")]
    #[schemars(schema_with = "crate::schema::span")]
    #[x_kube(validation = ("duration(self) >= duration('1s')", "timeout must be at least 1s"))]
    pub timeout: String,
    /// True: no checks; the last verdict stays.
    #[serde(default)]
    pub suspend: bool,
}

fn timeout() -> String {
    "10m".into()
}

/// What is vouched for: a revision that a GitDeployment has live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// Url of the tree.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Revision of the tree.
    #[schemars(length(min = 1, max = 512))]
    pub revision: String,
    /// GitDeployment of this namespace whose `observedRevision` must be the revision.
    pub deployment_ref: LocalRef,
}

/// A check: a name and exactly one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = (
    "[has(self.http), has(self.object), has(self.job), has(self.prometheus)].filter(set, set).size() == 1",
    "a check must have exactly one of http, object, job and prometheus"
))]
pub struct Check {
    /// Name, unique in this Verification.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Ask a Service, or a url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpCheck>,
    /// Look at an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectCheck>,
    /// Run a Job. Not supported yet: a Verification that sets it stalls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobCheck>,
    /// Ask a metrics server. Not supported yet: a Verification that sets it stalls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusCheck>,
    /// How often it is tried before it has failed.
    #[serde(default = "attempts")]
    #[schemars(range(min = 1, max = 1000))]
    pub attempts: i32,
    /// Time from one try to the next, at least 1s.
    #[serde(default = "every")]
    #[schemars(schema_with = "crate::schema::span")]
    #[x_kube(validation = ("duration(self) >= duration('1s')", "every must be at least 1s"))]
    pub every: String,
    /// How long it must hold without a break; default: once is enough.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::span")]
    pub for_: Option<String>,
}

fn attempts() -> i32 {
    10
}

fn every() -> String {
    "3s".into()
}

/// An HTTP request and what its answer must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = (
    "has(self.service) != has(self.url)",
    "http must have exactly one of service and url"
))]
pub struct HttpCheck {
    /// A Service of this namespace, asked at one of its ready addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<HttpService>,
    /// Any url. Not supported yet: a Verification that sets it stalls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the answer must be.
    #[serde(default)]
    pub expect: HttpExpectation,
}

/// A Service to ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpService {
    /// Name of the Service.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Port of the Service, by number or name; default: its only port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "port")]
    pub port: Option<Value>,
    /// `http` or `https`; certificates are not checked, as for probes of a kubelet.
    #[serde(default)]
    pub scheme: Scheme,
    /// Path of the request.
    #[serde(default = "slash")]
    #[schemars(length(min = 1, max = 2048))]
    pub path: String,
}

fn port(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "x-kubernetes-int-or-string": true,
    })
}

fn slash() -> String {
    "/".into()
}

/// Scheme of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain.
    #[default]
    Http,
    /// TLS.
    Https,
}

/// What an answer must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpExpectation {
    /// Status code.
    #[serde(default = "ok")]
    #[schemars(range(min = 100, max = 599))]
    pub status: i32,
    /// What the body must hold; default: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyExpectation>,
}

fn ok() -> i32 {
    200
}

impl Default for HttpExpectation {
    fn default() -> Self {
        Self { status: ok(), body: None }
    }
}

/// What a body must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BodyExpectation {
    /// Text that must be in the first 64 KiB of the body.
    #[schemars(length(min = 1, max = 4096))]
    pub contains: String,
}

/// An object and what must hold of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectCheck {
    /// The object, of this namespace.
    #[serde(rename = "ref")]
    pub ref_: CheckedObject,
    /// Condition of its status that must be True; default: it is healthy by the standard rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 316))]
    pub condition: Option<String>,
}

/// An object to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedObject {
    /// `apiVersion` of the object.
    #[schemars(length(min = 1, max = 253))]
    pub api_version: String,
    /// Kind of the object.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Name of the object.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A Job to run once a revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobCheck {
    /// `spec` of the Job.
    #[schemars(schema_with = "crate::schema::any_object")]
    pub template: Value,
}

/// A query and the value it must give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrometheusCheck {
    /// Url of the server.
    pub url: String,
    /// Secret with the credentials for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalRef>,
    /// The query.
    pub query: String,
    /// How the result is compared with `value`.
    pub operator: Comparison,
    /// A number.
    pub value: String,
}

/// How numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    /// The result is smaller.
    LessThan,
    /// The result is greater.
    GreaterThan,
}

/// What a Verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationStatus {
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
    /// The last revision that passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// The checks of the newest revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
}

/// A revision that passed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// Url of the tree.
    pub url: String,
    /// Revision of the tree.
    pub revision: String,
}

/// Checks of one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The revision.
    pub revision: String,
    /// When the first check began.
    pub started_at: String,
    /// When the verdict fell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// The checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckStatus>,
}

/// A check of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckStatus {
    /// Name of the check.
    pub name: String,
    /// Where it stands.
    pub state: CheckState,
    /// How often it was tried.
    pub attempts: i32,
    /// What was found last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// Where a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CheckState {
    /// It is being tried.
    Running,
    /// It held.
    Passed,
    /// It did not hold in all its attempts.
    Failed,
    /// Another check decided before it ended.
    Stopped,
}
