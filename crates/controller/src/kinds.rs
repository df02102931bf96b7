//! The kinds this program reads by itself, as they are named on the wire.

use portolan_plan::choreography::{OwnerKind, TemplateKind};
use portolan_plan::object::Gvk;

/// A kind of our own group.
pub(crate) fn ours(kind: &str) -> Gvk {
    Gvk::new(portolan_api::API_VERSION, kind)
}

/// ServiceAccounts.
pub(crate) fn service_account() -> Gvk {
    Gvk::new("v1", "ServiceAccount")
}

/// CustomResourceDefinitions.
pub(crate) fn definition() -> Gvk {
    Gvk::new("apiextensions.k8s.io/v1", "CustomResourceDefinition")
}

/// The kinds of templates that an owner's blueprints name.
pub(crate) fn templates(owner: OwnerKind) -> [TemplateKind; 4] {
    match owner {
        OwnerKind::Workload => {
            [TemplateKind::Source, TemplateKind::Image, TemplateKind::Config, TemplateKind::Plain]
        }
        OwnerKind::Deliverable => [
            TemplateKind::Source,
            TemplateKind::Deployment,
            TemplateKind::Config,
            TemplateKind::Plain,
        ],
    }
}
