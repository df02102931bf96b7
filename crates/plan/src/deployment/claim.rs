//! Claims: whose an object is that does not bear our label, and whether it may be taken over.

use portolan_api::native::git_deployment::Adopt;
use portolan_api::native::reasons::stalled;

/// Whose an object is, as far as its label tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Ours.
    Ours,
    /// A live GitDeployment's.
    Live {
        /// Namespace and name of it.
        name: String,
        /// Whether it has the same owner as we.
        sibling: bool,
    },
    /// A GitDeployment's that does not exist any more.
    Gone,
    /// Nobody's of ours.
    Nobody,
}

/// When an object is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// With a revision: then an owner may hand objects from one of its deployments to another.
    Revision,
    /// While drift is put right: two deployments of one owner would take it from each other.
    Drift,
}

impl Claim {
    /// Whether `object` may be taken over, and whether it counts as adopted then; else the reason
    /// to stall with, and a message.
    pub fn take(
        &self,
        object: &str,
        adopt: Adopt,
        moment: Moment,
    ) -> Result<bool, (&'static str, String)> {
        let exists = |why: &str| {
            let message = format!(
                "{object} exists already and {why}: delete it, or set spec.adopt to Unowned"
            );
            Err((stalled::OBJECT_EXISTS, message))
        };
        match self {
            Self::Ours => Ok(false),
            Self::Live { sibling: true, .. } if moment == Moment::Revision => Ok(false),
            Self::Live { name, .. } => {
                let message = format!(
                    "{object} belongs to GitDeployment {name}: take it out of one of the two"
                );
                Err((stalled::OBJECT_OWNED_BY_ANOTHER, message))
            }
            Self::Gone | Self::Nobody if adopt == Adopt::Unowned => Ok(true),
            Self::Gone => exists("was left by a GitDeployment that is gone"),
            Self::Nobody => exists("nobody of ours made it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_alive_claims_is_adopted_if_that_is_allowed() {
        let live = |sibling| Claim::Live { name: "dev/other".into(), sibling };
        let (exists, another) = (stalled::OBJECT_EXISTS, stalled::OBJECT_OWNED_BY_ANOTHER);
        for (claim, adopt, moment, taken) in [
            (Claim::Ours, Adopt::Never, Moment::Drift, Ok(false)),
            (Claim::Nobody, Adopt::Unowned, Moment::Revision, Ok(true)),
            (Claim::Nobody, Adopt::Unowned, Moment::Drift, Ok(true)),
            (Claim::Nobody, Adopt::Never, Moment::Drift, Err(exists)),
            (Claim::Gone, Adopt::Unowned, Moment::Revision, Ok(true)),
            (Claim::Gone, Adopt::Never, Moment::Revision, Err(exists)),
            (live(false), Adopt::Unowned, Moment::Revision, Err(another)),
            (live(true), Adopt::Never, Moment::Revision, Ok(false)),
            (live(true), Adopt::Unowned, Moment::Drift, Err(another)),
        ] {
            let found = claim.take("Service dev/a", adopt, moment);
            let found = found.map_err(|(reason, message)| {
                assert!(message.starts_with("Service dev/a "), "{message}");
                reason
            });
            assert_eq!(found, taken, "{claim:?} {adopt:?} {moment:?}");
        }
    }
}
