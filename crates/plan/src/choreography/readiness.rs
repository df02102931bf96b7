//! Whether a blueprint can be used: its own status (sections 3.5 and 9.2).

use jiff::Timestamp;
use portolan_api::choreography::blueprint::BlueprintStatus;
use portolan_api::condition::{Decided, Generation, timed};

use super::blueprint::Blueprint;
use super::template::TemplateKey;
use super::{conditions, rollup};

/// The status of a blueprint, and whether it differs from what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlueprintReport {
    /// The whole status.
    pub status: BlueprintStatus,
    /// Whether it has to be written.
    pub changed: bool,
}

/// Reports on a blueprint; `exists` tells whether a template does.
pub fn report_blueprint(
    blueprint: &Blueprint,
    exists: impl Fn(&TemplateKey) -> bool,
    now: Timestamp,
) -> BlueprintReport {
    let templates = templates_ready(blueprint, exists);
    let ready = rollup::ready(std::slice::from_ref(&templates));
    let conditions = timed(&[templates, ready], &blueprint.conditions, now, Generation::Omit);
    let status = BlueprintStatus { conditions, observed_generation: Some(blueprint.generation) };
    let changed = status.conditions != blueprint.conditions
        || status.observed_generation != blueprint.observed_generation;
    BlueprintReport { status, changed }
}

/// `TemplatesReady`: names the resources whose templates are missing, once for each template.
pub(super) fn templates_ready(
    blueprint: &Blueprint,
    exists: impl Fn(&TemplateKey) -> bool,
) -> Decided {
    let missing: Vec<String> = blueprint
        .templates()
        .filter(|(_, key)| !exists(key))
        .map(|(resource, _)| resource.to_owned())
        .collect();
    conditions::templates_ready(blueprint, &missing)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::owner::OwnerKind;
    use super::*;

    #[test]
    fn missing_templates_are_named_by_their_resources_once_each() {
        let option = |name: &str| json!({"name": name, "selector": {"matchLabels": {"a": name}}});
        let options = json!([option("x"), option("y")]);
        let object = json!({
            "metadata": {"name": "web", "generation": 3},
            "spec": {"resources": [
                {"name": "source", "templateRef": {"kind": "ClusterSourceTemplate", "name": "git"}},
                {"name": "image", "templateRef": {"kind": "ClusterImageTemplate", "options": options}},
            ]},
        });
        let blueprint = Blueprint::read(OwnerKind::Workload, &object).unwrap();
        let now = Timestamp::UNIX_EPOCH;

        let report = report_blueprint(&blueprint, |key| key.name == "git", now);
        let ready = &report.status.conditions[1];
        assert_eq!(ready.reason, "TemplatesNotFound");
        assert_eq!(ready.message, "did not find the template of the resource(s) [image, image]");
        assert!(report.changed);

        let report = report_blueprint(&blueprint, |_| true, now);
        let found: Vec<_> = report
            .status
            .conditions
            .iter()
            .map(|c| (c.type_.as_str(), c.reason.as_str()))
            .collect();
        assert_eq!(found, [("TemplatesReady", "Ready"), ("Ready", "Ready")]);
        assert_eq!(report.status.observed_generation, Some(3));
    }
}
