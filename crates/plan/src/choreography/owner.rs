//! Owners: Workload and Deliverable, which differ in names and little else.

use std::collections::BTreeMap;

use portolan_api::choreography::params::OwnerParam;
use portolan_api::choreography::status::{ObjectReference, ResourceStatus};
use portolan_api::choreography::{Deliverable, Workload};
use portolan_api::condition::Condition;
use portolan_api::labels;
use serde_json::Value;

use super::typed_view::typed_view;
use crate::object;

/// The kind of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// Served by a ClusterSupplyChain.
    Workload,
    /// Served by a ClusterDelivery.
    Deliverable,
}

impl OwnerKind {
    /// Kind name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workload => "Workload",
            Self::Deliverable => "Deliverable",
        }
    }

    /// Kind name in messages.
    pub(super) fn lower(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Deliverable => "deliverable",
        }
    }

    /// Kind of the blueprints that serve it.
    pub fn blueprint_kind(self) -> &'static str {
        match self {
            Self::Workload => "ClusterSupplyChain",
            Self::Deliverable => "ClusterDelivery",
        }
    }

    /// Blueprints in messages.
    pub(super) fn blueprint_lower(self) -> &'static str {
        match self {
            Self::Workload => "supply chain",
            Self::Deliverable => "delivery",
        }
    }

    /// Type of the condition that tells whether a blueprint serves it.
    pub(crate) fn blueprint_ready(self) -> &'static str {
        match self {
            Self::Workload => "SupplyChainReady",
            Self::Deliverable => "DeliveryReady",
        }
    }

    /// The stem of reasons about blueprints.
    pub(super) fn blueprint_stem(self) -> &'static str {
        match self {
            Self::Workload => "SupplyChain",
            Self::Deliverable => "Delivery",
        }
    }

    /// Field of the status that names the blueprint.
    pub fn blueprint_ref_field(self) -> &'static str {
        match self {
            Self::Workload => "supplyChainRef",
            Self::Deliverable => "deliveryRef",
        }
    }

    /// Labels for owner name, owner namespace and blueprint name on stamped objects.
    pub fn labels(self) -> [&'static str; 3] {
        match self {
            Self::Workload => {
                [labels::WORKLOAD_NAME, labels::WORKLOAD_NAMESPACE, labels::SUPPLY_CHAIN_NAME]
            }
            Self::Deliverable => {
                [labels::DELIVERABLE_NAME, labels::DELIVERABLE_NAMESPACE, labels::DELIVERY_NAME]
            }
        }
    }
}

/// An owner as one reconcile sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    /// Which kind of owner.
    pub kind: OwnerKind,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// Generation of the spec.
    pub generation: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Parameters.
    pub params: Vec<OwnerParam>,
    /// `spec.serviceAccountName`, where it is not empty.
    pub service_account: Option<String>,
    /// Whether the owner is being deleted.
    pub terminating: bool,
    /// What status says now.
    pub status: OwnerStatus,
    /// The object as templates and field selectors see it (section 5.4).
    pub view: Value,
    /// The object as it is stored.
    pub stored: Value,
}

/// What an owner's status says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerStatus {
    /// Generation it was made for.
    pub observed_generation: Option<i64>,
    /// Conditions of the owner.
    pub conditions: Vec<Condition>,
    /// The blueprint.
    pub blueprint: Option<ObjectReference>,
    /// The resources of the blueprint.
    pub resources: Vec<ResourceStatus>,
    /// Objects of earlier resources that were still there.
    pub orphans: Vec<ObjectReference>,
}

impl Owner {
    /// Reads an owner from its JSON. An object that was stored by a looser schema may not decode:
    /// the error names the field.
    pub fn read(kind: OwnerKind, value: Value) -> Result<Self, serde_json::Error> {
        let (params, account, status) = match kind {
            OwnerKind::Workload => {
                let workload: Workload = serde_json::from_value(value.clone())?;
                let status = workload.status.unwrap_or_default();
                let status = OwnerStatus {
                    observed_generation: status.observed_generation,
                    conditions: status.conditions,
                    blueprint: status.supply_chain_ref,
                    resources: status.resources,
                    orphans: status.orphans,
                };
                (workload.spec.params, workload.spec.service_account_name, status)
            }
            OwnerKind::Deliverable => {
                let deliverable: Deliverable = serde_json::from_value(value.clone())?;
                let status = deliverable.status.unwrap_or_default();
                let status = OwnerStatus {
                    observed_generation: status.observed_generation,
                    conditions: status.conditions,
                    blueprint: status.delivery_ref,
                    resources: status.resources,
                    orphans: status.orphans,
                };
                (deliverable.spec.params, deliverable.spec.service_account_name, status)
            }
        };
        Ok(Self {
            kind,
            namespace: object::namespace(&value).into(),
            name: object::name(&value).into(),
            uid: object::uid(&value).into(),
            generation: object::generation(&value),
            labels: object::labels(&value),
            params: params.unwrap_or_default(),
            service_account: account.filter(|name| !name.is_empty()),
            terminating: object::is_terminating(&value),
            status,
            view: typed_view(kind, value.clone()),
            stored: value,
        })
    }

    /// The entry of a resource in status, as it stands before this reconcile.
    pub(super) fn previous(&self, resource: &str) -> Option<&ResourceStatus> {
        self.status.resources.iter().find(|entry| entry.name == resource)
    }
}
