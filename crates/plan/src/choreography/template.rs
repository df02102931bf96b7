//! Templates, compiled once per generation.

use portolan_api::choreography::params::TemplateParam;
use portolan_api::choreography::template::{
    ClusterConfigTemplateSpec, ClusterDeploymentTemplateSpec, ClusterImageTemplateSpec,
    ClusterSourceTemplateSpec, Lifecycle, TemplateSpec,
};
use portolan_expr::{Path, PathError, Template as Interpolated};
use serde_json::Value;

use super::whole::OwnerTag;
use crate::health::Rule;
use crate::object;

/// The kinds of templates that resources stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateKind {
    /// Offers a source.
    Source,
    /// Offers an image.
    Image,
    /// Offers configuration.
    Config,
    /// Offers nothing.
    Plain,
    /// Offers the source it has deployed.
    Deployment,
}

impl TemplateKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Source, Self::Image, Self::Config, Self::Plain, Self::Deployment];

    /// Kind name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "ClusterSourceTemplate",
            Self::Image => "ClusterImageTemplate",
            Self::Config => "ClusterConfigTemplate",
            Self::Plain => "ClusterTemplate",
            Self::Deployment => "ClusterDeploymentTemplate",
        }
    }

    /// From a kind name; the schema admits no other, and what offers nothing is the safest reading.
    pub(super) fn read(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(Self::Plain)
    }
}

/// Names a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateKey {
    /// Kind.
    pub kind: TemplateKind,
    /// Name.
    pub name: String,
}

/// A template, its expressions and paths parsed.
#[derive(Clone, Debug)]
pub struct Template {
    /// Kind and name.
    pub key: TemplateKey,
    /// UID.
    pub uid: String,
    /// Generation of the spec.
    pub generation: i64,
    pub(super) body: Body,
    pub(super) params: Vec<TemplateParam>,
    pub(super) health: Option<Rule>,
    pub(super) lifecycle: Lifecycle,
    pub(super) outputs: OutputPaths,
}

/// What is stamped.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Interpolated { document: Interpolated, owner_tags: Vec<OwnerTag> },
    Ytt,
    Nothing,
}

/// A path and the text it was written as.
#[derive(Clone, Debug)]
pub(super) struct WrittenPath {
    pub(super) text: String,
    pub(super) path: Result<Path, PathError>,
}

impl WrittenPath {
    fn new(text: String) -> Self {
        let path = Path::parse(&text);
        Self { text, path }
    }

    /// The one value at the path.
    pub(super) fn one(&self, object: &Value) -> Result<Value, PathError> {
        let path = self.path.as_ref().map_err(Clone::clone)?;
        path.one(object).cloned()
    }
}

/// Where outputs are read.
#[derive(Clone, Debug)]
pub(super) enum OutputPaths {
    Source { url: WrittenPath, revision: WrittenPath },
    Image(WrittenPath),
    Config(WrittenPath),
    Nothing,
    Matches(Vec<(WrittenPath, WrittenPath)>),
    Completion { succeeded: Expected, failed: Option<Expected> },
}

/// A path and the text it must hold.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) key: WrittenPath,
    pub(super) value: String,
}

impl Template {
    /// Reads and compiles a template from its JSON; the error names the field that does not decode.
    pub fn read(kind: TemplateKind, value: &Value) -> Result<Self, serde_json::Error> {
        let spec = value.get("spec").cloned().unwrap_or_default();
        let (template, outputs) = match kind {
            TemplateKind::Source => {
                let spec: ClusterSourceTemplateSpec = serde_json::from_value(spec)?;
                let url = WrittenPath::new(spec.url_path);
                let revision = WrittenPath::new(spec.revision_path);
                (spec.template, OutputPaths::Source { url, revision })
            }
            TemplateKind::Image => {
                let spec: ClusterImageTemplateSpec = serde_json::from_value(spec)?;
                (spec.template, OutputPaths::Image(WrittenPath::new(spec.image_path)))
            }
            TemplateKind::Config => {
                let spec: ClusterConfigTemplateSpec = serde_json::from_value(spec)?;
                (spec.template, OutputPaths::Config(WrittenPath::new(spec.config_path)))
            }
            TemplateKind::Plain => {
                let spec: TemplateSpec = serde_json::from_value(spec)?;
                (spec, OutputPaths::Nothing)
            }
            TemplateKind::Deployment => {
                let spec: ClusterDeploymentTemplateSpec = serde_json::from_value(spec)?;
                let outputs = deployment_paths(&spec);
                (spec.template, outputs)
            }
        };
        Ok(Self {
            key: TemplateKey { kind, name: object::name(value).into() },
            uid: object::uid(value).into(),
            generation: object::generation(value),
            body: body(&template),
            health: rule(&template),
            params: template.params.unwrap_or_default(),
            lifecycle: template.lifecycle,
            outputs,
        })
    }
}

fn body(spec: &TemplateSpec) -> Body {
    match (&spec.template, &spec.ytt) {
        (Some(template), _) => Body::Interpolated {
            document: Interpolated::compile(template),
            owner_tags: OwnerTag::find(template),
        },
        (None, Some(ytt)) if !ytt.is_empty() => Body::Ytt,
        _ => Body::Nothing,
    }
}

/// The health rule; lifecycle `tekton` brings one of its own.
fn rule(spec: &TemplateSpec) -> Option<Rule> {
    match (&spec.health_rule, spec.lifecycle) {
        (Some(rule), _) => Some(Rule::new(rule)),
        (None, Lifecycle::Tekton) => Some(Rule::single_condition("Succeeded")),
        (None, _) => None,
    }
}

fn deployment_paths(spec: &ClusterDeploymentTemplateSpec) -> OutputPaths {
    let expected = |condition: &portolan_api::choreography::template::CompletionCondition| {
        Expected { key: WrittenPath::new(condition.key.clone()), value: condition.value.clone() }
    };
    match (&spec.observed_completion, &spec.observed_matches) {
        (Some(completion), None) => OutputPaths::Completion {
            succeeded: expected(&completion.succeeded),
            failed: completion.failed.as_ref().map(expected),
        },
        (_, matches) => OutputPaths::Matches(
            matches
                .iter()
                .flatten()
                .map(|pair| {
                    (WrittenPath::new(pair.input.clone()), WrittenPath::new(pair.output.clone()))
                })
                .collect(),
        ),
    }
}
