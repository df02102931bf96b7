//! Templates: what a stage stamps, and where its outputs are read.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::health::HealthRule;
use super::params::TemplateParam;

/// How changes reach the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lifecycle {
    /// One object, updated in place.
    #[default]
    Mutable,
    /// A new object for each change.
    Immutable,
    /// As `immutable`, healthy by condition `Succeeded` unless a health rule says otherwise.
    Tekton,
}

impl Lifecycle {
    /// The lifecycle as it stands in the label of a stamped object.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mutable => "mutable",
            Self::Immutable => "immutable",
            Self::Tekton => "tekton",
        }
    }
}

/// How many finished immutable objects are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicy {
    /// Failed ones to keep, at least 1.
    #[schemars(range(min = 1))]
    pub max_failed_runs: i64,
    /// Successful ones to keep, at least 1.
    #[schemars(range(min = 1))]
    pub max_successful_runs: i64,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { max_failed_runs: 10, max_successful_runs: 10 }
    }
}

/// What all stamping templates have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSpec {
    /// The object to stamp, with `$(…)$` interpolation. Exactly one of `template` and `ytt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::any_object")]
    pub template: Option<Value>,
    /// ytt source that evaluates to the object to stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ytt: Option<String>,
    /// Parameters with their defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Vec<TemplateParam>>,
    /// How to tell whether the stamped object is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_rule: Option<HealthRule>,
    /// `mutable` updates the object in place, `immutable` and `tekton` make a new one.
    #[serde(default)]
    pub lifecycle: Lifecycle,
    /// How many finished immutable objects are kept; 10 failed and 10 successful where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<RetentionPolicy>,
}

/// Stamps an object that provides source code: a url and a revision.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "ClusterSourceTemplate",
    plural = "clustersourcetemplates",
    shortname = "cst"
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSourceTemplateSpec {
    /// What is stamped.
    #[serde(flatten)]
    pub template: TemplateSpec,
    /// JSONPath of the url in the stamped object.
    pub url_path: String,
    /// JSONPath of the revision in the stamped object.
    pub revision_path: String,
}

/// Stamps an object that provides a container image.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "ClusterImageTemplate",
    plural = "clusterimagetemplates",
    shortname = "cit"
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterImageTemplateSpec {
    /// What is stamped.
    #[serde(flatten)]
    pub template: TemplateSpec,
    /// JSONPath of the image in the stamped object.
    pub image_path: String,
}

/// Stamps an object that provides configuration.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "ClusterConfigTemplate",
    plural = "clusterconfigtemplates",
    shortname = "cct"
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterConfigTemplateSpec {
    /// What is stamped.
    #[serde(flatten)]
    pub template: TemplateSpec,
    /// JSONPath of the configuration in the stamped object.
    pub config_path: String,
}

/// Stamps an object that provides nothing to others.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "ClusterTemplate",
    plural = "clustertemplates",
    shortname = "ct"
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterTemplateSpec {
    /// What is stamped.
    #[serde(flatten)]
    pub template: TemplateSpec,
}

/// Stamps an object that deploys a source; provides that source once it is deployed.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "ClusterDeploymentTemplate",
    plural = "clusterdeploymenttemplates",
    shortname = "cdt"
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDeploymentTemplateSpec {
    /// What is stamped.
    #[serde(flatten)]
    pub template: TemplateSpec,
    /// Deployed when each input path equals its output path in the stamped object. Exactly one of
    /// `observedMatches` and `observedCompletion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_matches: Option<Vec<ObservedMatch>>,
    /// Deployed when the stamped object reports completion of its current generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_completion: Option<ObservedCompletion>,
}

/// Two paths whose values must be equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedMatch {
    /// JSONPath of what was asked for, in the stamped object.
    pub input: String,
    /// JSONPath of what was reached, in the stamped object.
    pub output: String,
}

/// Values that tell of completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedCompletion {
    /// Complete when this holds.
    pub succeeded: CompletionCondition,
    /// Failed when this holds; examined first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<CompletionCondition>,
}

/// A path and the text it must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompletionCondition {
    /// JSONPath in the stamped object.
    pub key: String,
    /// Text the value must equal.
    pub value: String,
}

/// Stamps the runs of a Runnable.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "carto.run",
    version = "v1alpha1",
    kind = "ClusterRunTemplate",
    plural = "clusterruntemplates",
    shortname = "crt"
)]
pub struct ClusterRunTemplateSpec {
    /// The object to stamp, with `$(…)$` interpolation; must have a `spec`.
    #[schemars(schema_with = "crate::schema::any_object")]
    pub template: Value,
    /// Output names and their JSONPaths in the newest successful run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<BTreeMap<String, String>>,
}
