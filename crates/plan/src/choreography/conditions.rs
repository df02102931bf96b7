//! Types, reasons and messages of conditions: the tables of section 9 in one place.

use portolan_api::condition::{ConditionStatus, Decided};

use super::blueprint::Blueprint;
use super::owner::{Owner, OwnerKind};
use super::resource_error::ResourceError;
use super::selection::Selection;
use super::world::RefusalKind;
use crate::golang;

/// Whether a condition stands on the owner or on one of its resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Owner,
    Resource,
}

impl Level {
    fn submitted(self) -> &'static str {
        match self {
            Self::Owner => "ResourcesSubmitted",
            Self::Resource => "ResourceSubmitted",
        }
    }
}

/// Where an error happened, as messages say it.
pub(super) struct Site<'a> {
    pub(super) kind: OwnerKind,
    pub(super) resource: &'a str,
    pub(super) blueprint: &'a str,
    /// The stamped object, once there is one.
    pub(super) object: Option<StampedName>,
    /// Health of the object in this reconcile, if it was judged.
    pub(super) health: Option<ConditionStatus>,
}

/// A stamped object in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StampedName {
    /// `deployments.apps`.
    pub(super) qualified: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// The submission condition of a resource without an error.
pub(super) fn submitted(level: Level, passed_through: bool) -> Decided {
    let reason = match (level, passed_through) {
        (Level::Resource, true) => "PassThrough",
        _ => "ResourceSubmissionComplete",
    };
    Decided::yes(level.submitted(), reason, "")
}

/// The submission condition of a resource with an error.
pub(super) fn failed(level: Level, error: &ResourceError, site: &Site<'_>) -> Decided {
    let type_ = level.submitted();
    let place = format!("for resource [{}] in supply chain [{}]", site.resource, site.blueprint);
    match error {
        ResourceError::Retrieval { template, cause } => {
            let message = format!(
                "unable to get template [{}] {place}: failed to get template object from api \
                 server [{template}]: {cause}",
                template.rsplit('/').next().unwrap_or(template)
            );
            Decided::no(type_, "TemplateObjectRetrievalFailure", message)
        }
        ResourceError::TemplateVanished { template } => {
            let (kind, name) = template.split_once('/').unwrap_or(("", template));
            let message = format!(
                "failed to get cluster template [{{Kind:{kind} Name:{name}}}]: resource does not \
                 match a known template"
            );
            Decided::no(type_, "UnknownError", message)
        }
        ResourceError::OptionSelector { option, cause } => {
            let message =
                format!("error matching against template option [{option}] {place}: {cause}");
            Decided::no(type_, "ResolveTemplateOptionsError", message)
        }
        ResourceError::OptionCount { matched } => {
            let list = if matched.is_empty() {
                String::new()
            } else {
                format!("[{}] ", matched.join(", "))
            };
            let message = format!(
                "expected exactly 1 option to match, found [{}] matching options {list}{place}",
                matched.len()
            );
            Decided::no(type_, "TemplateOptionsMatchError", message)
        }
        ResourceError::Stamp { template, cause, .. } => {
            let (resource, blueprint) = (site.resource, site.blueprint);
            let message = format!(
                "unable to stamp object for resource [{resource}] for template [{template}] in \
                 supply chain [{blueprint}]: {cause}"
            );
            Decided::no(type_, "TemplateStampFailure", message)
        }
        ResourceError::Rejected { object, refusal, .. } => {
            let reason = match refusal.kind {
                RefusalKind::NameConflict => "NameConflict",
                _ => "TemplateRejectedByAPIServer",
            };
            let cause = if refusal.verb.is_empty() {
                refusal.message.clone()
            } else {
                format!("{}: {}", refusal.verb, refusal.message)
            };
            Decided::no(
                type_,
                reason,
                format!("unable to apply object [{object}] {place}: {cause}"),
            )
        }
        ResourceError::MissingValue { path } => {
            Decided::unknown(type_, "MissingValueAtPath", missing_value(path, site))
        }
        ResourceError::PassThrough { input, list } => {
            pass_through(type_, input, list, site, &place)
        }
        ResourceError::NoObservedGeneration => Decided::no(
            PLURAL,
            "TemplateStampFailure",
            format!(
                "resource [{}] cannot satisfy observedCompletion without observedGeneration in \
                 object status",
                site.resource
            ),
        ),
        ResourceError::ConditionNotMet(text) => {
            let message = format!("resource [{}] condition not met: {text}", site.resource);
            Decided::unknown(PLURAL, "ConditionNotMet", message)
        }
        ResourceError::FailedConditionMet(text) => {
            let message = format!("resource [{}] failed condition met: {text}", site.resource);
            Decided::no(PLURAL, "FailedConditionMet", message)
        }
        ResourceError::DeploymentMissing => {
            let (object, qualified) = site.object.as_ref().map_or_else(Default::default, |o| {
                (format!("{}/{}", o.namespace, o.name), o.qualified.clone())
            });
            let message = format!(
                "unable to retrieve outputs from stamped object [{object}] of type [{qualified}] \
                 {place}: deployment not found in upstream template"
            );
            Decided::no(type_, "UnknownError", message)
        }
    }
}

