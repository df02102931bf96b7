//! One entry of `status.resources` in the making.

use std::sync::Arc;

use jiff::Timestamp;
use portolan_api::API_VERSION;
use portolan_api::choreography::status::{Input, ObjectReference, ResourceStatus};
use portolan_api::condition::{
    Condition, ConditionStatus, Decided, Generation, find, rfc3339, timed,
};
use serde_json::Value;

use super::blueprint::{Blueprint, BlueprintResource};
use super::conditions::{Level, Site, StampedName, failed, submitted};
use super::inputs;
use super::outputs::Offer;
use super::owner::Owner;
use super::resource_error::ResourceError;
use super::rollup;
use super::template::{Template, TemplateKey, TemplateKind};
use crate::health::Verdict;
use crate::object::{self, ServedKind};

/// A resource as this reconcile found it.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: Option<TemplateKind>,
    pub(super) template: Option<Arc<Template>>,
    pub(super) inputs: Vec<Input>,
    pub(super) stamped: Option<(ServedKind, Arc<Value>)>,
    pub(super) offer: Option<Offer>,
    pub(super) passed_through: bool,
    pub(super) error: Option<ResourceError>,
}

impl Entry {
    pub(super) fn new(resource: &BlueprintResource) -> Self {
        Self {
            name: resource.name.clone(),
            kind: Some(resource.kind),
            inputs: inputs::providers(resource),
            ..Self::default()
        }
    }

    /// Whether nothing was stamped because of an error: then the entry of before stands.
    fn is_kept(&self) -> bool {
        self.error.is_some() && self.stamped.is_none() && !self.passed_through
    }

    /// The stamped object in messages and events.
    pub(super) fn object(&self) -> Option<StampedName> {
        let (kind, object) = self.stamped.as_ref()?;
        Some(StampedName {
            qualified: kind.qualified(),
            namespace: object::namespace(object).into(),
            name: object::name(object).into(),
        })
    }

    /// The `Healthy` condition (section 8.1); none for pass-throughs and where no template is known.
    pub(super) fn healthy(&self, previous: Option<&ResourceStatus>) -> Option<Decided> {
        if self.passed_through {
            return None;
        }
        if let (true, Some(previous)) = (self.is_kept(), previous) {
            return find(&previous.conditions, HEALTHY).map(decided);
        }
        let template = self.template.as_ref()?;
        let object = self.stamped.as_ref().map(|(_, object)| object.as_ref());
        let verdict = match &template.health {
            Some(rule) => rule.judge(object),
            None => self.by_outputs(object),
        };
        Some(Decided::new(HEALTHY, verdict.status, verdict.reason, verdict.message))
    }

    fn by_outputs(&self, object: Option<&Value>) -> Verdict {
        use ConditionStatus::{True, Unknown};
        match (self.kind, object, &self.offer) {
            (Some(TemplateKind::Plain), Some(_), _) => Verdict::new(True, "AlwaysHealthy", ""),
            (Some(TemplateKind::Plain), None, _) => Verdict::new(Unknown, "NoStampedObject", ""),
            (_, _, Some(_)) => Verdict::new(True, "OutputsAvailable", ""),
            (_, _, None) => Verdict::new(Unknown, "OutputNotAvailable", ""),
        }
    }

    /// The submission condition at a level.
    pub(super) fn submission(
        &self,
        level: Level,
        owner: &Owner,
        blueprint: &Blueprint,
        health: Option<&Decided>,
    ) -> Decided {
        match &self.error {
            None => submitted(level, self.passed_through),
            Some(error) => {
                let site = Site {
                    kind: owner.kind,
                    resource: &self.name,
                    blueprint: &blueprint.name,
                    object: self.object(),
                    health: health.map(|health| health.status),
                };
                failed(level, error, &site)
            }
        }
    }

    /// The entry for status.
    pub(super) fn status(
        &self,
        owner: &Owner,
        blueprint: &Blueprint,
        now: Timestamp,
    ) -> ResourceStatus {
        let previous = owner.previous(&self.name);
        let healthy = self.healthy(previous);
        let mut decided =
            vec![self.submission(Level::Resource, owner, blueprint, healthy.as_ref())];
        decided.extend(healthy);
        decided.push(rollup::ready(&decided));
        let before = previous.map(|entry| entry.conditions.as_slice()).unwrap_or_default();
        let conditions = timed(&decided, before, now, Generation::Omit);
        match previous.filter(|_| self.is_kept()) {
            Some(previous) => ResourceStatus { conditions, ..previous.clone() },
            None => ResourceStatus {
                name: self.name.clone(),
                stamped_ref: self.stamped.as_ref().map(|(kind, object)| stamped_ref(kind, object)),
                template_ref: self.template.as_ref().map(|template| template_ref(&template.key)),
                inputs: self.inputs.clone(),
                outputs: self.offer.as_ref().map_or_else(Vec::new, |offer| {
                    let before = previous.map(|entry| entry.outputs.as_slice()).unwrap_or_default();
                    offer.status(before, &rfc3339(now))
                }),
                conditions,
            },
        }
    }
}

/// Type of the condition that tells of a resource's health.
pub(super) const HEALTHY: &str = "Healthy";

fn decided(condition: &Condition) -> Decided {
    Decided::new(&condition.type_, condition.status, &condition.reason, &condition.message)
}

fn template_ref(key: &TemplateKey) -> ObjectReference {
    ObjectReference {
        api_version: Some(API_VERSION.into()),
        kind: Some(key.kind.name().into()),
        name: Some(key.name.clone()),
        ..ObjectReference::default()
    }
}

pub(super) fn stamped_ref(kind: &ServedKind, object: &Value) -> ObjectReference {
    let namespace = object::namespace(object);
    ObjectReference {
        api_version: Some(kind.gvk.api_version()),
        kind: Some(kind.gvk.kind.clone()),
        namespace: (!namespace.is_empty()).then(|| namespace.into()),
        name: Some(object::name(object).into()),
        resource: Some(kind.qualified()),
        ..ObjectReference::default()
    }
}
