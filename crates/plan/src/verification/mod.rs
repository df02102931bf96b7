//! Decisions of a Verification: whether to begin, whether what was found counts, what it comes to.

use portolan_api::native::git_deployment::GitDeploymentStatus;
use portolan_api::native::verification::{CheckState, CheckStatus, Subject};

/// How the deployment stands to the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The subject is live and nothing else is being tried: checks count.
    Open,
    /// The subject is not live yet, or not any more.
    Closed {
        /// Why, for people.
        why: String,
    },
}

/// Whether checks of a subject count now: the deployment has exactly this revision live and is not
/// trying another one.
pub fn gate(subject: &Subject, deployment: Option<&GitDeploymentStatus>) -> Gate {
    let name = &subject.deployment_ref.name;
    let closed = |why: String| Gate::Closed { why };
    let Some(status) = deployment else {
        return closed(format!("GitDeployment {name} does not exist or has no status"));
    };
    let short = |revision: &Option<String>| -> String {
        revision.as_deref().unwrap_or("nothing").chars().take(12).collect()
    };
    let wanted = Some(&subject.revision);
    if status.observed_revision.as_ref() != wanted {
        let observed = short(&status.observed_revision);
        return closed(format!("GitDeployment {name} has {observed} live"));
    }
    if status.attempted_revision.as_ref() != wanted {
        let attempted = short(&status.attempted_revision);
        return closed(format!("GitDeployment {name} is trying {attempted}"));
    }
    Gate::Open
}

/// What checks come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All passed.
    Passed,
    /// One failed for good: its name and what was found.
    Failed {
        /// What failed, for people.
        message: String,
    },
    /// Some still run.
    Open,
}

/// Adds checks up: the first final failure decides.
pub fn verdict(checks: &[CheckStatus]) -> Verdict {
    if let Some(failed) = checks.iter().find(|check| check.state == CheckState::Failed) {
        let message = format!(
            "check {} failed after {} attempts: {}",
            failed.name, failed.attempts, failed.message
        );
        return Verdict::Failed { message };
    }
    if checks.iter().all(|check| check.state == CheckState::Passed) {
        Verdict::Passed
    } else {
        Verdict::Open
    }
}

#[cfg(test)]
mod tests {
    use portolan_api::native::common::LocalRef;

    use super::*;

    fn subject() -> Subject {
        Subject {
            url: "u".into(),
            revision: "r2".into(),
            deployment_ref: LocalRef { name: "app".into() },
        }
    }

    fn status(attempted: &str, observed: &str) -> GitDeploymentStatus {
        GitDeploymentStatus {
            attempted_revision: Some(attempted.into()),
            observed_revision: Some(observed.into()),
            ..GitDeploymentStatus::default()
        }
    }

    #[test]
    fn checks_count_only_while_the_subject_is_live_and_nothing_else_is_tried() {
        let check =
            |attempted: &str, observed: &str| gate(&subject(), Some(&status(attempted, observed)));
        assert_eq!(check("r2", "r2"), Gate::Open);
        let closed = |why: &str| Gate::Closed { why: why.into() };
        assert_eq!(check("r2", "r1"), closed("GitDeployment app has r1 live"));
        assert_eq!(check("r3", "r2"), closed("GitDeployment app is trying r3"));
        assert!(matches!(gate(&subject(), None), Gate::Closed { .. }));
    }

    #[test]
    fn the_first_failure_decides() {
        let check = |name: &str, state| CheckStatus {
            name: name.into(),
            state,
            attempts: 3,
            message: "m".into(),
        };
        let passed = check("a", CheckState::Passed);
        let failed = check("b", CheckState::Failed);
        let running = check("c", CheckState::Running);
        assert_eq!(verdict(std::slice::from_ref(&passed)), Verdict::Passed);
        assert_eq!(verdict(&[passed.clone(), running.clone()]), Verdict::Open);
        let message = "check b failed after 3 attempts: m".to_owned();
        assert_eq!(verdict(&[passed, failed, running]), Verdict::Failed { message });
    }
}
