//! What a resource offers to others, read from its stamped object (section 7).

use portolan_api::choreography::status::Output;
use serde_json::{Value, json};

use super::preview::preview;
use super::resource_error::ResourceError;
use super::template::{Expected, OutputPaths, Template, WrittenPath};
use crate::golang;

/// What a resource offers to others.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Offer {
    Source { url: Value, revision: Value },
    Image(Value),
    Config(Value),
}

impl Offer {
    /// Names and values, as status lists them.
    pub(super) fn entries(&self) -> Vec<(&'static str, &Value)> {
        match self {
            Self::Source { url, revision } => vec![("url", url), ("revision", revision)],
            Self::Image(image) => vec![("image", image)],
            Self::Config(config) => vec![("config", config)],
        }
    }

    /// The entries for status: a value that did not change keeps its time.
    pub(super) fn status(&self, previous: &[Output], now: &str) -> Vec<Output> {
        self.entries()
            .into_iter()
            .map(|(name, value)| {
                let (preview, digest) = preview(value);
                let time = previous
                    .iter()
                    .find(|old| old.name == name && old.digest == digest)
                    .map_or(now, |old| old.last_transition_time.as_str())
                    .to_owned();
                Output { name: name.into(), preview, digest, last_transition_time: time }
            })
            .collect()
    }
}

/// Reads what a stamped object offers; `deployment` is the source the resource was given to deploy.
pub(super) fn read(
    template: &Template,
    object: &Value,
    deployment: &Value,
) -> Result<Option<Offer>, ResourceError> {
    // A path that gives no single value is a missing value at that path, whatever the cause.
    let at = |path: &WrittenPath| {
        path.one(object).map_err(|_| ResourceError::MissingValue { path: path.text.clone() })
    };
    match &template.outputs {
        OutputPaths::Nothing => Ok(None),
        OutputPaths::Source { url, revision } => {
            Ok(Some(Offer::Source { url: at(url)?, revision: at(revision)? }))
        }
        OutputPaths::Image(path) => Ok(Some(at(path)?).filter(|v| !v.is_null()).map(Offer::Image)),
        OutputPaths::Config(path) => {
            Ok(Some(at(path)?).filter(|v| !v.is_null()).map(Offer::Config))
        }
        OutputPaths::Matches(pairs) => {
            matches(pairs, object)?;
            released(deployment).map(Some)
        }
        OutputPaths::Completion { succeeded, failed } => {
            completion(succeeded, failed.as_ref(), object)?;
            released(deployment).map(Some)
        }
    }
}

fn released(deployment: &Value) -> Result<Offer, ResourceError> {
    if deployment.is_null() {
        return Err(ResourceError::DeploymentMissing);
    }
    let (url, revision) = (deployment["url"].clone(), deployment["revision"].clone());
    Ok(Offer::Source { url, revision })
}

fn matches(pairs: &[(WrittenPath, WrittenPath)], object: &Value) -> Result<(), ResourceError> {
    for (input, output) in pairs {
        let wanted = input.one(object).map_err(|cause| {
            let cause = cause.evaluated();
            not_met(format!("could not find value on input [{}]: {cause}", input.text))
        })?;
        let reached = output.one(object).map_err(|cause| {
            let cause = cause.evaluated();
            not_met(format!("could not find value on output [{}]: {cause}", output.text))
        })?;
        if wanted != reached {
            return Err(not_met(format!(
                "input [{}] and output [{}] do not match: {} != {}",
                input.text,
                output.text,
                golang::value(&wanted),
                golang::value(&reached)
            )));
        }
    }
    Ok(())
}

fn not_met(text: String) -> ResourceError {
    ResourceError::ConditionNotMet(text)
}

fn completion(
    succeeded: &Expected,
    failed: Option<&Expected>,
    object: &Value,
) -> Result<(), ResourceError> {
    let missing = |path: &str| ResourceError::MissingValue { path: path.into() };
    let generation =
        object.pointer("/metadata/generation").ok_or_else(|| missing("metadata.generation"))?;
    let observed =
        object.pointer("/status/observedGeneration").ok_or(ResourceError::NoObservedGeneration)?;
    if observed != generation {
        return Err(not_met(format!(
            "status.observedGeneration does not equal metadata.generation: {} != {}",
            golang::value(observed),
            golang::value(generation)
        )));
    }
    if let Some(failed) = failed {
        match failed.key.one(object) {
            Ok(value) if value == json!(failed.value) => {
                return Err(ResourceError::FailedConditionMet(format!(
                    "deployment failure condition [{}] was: {}",
                    failed.key.text, failed.value
                )));
            }
            Err(error) if !error.is_not_found() => return Err(missing(&failed.key.text)),
            _ => {}
        }
    }
    let (key, expected) = (&succeeded.key.text, &succeeded.value);
    let value = succeeded.key.one(object).map_err(|cause| {
        let cause = cause.evaluated();
        not_met(format!("failed to evaluate succeededCondition.Key [{key}]: {cause}"))
    })?;
    if value != json!(expected) {
        let actual = golang::value(&value);
        return Err(not_met(format!(
            "deployment success condition [{key}] was: {actual}, expected: {expected}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
