//! Parameters: who may set what (section 4.1).

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::choreography::params::{BlueprintParam, OwnerParam, TemplateParam};
use serde_json::{Map, Value};

/// Merges the parameters of a template, a blueprint, a resource and an owner. A `value` locks a
/// parameter against its owner; a later `default` opens it again.
pub(super) fn merge(
    template: &[TemplateParam],
    blueprint: &[BlueprintParam],
    resource: &[BlueprintParam],
    owner: &[OwnerParam],
) -> Value {
    let mut merged: BTreeMap<&str, &Value> =
        template.iter().map(|param| (param.name.as_str(), &param.default)).collect();
    let mut locked = BTreeSet::new();
    for param in blueprint.iter().chain(resource) {
        let name = param.name.as_str();
        if let Some(value) = &param.value {
            merged.insert(name, value);
            locked.insert(name);
        } else if let Some(default) = &param.default {
            merged.insert(name, default);
            locked.remove(name);
        }
    }
    for param in owner {
        if !locked.contains(param.name.as_str()) {
            merged.insert(&param.name, &param.value);
        }
    }
    let map: Map<String, Value> =
        merged.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    enum Set {
        Value(&'static str),
        Default(&'static str),
    }

    fn blueprint(set: Option<&Set>) -> Vec<BlueprintParam> {
        set.iter()
            .map(|set| match set {
                Set::Value(v) => {
                    BlueprintParam { name: "p".into(), value: Some(json!(v)), default: None }
                }
                Set::Default(v) => {
                    BlueprintParam { name: "p".into(), value: None, default: Some(json!(v)) }
                }
            })
            .collect()
    }

    /// The table of section 4.1, row by row.
    #[test]
    fn precedence() {
        use Set::{Default, Value};
        for (template, chain, resource, owner, expected) in [
            (Some("T"), None, None, None, Some("T")),
            (Some("T"), None, None, Some("O"), Some("O")),
            (Some("T"), Some(Default("B")), None, None, Some("B")),
            (Some("T"), Some(Default("B")), None, Some("O"), Some("O")),
            (Some("T"), Some(Value("B")), None, Some("O"), Some("B")),
            (Some("T"), Some(Value("B")), Some(Default("R")), None, Some("R")),
            (Some("T"), Some(Default("B")), Some(Default("R")), None, Some("R")),
            (Some("T"), Some(Value("B")), Some(Default("R")), Some("O"), Some("O")),
            (Some("T"), Some(Default("B")), Some(Value("R")), Some("O"), Some("R")),
            (None, None, None, Some("O"), Some("O")),
            (None, None, None, None, None),
        ] {
            let template: Vec<TemplateParam> = template
                .iter()
                .map(|v| TemplateParam { name: "p".into(), default: json!(v) })
                .collect();
            let owner: Vec<OwnerParam> =
                owner.iter().map(|v| OwnerParam { name: "p".into(), value: json!(v) }).collect();
            let merged =
                merge(&template, &blueprint(chain.as_ref()), &blueprint(resource.as_ref()), &owner);
            assert_eq!(merged.get("p").and_then(|v| v.as_str()), expected);
        }
    }

    #[test]
    fn later_duplicates_win_and_empty_params_change_nothing() {
        let owner = ["1", "2"].map(|v| OwnerParam { name: "p".into(), value: json!(v) });
        assert_eq!(merge(&[], &[], &[], &owner), json!({"p": "2"}));
        let neither = BlueprintParam { name: "p".into(), value: None, default: None };
        assert_eq!(merge(&[], &[neither], &[], &owner), json!({"p": "2"}));
    }
}
