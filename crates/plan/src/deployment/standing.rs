//! How the objects of a deployment stand together.

use std::time::Duration;

use jiff::Timestamp;
use portolan_api::condition::{ConditionStatus, rfc3339};
use portolan_api::native::git_deployment::{GitDeploymentStatus, ObjectHealth};
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

/// For how long not every object is healthy; notes in the status since when that is. Being called
/// `healthy` ends it, so that what was healthy for days has the whole time again.
pub fn unhealthy_for(status: &mut GitDeploymentStatus, healthy: bool, now: Timestamp) -> Duration {
    if healthy {
        status.unhealthy_since = None;
        return Duration::ZERO;
    }
    let since = status.unhealthy_since.get_or_insert_with(|| rfc3339(now)).parse::<Timestamp>();
    since.map_or(Duration::ZERO, |since| {
        Duration::try_from(now.duration_since(since)).unwrap_or_default()
    })
}

/// Whether every object is as it should be.
pub fn all_healthy(reports: &[Reported]) -> bool {
    reports.iter().all(|report| report.standing.health == Health::Current)
}

/// Adds up, for objects that are not all healthy for `unhealthy` now.
pub fn overall(reports: &[Reported], unhealthy: Duration, timeout: Duration) -> Overall {
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
    match timeout.checked_sub(unhealthy) {
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
    fn the_clock_starts_when_health_is_left_and_stands_in_the_status() {
        let at = |second| Timestamp::constant(second, 0);
        let seconds = Duration::from_secs;
        let mut status = GitDeploymentStatus::default();
        let day = 86_400;
        assert_eq!(unhealthy_for(&mut status, false, at(0)), seconds(0));
        assert_eq!(unhealthy_for(&mut status, false, at(7)), seconds(7));
        assert_eq!(unhealthy_for(&mut status, true, at(9)), seconds(0));
        assert_eq!(status, GitDeploymentStatus::default(), "nothing is written at rest");
        assert_eq!(unhealthy_for(&mut status, false, at(day)), seconds(0));
        // A restart reads it where it stands; a clock that goes back ends nothing.
        assert_eq!(status.unhealthy_since.as_deref(), Some("1970-01-02T00:00:00Z"));
        assert_eq!(unhealthy_for(&mut status, false, at(day + 3)), seconds(3));
        assert_eq!(unhealthy_for(&mut status, false, at(5)), seconds(0));
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
