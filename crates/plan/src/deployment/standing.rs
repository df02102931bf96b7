//! How the objects of a deployment stand together.

use std::time::Duration;

use portolan_api::condition::ConditionStatus;
use portolan_api::native::git_deployment::ObjectHealth;
use serde_json::Value;

use crate::health::{Health, Rule, Standing, standing};
use crate::object::{self, ServedKind};

/// Most objects that status lists.
const LISTED: usize = 20;

/// An object and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// `<kind>[.<group>] <namespace>/<name>`.
    pub reference: String,
    /// How it stands.
    pub standing: Standing,
}

impl Reported {
    /// Judges an object: by a rule of the deployment's own, else by the standard rules.
    pub fn new(
        kind: &ServedKind,
        desired: &Value,
        live: Option<&Value>,
        rule: Option<&Rule>,
    ) -> Self {
        let (namespace, name) = (object::namespace(desired), object::name(desired));
        let place = if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}") };
        let standing = match (live, rule) {
            (None, _) => Standing::new(Health::NotFound, "the object does not exist"),
            (Some(live), None) => standing(live),
            (Some(live), Some(rule)) => by_rule(rule, live),
        };
        Self { reference: format!("{} {place}", kind.qualified()), standing }
    }
}

fn by_rule(rule: &Rule, live: &Value) -> Standing {
    let verdict = rule.judge(Some(live));
    let health = match verdict.status {
        ConditionStatus::True => Health::Current,
        ConditionStatus::False => Health::Failed,
        ConditionStatus::Unknown => Health::InProgress,
    };
    Standing::new(health, verdict.message)
}

/// How all objects stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overall {
    /// Every object is as it should be.
    Healthy,
    /// Some are on the way, and there is time left.
    Progressing {
        /// The time left.
        left: Duration,
        /// Those that are not healthy.
        objects: Vec<ObjectHealth>,
    },
    /// The time is over.
    Unhealthy {
        /// Those that are not healthy.
        objects: Vec<ObjectHealth>,
    },
}

/// Adds up, for a revision that was first tried `tried` ago.
pub fn overall(reports: &[Reported], tried: Duration, timeout: Duration) -> Overall {
    let objects: Vec<ObjectHealth> = reports
        .iter()
        .filter(|report| report.standing.health != Health::Current)
        .take(LISTED)
        .map(|report| ObjectHealth {
            ref_: report.reference.clone(),
            health: report.standing.health.as_str().into(),
            message: report.standing.message.chars().take(500).collect(),
        })
        .collect();
    match timeout.checked_sub(tried) {
        _ if objects.is_empty() => Overall::Healthy,
        Some(left) if !left.is_zero() => Overall::Progressing { left, objects },
        _ => Overall::Unhealthy { objects },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Gvk;

    #[test]
    fn time_decides_between_progress_and_failure() {
        let kind = ServedKind {
            gvk: Gvk::new("apps/v1", "Deployment"),
            plural: "deployments".into(),
            namespaced: true,
        };
        let desired = json!({"metadata": {"name": "app", "namespace": "dev"}});
        let seconds = Duration::from_secs;
        let missing = [Reported::new(&kind, &desired, None, None)];
        assert_eq!(missing[0].reference, "deployments.apps dev/app");
        let left = overall(&missing, seconds(10), seconds(30));
        assert!(matches!(left, Overall::Progressing { left, .. } if left == seconds(20)));
        assert!(matches!(overall(&missing, seconds(30), seconds(30)), Overall::Unhealthy { .. }));
        let map = json!({"kind": "ConfigMap", "metadata": {"name": "a"}});
        let healthy = [Reported::new(&kind, &map, Some(&map), None)];
        assert_eq!(overall(&healthy, seconds(99), seconds(30)), Overall::Healthy);
    }

    #[test]
    fn a_rule_of_the_deployments_own_wins() {
        let kind = ServedKind { gvk: Gvk::new("x/v1", "K"), plural: "ks".into(), namespaced: true };
        let live = json!({"metadata": {}, "status": {"conditions": [{"type": "Done", "status": "False", "message": "no"}]}});
        let rule = Rule::single_condition("Done");
        let report = Reported::new(&kind, &live, Some(&live), Some(&rule));
        assert_eq!(report.standing, Standing::new(Health::Failed, "no"));
    }
}
