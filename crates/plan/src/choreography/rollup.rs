//! How conditions add up to one (sections 8.3 and 9.1).

use portolan_api::condition::{ConditionStatus, Decided};

/// The top-level condition of a list: the last False wins over all, the first Unknown over True.
pub(super) fn ready(parts: &[Decided]) -> Decided {
    if parts.is_empty() {
        return Decided::unknown("Ready", "Unknown", "");
    }
    let mut top = Decided::yes("Ready", "Ready", "");
    for part in parts {
        match (part.status, top.status) {
            (ConditionStatus::False, _) | (ConditionStatus::Unknown, ConditionStatus::True) => {
                top = Decided { type_: "Ready".into(), ..part.clone() };
            }
            _ => {}
        }
    }
    top
}

/// The condition that tells of the health of all resources; `health` is their `Healthy` conditions.
pub(super) fn healthy<'a>(health: impl Iterator<Item = &'a Decided>) -> Decided {
    const TYPE: &str = "ResourcesHealthy";
    const REASON: &str = "HealthyConditionRule";
    let parts: Vec<Decided> = health.cloned().collect();
    if parts.is_empty() {
        return Decided::unknown(TYPE, REASON, "");
    }
    let top = ready(&parts);
    Decided { type_: TYPE.into(), reason: REASON.into(), ..top }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(status: ConditionStatus, reason: &str) -> Decided {
        Decided::new("T", status, reason, format!("{reason} message"))
    }

    fn check(parts: &[(ConditionStatus, &str)], expected: (&str, &str, &str)) {
        let parts: Vec<Decided> = parts.iter().map(|(s, r)| part(*s, r)).collect();
        let top = ready(&parts);
        assert_eq!((top.status.as_str(), top.reason.as_str(), top.message.as_str()), expected);
    }

    #[test]
    fn the_last_false_wins_then_the_first_unknown() {
        use ConditionStatus::{False, True, Unknown};
        check(&[], ("Unknown", "Unknown", ""));
        check(&[(True, "A")], ("True", "Ready", ""));
        check(&[(True, "A"), (Unknown, "B"), (Unknown, "C")], ("Unknown", "B", "B message"));
        check(&[(False, "A"), (Unknown, "B"), (False, "C")], ("False", "C", "C message"));
        check(&[(Unknown, "A"), (False, "B")], ("False", "B", "B message"));
    }

    #[test]
    fn health_has_one_reason() {
        let parts = [part(ConditionStatus::False, "A"), part(ConditionStatus::True, "B")];
        let top = healthy(parts.iter());
        assert_eq!(
            (top.reason.as_str(), top.message.as_str()),
            ("HealthyConditionRule", "A message")
        );
        assert_eq!(healthy([].iter()).status, ConditionStatus::Unknown);
        assert_eq!(healthy([part(ConditionStatus::True, "A")].iter()).message, "");
    }
}
