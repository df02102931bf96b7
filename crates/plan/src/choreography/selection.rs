//! Which blueprint serves an owner (section 3.3).

use std::sync::Arc;

use super::blueprint::Blueprint;
use super::owner::Owner;
use super::selector::{Selectable, most_specific};

/// The blueprint that serves an owner, or why there is none.
#[derive(Clone, Debug)]
pub enum Selection {
    /// Exactly one matches best.
    One(Arc<Blueprint>),
    /// The owner has no labels, and no blueprint selects by fields alone.
    NoLabels,
    /// None matches.
    NotFound,
    /// Several match equally well: their names.
    Multiple(Vec<String>),
    /// None matches, and these could not be evaluated.
    Broken(Vec<String>),
}

/// Chooses among all blueprints of the owner's kind. A blueprint whose selector cannot be evaluated
/// is out of the contest; it is reported only where no other serves the owner. The order of the
/// blueprints plays no part.
pub fn select(owner: &Owner, blueprints: &[Arc<Blueprint>]) -> Selection {
    let subject = Selectable { labels: &owner.labels, object: &owner.view };
    let candidates = blueprints
        .iter()
        .filter(|blueprint| blueprint.serves == owner.kind)
        .filter(|blueprint| !owner.labels.is_empty() || blueprint.selector.is_fields_only())
        .map(|blueprint| (&blueprint.selector, blueprint));
    let (mut best, mut errors) = most_specific(&subject, candidates);
    best.sort_by_key(|blueprint| &blueprint.name);
    errors.sort_by_key(|(blueprint, _)| &blueprint.name);
    match best.as_slice() {
        [one] => Selection::One(Arc::clone(one)),
        [] if !errors.is_empty() => Selection::Broken(
            errors
                .into_iter()
                .map(|(blueprint, error)| {
                    let (kind, name) = (owner.kind.blueprint_kind(), &blueprint.name);
                    format!(
                        "error handling selectors, selectorMatchExpressions or \
                         selectorMatchFields of [{kind}/{name}]: {error}"
                    )
                })
                .collect(),
        ),
        [] if owner.labels.is_empty() => Selection::NoLabels,
        [] => Selection::NotFound,
        several => Selection::Multiple(several.iter().map(|b| b.name.clone()).collect()),
    }
}

/// Whether a blueprint's selector reaches an owner, or cannot tell: a change of the blueprint may
/// change which blueprint serves the owner.
pub fn serves(blueprint: &Blueprint, owner: &Owner) -> bool {
    let subject = Selectable { labels: &owner.labels, object: &owner.view };
    blueprint.serves == owner.kind && blueprint.selector.matches(&subject).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::owner::OwnerKind;
    use super::*;

    fn chain(name: &str, spec: Value) -> Arc<Blueprint> {
        let mut spec = spec;
        spec["resources"] = json!([]);
        let object = json!({"metadata": {"name": name}, "spec": spec});
        Arc::new(Blueprint::read(OwnerKind::Workload, &object).unwrap())
    }

    fn owner(labels: &Value) -> Owner {
        let object = json!({"metadata": {"name": "app", "labels": labels}, "spec": {"image": "i"}});
        Owner::read(OwnerKind::Workload, object).unwrap()
    }

    fn check(labels: &Value, chains: &[Arc<Blueprint>], expected: &str) {
        let found = match select(&owner(labels), chains) {
            Selection::One(blueprint) => format!("one {}", blueprint.name),
            Selection::NoLabels => "no labels".into(),
            Selection::NotFound => "not found".into(),
            Selection::Multiple(names) => format!("multiple {}", names.join(" ")),
            Selection::Broken(errors) => format!("broken {}", errors.len()),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn selection() {
        let web = chain("web", json!({"selector": {"type": "web"}}));
        let web_two = chain("web-2", json!({"selector": {"type": "web"}}));
        let api = chain("api", json!({"selector": {"type": "web", "tier": "api"}}));
        let field = json!({"key": "spec.image", "operator": "Exists"});
        let image = chain("image", json!({"selectorMatchFields": [field]}));
        let broken_field = json!({"key": "spec.env[", "operator": "Exists"});
        let broken = chain(
            "broken",
            json!({"selector": {"type": "web"}, "selectorMatchFields": [broken_field]}),
        );
        let labels = json!({"type": "web"});
        check(&labels, &[web.clone(), api.clone()], "one web");
        check(&json!({"type": "web", "tier": "api"}), &[web.clone(), api], "one api");
        check(&labels, &[web_two, web.clone()], "multiple web web-2");
        check(&json!({"type": "job"}), std::slice::from_ref(&web), "not found");
        check(&Value::Null, std::slice::from_ref(&web), "no labels");
        check(&Value::Null, &[web.clone(), image], "one image");
        check(&labels, &[broken.clone(), web], "one web");
        check(&labels, &[broken], "broken 1");
    }
}
