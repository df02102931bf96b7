//! Blueprints: ClusterSupplyChain and ClusterDelivery, compiled once per generation.

use portolan_api::choreography::blueprint::{
    DeliveryResource, ResourceReference, ServiceAccountRef, SupplyChainResource, TemplateOption,
};
use portolan_api::choreography::params::BlueprintParam;
use portolan_api::choreography::{ClusterDelivery, ClusterSupplyChain};
use portolan_api::condition::Condition;
use serde_json::Value;

use super::owner::OwnerKind;
use super::selector::Selector;
use super::template::{TemplateKey, TemplateKind};
use crate::object;

/// Which kind of blueprint.
pub type BlueprintKind = OwnerKind;

/// A blueprint, its selectors compiled.
#[derive(Clone, Debug)]
pub struct Blueprint {
    /// The kind of owner it serves.
    pub serves: OwnerKind,
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// Generation of the spec.
    pub generation: i64,
    /// The stages, in order.
    pub resources: Vec<BlueprintResource>,
    /// Parameters for all stages.
    pub params: Vec<BlueprintParam>,
    /// ServiceAccount for owners that name none.
    pub account: Option<ServiceAccountRef>,
    /// Conditions of its status now.
    pub conditions: Vec<Condition>,
    /// Generation its status was made for.
    pub observed_generation: Option<i64>,
    pub(super) selector: Selector,
}

/// A stage of a blueprint.
#[derive(Clone, Debug)]
pub struct BlueprintResource {
    /// Name of the stage.
    pub name: String,
    /// Kind of its template.
    pub kind: TemplateKind,
    /// Which template.
    pub template: TemplateChoice,
    /// Parameters for this stage.
    pub params: Vec<BlueprintParam>,
    /// Sources it takes.
    pub sources: Vec<ResourceReference>,
    /// Images it takes.
    pub images: Vec<ResourceReference>,
    /// Configuration it takes.
    pub configs: Vec<ResourceReference>,
    /// The stage whose source it deploys.
    pub deployment: Option<String>,
}

/// The template of a stage.
#[derive(Clone, Debug)]
pub enum TemplateChoice {
    /// The one with this name.
    Named(String),
    /// The one whose selector matches the owner best.
    Options(Vec<ChoiceOption>),
}

/// An option of a stage.
#[derive(Clone, Debug)]
pub struct ChoiceOption {
    /// Template to stamp; empty for a pass-through.
    pub name: String,
    /// Input to pass through.
    pub pass_through: Option<String>,
    pub(super) selector: Selector,
}

impl Blueprint {
    /// Reads and compiles a blueprint from its JSON; the error names the field that does not decode.
    pub fn read(serves: OwnerKind, value: &Value) -> Result<Self, serde_json::Error> {
        let (resources, selector, params, account, status) = match serves {
            OwnerKind::Workload => {
                let ClusterSupplyChain { spec, status, .. } =
                    serde_json::from_value(value.clone())?;
                let resources = spec.resources.into_iter().map(supply_chain_resource).collect();
                let labels = (spec.selector, spec.selector_match_expressions);
                let selector = Selector::new(labels.0, labels.1, spec.selector_match_fields);
                (resources, selector, spec.params, spec.service_account_ref, status)
            }
            OwnerKind::Deliverable => {
                let ClusterDelivery { spec, status, .. } = serde_json::from_value(value.clone())?;
                let resources = spec.resources.into_iter().map(delivery_resource).collect();
                let labels = (spec.selector, spec.selector_match_expressions);
                let selector = Selector::new(labels.0, labels.1, spec.selector_match_fields);
                (resources, selector, spec.params, spec.service_account_ref, status)
            }
        };
        let status = status.unwrap_or_default();
        Ok(Self {
            serves,
            name: object::name(value).into(),
            uid: object::uid(value).into(),
            generation: object::generation(value),
            resources,
            params: params.unwrap_or_default(),
            account,
            conditions: status.conditions,
            observed_generation: status.observed_generation,
            selector,
        })
    }

    /// Every template it names, all options included, with the stage that names it, in order.
    pub fn templates(&self) -> impl Iterator<Item = (&str, TemplateKey)> {
        self.resources.iter().flat_map(|resource| {
            let names: Vec<&str> = match &resource.template {
                TemplateChoice::Named(name) => vec![name],
                TemplateChoice::Options(options) => options
                    .iter()
                    .map(|o| o.name.as_str())
                    .filter(|name| !name.is_empty())
                    .collect(),
            };
            names.into_iter().map(|name| {
                (resource.name.as_str(), TemplateKey { kind: resource.kind, name: name.into() })
            })
        })
    }
}

fn choice(name: Option<String>, options: Option<Vec<TemplateOption>>) -> TemplateChoice {
    match options.filter(|options| !options.is_empty()) {
        None => TemplateChoice::Named(name.unwrap_or_default()),
        Some(options) => TemplateChoice::Options(options.into_iter().map(option).collect()),
    }
}

fn option(option: TemplateOption) -> ChoiceOption {
    let selector = option.selector;
    ChoiceOption {
        name: option.name.unwrap_or_default(),
        pass_through: option.pass_through,
        selector: Selector::new(
            selector.match_labels,
            selector.match_expressions,
            selector.match_fields,
        ),
    }
}

fn supply_chain_resource(resource: SupplyChainResource) -> BlueprintResource {
    BlueprintResource {
        name: resource.name,
        kind: TemplateKind::read(&resource.template_ref.kind),
        template: choice(resource.template_ref.name, resource.template_ref.options),
        params: resource.params.unwrap_or_default(),
        sources: resource.sources.unwrap_or_default(),
        images: resource.images.unwrap_or_default(),
        configs: resource.configs.unwrap_or_default(),
        deployment: None,
    }
}

fn delivery_resource(resource: DeliveryResource) -> BlueprintResource {
    BlueprintResource {
        name: resource.name,
        kind: TemplateKind::read(&resource.template_ref.kind),
        template: choice(resource.template_ref.name, resource.template_ref.options),
        params: resource.params.unwrap_or_default(),
        sources: resource.sources.unwrap_or_default(),
        images: Vec::new(),
        configs: resource.configs.unwrap_or_default(),
        deployment: resource.deployment.map(|deployment| deployment.resource),
    }
}
