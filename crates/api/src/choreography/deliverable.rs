//! Deliverable: what a delivery deploys, tests and promotes.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::OwnerParam;
use super::status::{ObjectReference, ResourceStatus};
use super::workload::Source;
use crate::condition::Condition;

/// What a delivery deploys, tests and promotes.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "Deliverable",
    plural = "deliverables",
    shortname = "dlv",
    category = "all",
    namespaced,
    status = "DeliverableStatus",
    printcolumn(name = "Source", type_ = "string", json_path = ".spec.source['git.url','image']"),
    printcolumn(name = "Delivery", type_ = "string", json_path = ".status.deliveryRef.name"),
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
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct DeliverableSpec {
    /// Parameters for the templates of the delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Vec<OwnerParam>>,
    /// Where the configuration is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// ServiceAccount of this namespace by which objects are stamped; default: the blueprint's,
    /// else `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
}

/// How far a Deliverable has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliverableStatus {
    /// Generation of the spec this status was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `DeliveryReady`, `ResourcesSubmitted`, `ResourcesHealthy` and `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The delivery that serves this Deliverable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_ref: Option<ObjectReference>,
    /// The resources of the delivery, as they stand for this Deliverable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceStatus>,
    /// Objects of earlier resources that are still there: they go once every resource is ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<ObjectReference>,
}
