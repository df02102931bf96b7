//! What a template of an owner's blueprint sees (section 5.1).

use std::collections::BTreeMap;

use portolan_expr::Context;
use serde_json::{Value, json};

use super::blueprint::BlueprintResource;
use super::inputs::Inputs;
use super::owner::Owner;

/// The context of one stamping. The aliases `source`, `image` and `config` are there when the
/// resource declares exactly one input of that kind and it is available: going by what happens to be
/// available would stamp the wrong one of two while the other is awaited (16.2 row 25).
pub(super) fn context<'a>(
    owner: &'a Owner,
    resource: &BlueprintResource,
    inputs: &Inputs,
    params: Value,
    labels: &BTreeMap<String, String>,
) -> Context<'a> {
    let mut context = Context::new()
        .borrowing("workload", &owner.view)
        .borrowing("deliverable", &owner.view)
        .owning("params", params)
        .owning("sources", Value::Object(inputs.sources.clone()))
        .owning("images", Value::Object(inputs.images.clone()))
        .owning("configs", Value::Object(inputs.configs.clone()))
        .owning("deployment", inputs.deployment.clone())
        .owning("labels", json!(labels));
    if let ([_], Some(source)) = (resource.sources.as_slice(), inputs.sources.values().next()) {
        context = context.owning("source", source.clone());
    }
    if let ([_], Some(image)) = (resource.images.as_slice(), inputs.images.values().next()) {
        context = context.owning("image", image["image"].clone());
    }
    if let ([_], Some(config)) = (resource.configs.as_slice(), inputs.configs.values().next()) {
        context = context.owning("config", config["config"].clone());
    }
    context
}
