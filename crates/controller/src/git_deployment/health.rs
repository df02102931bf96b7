//! Health of a deployment's objects, with the reason where it can be found.

use std::time::Duration;

use portolan_api::native::git_deployment::{GitDeploymentSpec, ObjectHealth};
use portolan_plan::deployment::Reported;
use portolan_plan::health::{Health, Rule, standing};
use portolan_plan::object::{Gvk, ServedKind};
use serde_json::Value;

use super::Round;
use super::desired::Desired;
use super::live::Live;
use crate::context::Context;

/// Time until objects on the way are looked at again, beside their events: pods say why they do not
/// run without any event of the object that made them.
pub(super) const NEXT_LOOK: Duration = Duration::from_secs(5);
/// Time a rollout is given before its steps are worth telling: most are over by then, and each step
/// told is a write here and one in whatever watches us.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How every object stands.
pub(super) fn reports(spec: &GitDeploymentSpec, desired: &[Desired], live: &Live) -> Vec<Reported> {
    let rules: Vec<(Gvk, Rule)> = spec
        .health
        .iter()
        .map(|health| (Gvk::new(&health.api_version, &health.kind), Rule::new(&health.rule)))
        .collect();
    desired
        .iter()
        .map(|wanted| {
            let gvk = Gvk::of(&wanted.object);
            let rule = rules.iter().find(|(of, _)| *of == gvk).map(|(_, rule)| rule);
            let found = live.objects.get(&wanted.key).map(AsRef::as_ref);
            let served = wanted.kind.clone().unwrap_or_else(|| unserved(&gvk));
            Reported::new(&served, &wanted.object, found, rule)
        })
        .collect()
}

fn unserved(gvk: &Gvk) -> ServedKind {
    ServedKind { gvk: gvk.clone(), plural: gvk.kind.to_lowercase(), namespaced: true }
}

/// The unhealthy objects in one sentence.
pub(super) fn sentence(objects: &[ObjectHealth]) -> String {
    let shown: Vec<String> = objects
        .iter()
        .take(3)
        .map(|object| {
            let message = if object.message.is_empty() { &object.health } else { &object.message };
            format!("{}: {message}", object.ref_)
        })
        .collect();
    let more = objects.len().saturating_sub(shown.len());
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("{}{more}", shown.join("; "))
}

/// Adds what pods say to the objects that make them: a Deployment only tells that replicas are
/// missing, its pods tell why. Read as the deployment's account; where that may not read pods, the
/// message stays as it is.
pub(super) async fn explain(
    cx: &Context,
    round: &Round<'_>,
    desired: &[Desired],
    live: &Live,
    objects: &mut [ObjectHealth],
) {
    let Some(pods) = cx.kinds.get(&Gvk::new("v1", "Pod")) else { return };
    for object in objects.iter_mut() {
        let owner = desired.iter().find(|wanted| {
            let reference = wanted.kind.as_ref().map(|kind| {
                format!("{} {}/{}", kind.qualified(), wanted.key.namespace, wanted.key.name)
            });
            reference.as_deref() == Some(&object.ref_)
        });
        let Some(found) = owner.and_then(|owner| live.objects.get(&owner.key)) else { continue };
        let Some(labels) = selector(found) else { continue };
        let namespace = portolan_plan::object::namespace(found);
        let listed = cx.cluster.list(&round.identity, &pods, namespace, &labels).await;
        let Ok(listed) = listed else { return };
        let trouble = listed.iter().map(|pod| (pod, standing(pod))).find(|(_, standing)| {
            ![Health::Current, Health::Terminating].contains(&standing.health)
        });
        if let Some((pod, standing)) = trouble {
            let name = portolan_plan::object::name(pod);
            object.message = format!("{}; pod {name}: {}", object.message, standing.message);
        }
    }
}

/// The label selector by which an object finds its pods.
fn selector(object: &Value) -> Option<String> {
    let labels = object.pointer("/spec/selector/matchLabels")?.as_object()?;
    let pairs: Vec<String> = labels
        .iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}
