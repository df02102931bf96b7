//! One resource of a blueprint: choose its template, stamp it, compare with what is observed.

use std::sync::Arc;

use portolan_api::choreography::template::Lifecycle;
use portolan_api::labels as well_known;
use serde_json::Value;

use super::blueprint::{Blueprint, BlueprintResource, ChoiceOption, TemplateChoice};
use super::context::context;
use super::inputs::{Inputs, Offers};
use super::outputs::Offer;
use super::resource_error::ResourceError;
use super::selector::{Selectable, most_specific};
use super::stamp::{self, Stamped};
use super::template::{Body, Template, TemplateKey, TemplateKind};
use super::world::{KindState, Receipt, Refusal, RefusalKind, WatchState, World};
use super::{labels, params};
use crate::equal;
use crate::object::{self, Gvk, ObjectKey, ServedKind};
use crate::outcome::{Apply, Expect};

/// What a resource does.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    Stamp(Arc<Template>),
    PassThrough(String),
}

/// How a resource stands after looking at the world once.
#[derive(Debug)]
pub(super) enum Standing {
    /// Its object is as desired.
    Converged { kind: ServedKind, object: Arc<Value> },
    /// Its object has to be written first.
    Write(Box<Apply>),
    /// Its kind is not in the cache yet.
    Waiting,
}

/// Chooses the template or the input to pass through (section 3.4).
pub(super) fn choose(world: &World, resource: &BlueprintResource) -> Result<Choice, ResourceError> {
    let name = match &resource.template {
        TemplateChoice::Named(name) => name,
        TemplateChoice::Options(options) => {
            let option = choose_option(world, options)?;
            if let Some(input) = &option.pass_through {
                return Ok(Choice::PassThrough(input.clone()));
            }
            &option.name
        }
    };
    let template = format!("{}/{name}", resource.kind.name());
    match world.templates.get(&TemplateKey { kind: resource.kind, name: name.clone() }) {
        Some(Ok(found)) => Ok(Choice::Stamp(Arc::clone(found))),
        Some(Err(cause)) => Err(ResourceError::Retrieval { template, cause: cause.clone() }),
        None => Err(ResourceError::TemplateVanished { template }),
    }
}

fn choose_option<'o>(
    world: &World,
    options: &'o [ChoiceOption],
) -> Result<&'o ChoiceOption, ResourceError> {
    let owner = &world.owner;
    let subject = Selectable { labels: &owner.labels, object: &owner.view };
    let candidates = options.iter().map(|option| (&option.selector, option));
    let (best, errors) = most_specific(&subject, candidates);
    match (best.as_slice(), errors.first()) {
        ([one], _) => Ok(one),
        ([], Some((option, error))) => Err(ResourceError::OptionSelector {
            option: option.name.clone(),
            cause: error.to_string(),
        }),
        (several, _) => Err(ResourceError::OptionCount {
            matched: several.iter().map(|option| option.name.clone()).collect(),
        }),
    }
}

/// The input that a pass-through hands on (section 7.5).
pub(super) fn pass_through(
    resource: &BlueprintResource,
    input: &str,
    offers: &Offers,
) -> Result<Offer, ResourceError> {
    let (references, list) = match resource.kind {
        TemplateKind::Image => (&resource.images, "images"),
        TemplateKind::Config => (&resource.configs, "configs"),
        _ => (&resource.sources, "sources"),
    };
    references
        .iter()
        .find(|reference| reference.name == input)
        .and_then(|reference| offers.get(&reference.resource))
        .cloned()
        .ok_or_else(|| ResourceError::PassThrough { input: input.into(), list })
}

/// Evaluates a template for a resource.
pub(super) fn render(
    world: &World,
    blueprint: &Blueprint,
    resource: &BlueprintResource,
    template: &Template,
    inputs: &Inputs,
) -> Result<Value, ResourceError> {
    let failed = |cause: String, hint: Option<String>| ResourceError::Stamp {
        template: format!("{}/{}", template.key.kind.name(), template.key.name),
        cause,
        hint,
    };
    if template.lifecycle != Lifecycle::Mutable {
        let lifecycle = template.lifecycle.as_str();
        let hint = "use lifecycle mutable, or wait for the version that does immutable objects";
        return Err(failed(
            format!("lifecycle [{lifecycle}] is not supported by this version"),
            Some(hint.into()),
        ));
    }
    let (document, owner_tags) = match &template.body {
        Body::Interpolated { document, owner_tags } => (document, owner_tags),
        Body::Ytt => {
            let hint = "write the object under spec.template with $(…)$ tags";
            return Err(failed("ytt is not supported by this version".into(), Some(hint.into())));
        }
        Body::Nothing => {
            let cause = "unknown resource template type, expected either template or ytt";
            return Err(failed(cause.into(), Some("set spec.template".into())));
        }
    };
    let params =
        params::merge(&template.params, &blueprint.params, &resource.params, &world.owner.params);
    let labels = labels::stamped(&world.owner, blueprint, resource, template);
    let context = context(&world.owner, resource, inputs, params, &labels);
    let mut rendered =
        document.render(&context).map_err(|error| failed(error.to_string(), error.hint()))?;
    for tag in owner_tags {
        tag.restore(&mut rendered, &world.owner);
    }
    stamp::check_kind(&rendered).map_err(|error| failed(error.to_string(), None))?;
    Ok(rendered)
}

