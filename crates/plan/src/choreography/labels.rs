//! The labels that stamping adds (section 5.6), made valid where a name is not.

use std::collections::BTreeMap;

use portolan_api::{digest, labels};

use super::blueprint::{Blueprint, BlueprintResource, TemplateChoice};
use super::owner::Owner;
use super::template::Template;

/// The labels of an object stamped for a resource.
pub(super) fn stamped(
    owner: &Owner,
    blueprint: &Blueprint,
    resource: &BlueprintResource,
    template: &Template,
) -> BTreeMap<String, String> {
    let [owner_name, owner_namespace, blueprint_name] = owner.kind.labels();
    let template_name = match &resource.template {
        TemplateChoice::Named(name) => name.as_str(),
        TemplateChoice::Options(_) => "",
    };
    [
        (owner_name, owner.name.as_str()),
        (owner_namespace, &owner.namespace),
        (blueprint_name, &blueprint.name),
        (labels::RESOURCE_NAME, &resource.name),
        (labels::TEMPLATE_KIND, resource.kind.name()),
        (labels::TEMPLATE_NAME, template_name),
        (labels::TEMPLATE_LIFECYCLE, template.lifecycle.as_str()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), label_value(value)))
    .collect()
}

/// A text as a label value: as it is where that is valid, else its beginning and a digest.
pub(super) fn label_value(text: &str) -> String {
    let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    let valid = text.len() <= 63
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && ends(text.chars().next())
        && ends(text.chars().last());
    if valid {
        return text.to_owned();
    }
    let kept: String = text.chars().filter(char::is_ascii_alphanumeric).take(46).collect();
    let hash = &digest::hex(text.as_bytes())[..16];
    if kept.is_empty() { hash.to_owned() } else { format!("{kept}-{hash}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_are_always_valid_and_tell_names_apart() {
        for text in ["app", "", "a.b_c-d"] {
            assert_eq!(label_value(text), text);
        }
        for text in ["a".repeat(64).as_str(), "-a", "a b", "x\ny", "ünï", "💥"] {
            let value = label_value(text);
            assert!(
                value.len() <= 63 && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            );
        }
        assert_ne!(label_value(&"a".repeat(64)), label_value(&"a".repeat(65)));
    }
}