/// Conditions about deployments are plural on resources too (section 9.4).
const PLURAL: &str = "ResourcesSubmitted";

fn missing_value(path: &str, site: &Site<'_>) -> String {
    let object = site.object.clone().unwrap_or(StampedName {
        qualified: String::new(),
        namespace: String::new(),
        name: String::new(),
    });
    let namespace = if object.namespace.is_empty() {
        String::new()
    } else {
        format!(" in namespace [{}]", object.namespace)
    };
    let name = format!("[{}/{}]", object.qualified, object.name);
    match site.health {
        Some(ConditionStatus::True) => format!(
            "cannot read value [{path}] from healthy object {name}{namespace}, contact Platform Eng"
        ),
        Some(ConditionStatus::False) => format!(
            "cannot read value [{path}] from unhealthy object {name}{namespace}, examine object, \
             particularly whether it is receiving proper inputs"
        ),
        _ => format!("waiting to read value [{path}] from object {name}{namespace}"),
    }
}

/// For Workloads a missing pass-through input shows as a second `SupplyChainReady` (section 9.3).
fn pass_through(type_: &str, input: &str, list: &str, site: &Site<'_>, place: &str) -> Decided {
    match site.kind {
        OwnerKind::Workload => Decided::no(
            "SupplyChainReady",
            "PassThrough",
            format!("unable to find passthrough [{input}] in []"),
        ),
        OwnerKind::Deliverable => Decided::no(
            type_,
            "UnknownError",
            format!(
                "unable to retrieve outputs from pass through [{input}] {place}: input [{input}] \
                 not found in {list}"
            ),
        ),
    }
}

/// The condition that tells whether a blueprint serves the owner, where it is known without looking
/// at templates; none where a selector could not be evaluated.
pub(super) fn selection(owner: &Owner, selection: &Selection) -> Option<Decided> {
    let kind = owner.kind;
    let (lower, blueprints, stem) = (kind.lower(), kind.blueprint_lower(), kind.blueprint_stem());
    let no = |reason: String, message: String| {
        Some(Decided::no(kind.blueprint_ready(), reason, message))
    };
    match selection {
        Selection::One(_) | Selection::Broken(_) => None,
        Selection::NoLabels => no(
            format!("{}LabelsMissing", kind.name()),
            format!("{lower} has no labels to match to {blueprints}"),
        ),
        Selection::NotFound => no(
            format!("{stem}NotFound"),
            format!(
                "no {blueprints} found where full selector is satisfied by labels: {}",
                golang::map(&owner.labels)
            ),
        ),
        Selection::Multiple(_) => no(
            format!("Multiple{stem}Matches"),
            format!("{lower} may only match a single {blueprints}'s selector"),
        ),
    }
}

/// What a person can do about an owner that no blueprint serves.
pub(crate) fn advice(owner: &Owner, selection: &Selection) -> Option<String> {
    let blueprints = owner.kind.blueprint_kind();
    match selection {
        Selection::One(_) | Selection::Broken(_) => None,
        Selection::NoLabels | Selection::NotFound => {
            Some(format!("set the labels that a {blueprints} selects by in its spec.selector"))
        }
        Selection::Multiple(names) => Some(format!(
            "these match equally well: {}; make the selector of one more specific",
            names.join(", ")
        )),
    }
}

/// Whether all templates of a blueprint exist: its `TemplatesReady` (section 3.5).
pub(super) fn templates_ready(blueprint: &Blueprint, missing: &[String]) -> Decided {
    debug_assert!(missing.len() <= blueprint.templates().count());
    if missing.is_empty() {
        return Decided::yes("TemplatesReady", "Ready", "");
    }
    let message = format!("did not find the template of the resource(s) [{}]", missing.join(", "));
    Decided::no("TemplatesReady", "TemplatesNotFound", message)
}

/// The condition of an owner whose ServiceAccount is not there.
pub(super) fn account_missing(namespace: &str, name: &str) -> Decided {
    let message = format!(
        "failed to get service account object from api server [{namespace}/{name}]: failed to get \
         object [{namespace}/{name}] from api server: ServiceAccount \"{name}\" not found"
    );
    Decided::no("ResourcesSubmitted", "ServiceAccountError", message)
}