/// Makes a rendered template the owner's object and compares it with what is observed.
pub(super) fn settle(
    world: &World,
    blueprint: &Blueprint,
    resource: &BlueprintResource,
    template: &Template,
    rendered: Value,
) -> Result<Standing, ResourceError> {
    let namespace = world.owner.namespace.as_str();
    let name = object::name(&rendered).to_owned();
    let rejected = |refusal: Refusal, hint: Option<String>| ResourceError::Rejected {
        object: format!("{namespace}/{name}"),
        refusal,
        hint,
    };
    let unreadable = |message: String| Refusal {
        kind: RefusalKind::Invalid,
        verb: format!("failed to get unstructured [{namespace}/{name}] from api server"),
        message,
    };
    let gvk = Gvk::of(&rendered);
    let (kind, watch) = match world.kinds.lookup(&gvk) {
        KindState::Served(kind, watch) => (kind, watch),
        KindState::Unknown => {
            let (kind, version) = (&gvk.kind, gvk.api_version());
            let message = format!("no matches for kind {kind:?} in version {version:?}");
            let hint = "install the CustomResourceDefinition, or mend apiVersion and kind";
            return Err(rejected(unreadable(message), Some(hint.into())));
        }
    };
    if !kind.namespaced && !world.allow_cluster_scoped {
        let message = format!("{} is cluster-scoped, and templates may not stamp that", gvk.kind);
        let hint = "stamp a namespaced kind, or start the controller with --allow-cluster-scoped";
        return Err(rejected(unreadable(message), Some(hint.into())));
    }
    if name.is_empty() {
        let hint = "set metadata.name: an object that is updated in place needs a fixed name";
        return Err(rejected(
            unreadable("resource name may not be empty".into()),
            Some(hint.into()),
        ));
    }
    let labels = labels::stamped(&world.owner, blueprint, resource, template);
    let stamped =
        stamp::stamp(&world.owner, rendered, &labels, kind.namespaced).map_err(|error| {
            ResourceError::Stamp {
                template: format!("{}/{}", template.key.kind.name(), template.key.name),
                cause: error.to_string(),
                hint: None,
            }
        })?;
    match watch {
        WatchState::Pending => return Ok(Standing::Waiting),
        WatchState::Forbidden => {
            return Err(rejected(
                unreadable(format!(
                    "the controller may not watch {}: {}",
                    kind.qualified(),
                    rule_to_add(&kind)
                )),
                None,
            ));
        }
        WatchState::Synced => {}
    }
    compare(world, resource, kind, stamped, rejected)
}

fn compare(
    world: &World,
    resource: &BlueprintResource,
    kind: ServedKind,
    stamped: Stamped,
    rejected: impl Fn(Refusal, Option<String>) -> ResourceError,
) -> Result<Standing, ResourceError> {
    let receipt = world.receipt(&resource.name, &stamped.digest);
    if let Some(Receipt::Refused { refusal, .. }) = receipt {
        return Err(rejected(refusal.clone(), hint(refusal)));
    }
    let observed = world.observed.get(&ObjectKey::of(&stamped.object));
    let expect = match observed {
        None => Expect::Absent,
        Some(object) => {
            let uid = object::uid(object).to_owned();
            let same =
                object::annotation(object, well_known::APPLIED) == Some(stamped.digest.as_str());
            let normalised = world.normalised.contains(&(uid.clone(), stamped.digest.clone()));
            let settled = receipt.is_some()
                || (same && (normalised || equal::holds(&stamped.object, object)));
            if settled {
                return Ok(Standing::Converged { kind, object: Arc::clone(object) });
            }
            Expect::Uid(uid)
        }
    };
    let apply = Apply { resource: resource.name.clone(), kind, object: stamped.object, expect };
    Ok(Standing::Write(Box::new(apply)))
}

/// The rule a person has to add so that the controller sees a kind.
pub fn rule_to_add(kind: &ServedKind) -> String {
    format!(
        "add a ClusterRole labelled {}: \"true\" with the rule {{apiGroups: [{:?}], resources: \
         [{:?}], verbs: [get, list, watch]}}",
        well_known::AGGREGATE,
        kind.gvk.group,
        kind.plural
    )
}

fn hint(refusal: &Refusal) -> Option<String> {
    refusal_advice(refusal.kind).map(Into::into)
}

/// What a person can do about a refusal of a kind.
pub(crate) fn refusal_advice(kind: RefusalKind) -> Option<&'static str> {
    match kind {
        RefusalKind::Forbidden => {
            Some("grant the owner's ServiceAccount what the message asks for (RoleBinding)")
        }
        RefusalKind::NameConflict => {
            Some("let the template stamp another name, or delete the object that has it")
        }
        RefusalKind::Invalid => Some("mend the template, or the parameters that fill it"),
        RefusalKind::Conflict | RefusalKind::Unavailable => None,
    }
}
