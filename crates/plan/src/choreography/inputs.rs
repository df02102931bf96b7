//! What a resource takes from the resources before it.

use std::collections::BTreeMap;

use portolan_api::choreography::blueprint::ResourceReference;
use portolan_api::choreography::status::Input;
use serde_json::{Map, Value, json};

use super::blueprint::BlueprintResource;
use super::outputs::Offer;

/// What the resources before this one offer, by resource name.
pub(super) type Offers = BTreeMap<String, Offer>;

/// The inputs of a resource that are available now.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Inputs {
    pub(super) sources: Map<String, Value>,
    pub(super) images: Map<String, Value>,
    pub(super) configs: Map<String, Value>,
    /// Url and revision of the source to deploy, or null.
    pub(super) deployment: Value,
}

impl Inputs {
    pub(super) fn of(resource: &BlueprintResource, offers: &Offers) -> Self {
        let source = |offer: &Offer, name: &str| match offer {
            Offer::Source { url, revision } => {
                Some(json!({"url": url, "revision": revision, "name": name}))
            }
            _ => None,
        };
        let image = |offer: &Offer, name: &str| match offer {
            Offer::Image(image) => Some(json!({"image": image, "name": name})),
            _ => None,
        };
        let config = |offer: &Offer, name: &str| match offer {
            Offer::Config(config) => Some(json!({"config": config, "name": name})),
            _ => None,
        };
        let deployment = resource.deployment.as_ref().and_then(|provider| offers.get(provider));
        Self {
            sources: available(&resource.sources, offers, source),
            images: available(&resource.images, offers, image),
            configs: available(&resource.configs, offers, config),
            deployment: deployment.and_then(|offer| source(offer, "")).unwrap_or_default(),
        }
    }
}

fn available(
    references: &[ResourceReference],
    offers: &Offers,
    read: impl Fn(&Offer, &str) -> Option<Value>,
) -> Map<String, Value> {
    references
        .iter()
        .filter_map(|reference| {
            let value = read(offers.get(&reference.resource)?, &reference.name)?;
            Some((reference.name.clone(), value))
        })
        .collect()
}

/// The providers of a resource as status lists them: sources, images, deployment, configs; those
/// that are not available too (section 7.4).
pub(super) fn providers(resource: &BlueprintResource) -> Vec<Input> {
    let names = |references: &[ResourceReference]| -> Vec<String> {
        references.iter().map(|reference| reference.resource.clone()).collect()
    };
    [
        names(&resource.sources),
        names(&resource.images),
        resource.deployment.iter().cloned().collect(),
        names(&resource.configs),
    ]
    .concat()
    .into_iter()
    .map(|name| Input { name })
    .collect()
}
