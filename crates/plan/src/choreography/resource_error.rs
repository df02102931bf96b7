//! Why a resource is not submitted, or offers nothing yet.

use crate::outcome::Again;

use super::world::Refusal;

/// Why a resource is not submitted, or offers nothing yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResourceError {
    /// The template exists and cannot be used.
    Retrieval { template: String, cause: String },
    /// The template does not exist.
    TemplateVanished { template: String },
    /// An option's selector cannot be evaluated.
    OptionSelector { option: String, cause: String },
    /// Not exactly one option matches.
    OptionCount { matched: Vec<String> },
    /// The template does not evaluate to an object.
    Stamp { template: String, cause: String, hint: Option<String> },
    /// The API server refused the object, or would.
    Rejected { object: String, refusal: Refusal, hint: Option<String> },
    /// An output path gives no value.
    MissingValue { path: String },
    /// The input to pass through is not available.
    PassThrough { input: String, list: &'static str },
    /// Completion cannot be judged.
    NoObservedGeneration,
    /// The deployment has not completed.
    ConditionNotMet(String),
    /// The deployment has failed.
    FailedConditionMet(String),
    /// There is no source to release.
    DeploymentMissing,
}

impl ResourceError {
    /// When trying again can help although nothing that is watched changes: rights are granted, and
    /// an object that was in the way may be one that nobody watches.
    pub(super) fn again(&self) -> Again {
        match self {
            Self::Rejected { .. } => Again::BackOff,
            _ => Again::OnChange,
        }
    }

    /// What a person can do, where the message does not say it.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Stamp { hint, .. } | Self::Rejected { hint, .. } => hint.clone(),
            Self::OptionCount { matched } => Some(option_advice(matched.is_empty()).into()),
            Self::NoObservedGeneration => {
                Some("use observedMatches: this kind does not report observedGeneration".into())
            }
            _ => None,
        }
    }
}

/// What a person can do about options of which none matches, or several do.
pub(crate) fn option_advice(none: bool) -> &'static str {
    if none {
        "add an option whose selector matches this owner"
    } else {
        "make the selector of one option more specific than the others"
    }
}
