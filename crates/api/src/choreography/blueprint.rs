//! Blueprints: ClusterSupplyChain and ClusterDelivery.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::BlueprintParam;
use super::selector::{FieldSelectorRequirement, LabelSelectorRequirement, Selector};
use crate::condition::Condition;

/// Stages that take Workloads from source to configuration.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "ClusterSupplyChain",
    plural = "clustersupplychains",
    shortname = "csc",
    status = "BlueprintStatus",
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
pub struct ClusterSupplyChainSpec {
    /// Labels of the Workloads it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<BTreeMap<String, String>>,
    /// Requirements on labels of the Workloads it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector_match_expressions: Option<Vec<LabelSelectorRequirement>>,
    /// Requirements on fields of the Workloads it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector_match_fields: Option<Vec<FieldSelectorRequirement>>,
    /// The stages, in order.
    pub resources: Vec<SupplyChainResource>,
    /// Parameters for all stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Vec<BlueprintParam>>,
    /// ServiceAccount by which objects are stamped where the Workload names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountRef>,
}

/// One stage of a supply chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupplyChainResource {
    /// Name of the stage, unique in the blueprint.
    pub name: String,
    /// The template that is stamped.
    pub template_ref: SupplyChainTemplateRef,
    /// Parameters for this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Vec<BlueprintParam>>,
    /// Sources made by earlier stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<ResourceReference>>,
    /// Images made by earlier stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<ResourceReference>>,
    /// Configuration made by earlier stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configs: Option<Vec<ResourceReference>>,
}

/// Names the template of a stage of a supply chain, or the options to choose it from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SupplyChainTemplateRef {
    /// Kind of the template.
    #[schemars(schema_with = "crate::schema::supply_chain_template_kind")]
    pub kind: String,
    /// Name of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Templates to choose from, by the owner's labels and fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2))]
    pub options: Option<Vec<TemplateOption>>,
}

/// Stages that deploy, test and promote Deliverables.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "ClusterDelivery",
    plural = "clusterdeliveries",
    shortname = "cd",
    status = "BlueprintStatus",
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
pub struct ClusterDeliverySpec {
    /// Labels of the Deliverables it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<BTreeMap<String, String>>,
    /// Requirements on labels of the Deliverables it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector_match_expressions: Option<Vec<LabelSelectorRequirement>>,
    /// Requirements on fields of the Deliverables it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector_match_fields: Option<Vec<FieldSelectorRequirement>>,
    /// The stages, in order.
    pub resources: Vec<DeliveryResource>,
    /// Parameters for all stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Vec<BlueprintParam>>,
    /// ServiceAccount by which objects are stamped where the Deliverable names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountRef>,
}

/// One stage of a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryResource {
    /// Name of the stage, unique in the blueprint.
    pub name: String,
    /// The template that is stamped.
    pub template_ref: DeliveryTemplateRef,
    /// Parameters for this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Vec<BlueprintParam>>,
    /// Sources made by earlier stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<ResourceReference>>,
    /// Configuration made by earlier stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configs: Option<Vec<ResourceReference>>,
    /// The source to deploy; for ClusterDeploymentTemplate only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentReference>,
}

/// Names the template of a stage of a delivery, or the options to choose it from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryTemplateRef {
    /// Kind of the template.
    #[schemars(schema_with = "crate::schema::delivery_template_kind")]
    pub kind: String,
    /// Name of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Templates to choose from, by the owner's labels and fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2))]
    pub options: Option<Vec<TemplateOption>>,
}

/// Names the stage whose source is deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentReference {
    /// Name of the providing stage.
    pub resource: String,
}

/// Names the stage that provides an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceReference {
    /// Name by which the template reads the input.
    pub name: String,
    /// Name of the providing stage.
    pub resource: String,
}

/// A template that is chosen when its selector is the most specific one that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateOption {
    /// Name of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Stamps nothing and passes this input through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_through: Option<String>,
    /// Owners for which this option is chosen.
    pub selector: Selector,
}

/// A ServiceAccount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceAccountRef {
    /// Name of the ServiceAccount.
    pub name: String,
    /// Its namespace; default: the owner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Whether a blueprint can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlueprintStatus {
    /// `TemplatesReady` and `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Generation of the spec this status was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}
