//! Selectors over labels and fields, and the rule that the most specific one wins (section 3).

use std::collections::BTreeMap;

use portolan_api::choreography::selector::{FieldSelectorRequirement, LabelSelectorRequirement};
use serde_json::Value;

use crate::field::{Field, FieldError};

/// A selector, its paths parsed.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    labels: BTreeMap<String, String>,
    expressions: Vec<LabelSelectorRequirement>,
    fields: Vec<Field>,
}

/// Why a selector cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SelectorError {
    #[error("selector labels or matchExpressions are not valid: {0}")]
    Labels(String),
    #[error("failed to evaluate selector matchFields: {0}")]
    Fields(#[from] FieldError),
}

/// What has labels and fields to select on.
pub(super) struct Selectable<'a> {
    pub(super) labels: &'a BTreeMap<String, String>,
    pub(super) object: &'a Value,
}

impl Selector {
    pub(super) fn new(
        labels: Option<BTreeMap<String, String>>,
        expressions: Option<Vec<LabelSelectorRequirement>>,
        fields: Option<Vec<FieldSelectorRequirement>>,
    ) -> Self {
        Self {
            labels: labels.unwrap_or_default(),
            expressions: expressions.unwrap_or_default(),
            fields: fields.unwrap_or_default().into_iter().map(Field::new).collect(),
        }
    }

    /// Requirements are counted, whatever they ask: that is how specific a selector is.
    pub(super) fn score(&self) -> usize {
        self.labels.len() + self.expressions.len() + self.fields.len()
    }

    /// Whether labels play no part.
    pub(super) fn is_fields_only(&self) -> bool {
        self.labels.is_empty() && self.expressions.is_empty()
    }

    /// Whether every requirement holds. Fields are looked at only once labels match.
    pub(super) fn matches(&self, subject: &Selectable<'_>) -> Result<bool, SelectorError> {
        for expression in &self.expressions {
            validate(expression).map_err(SelectorError::Labels)?;
        }
        let labels = self.labels.iter().all(|(key, value)| subject.labels.get(key) == Some(value))
            && self.expressions.iter().all(|expression| label_matches(expression, subject.labels));
        if !labels {
            return Ok(false);
        }
        for field in &self.fields {
            if !field.holds(subject.object)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The candidates whose selectors match with the highest score, at least 1, in their order; and the
/// errors of those that could not be evaluated. One bad selector does not hide the others.
pub(super) fn most_specific<'a, T>(
    subject: &Selectable<'_>,
    candidates: impl Iterator<Item = (&'a Selector, T)>,
) -> (Vec<T>, Vec<(T, SelectorError)>) {
    let mut best = Vec::new();
    let mut best_score = 1;
    let mut errors = Vec::new();
    for (selector, candidate) in candidates {
        match selector.matches(subject) {
            Err(error) => errors.push((candidate, error)),
            Ok(true) if selector.score() > best_score => {
                best_score = selector.score();
                best = vec![candidate];
            }
            Ok(true) if selector.score() == best_score => best.push(candidate),
            Ok(_) => {}
        }
    }
    (best, errors)
}

fn label_matches(
    requirement: &LabelSelectorRequirement,
    labels: &BTreeMap<String, String>,
) -> bool {
    let value = labels.get(&requirement.key);
    let listed = |value: &String| requirement.values.iter().flatten().any(|other| other == value);
    match requirement.operator.as_str() {
        "In" => value.is_some_and(listed),
        "NotIn" => !value.is_some_and(listed),
        "Exists" => value.is_some(),
        _ => value.is_none(),
    }
}

/// The checks of Kubernetes on a label requirement, in its words.
fn validate(requirement: &LabelSelectorRequirement) -> Result<(), String> {
    let has_values = requirement.values.as_ref().is_some_and(|values| !values.is_empty());
    match (requirement.operator.as_str(), has_values) {
        ("In" | "NotIn", false) => Err(
            "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty"
                .into(),
        ),
        ("Exists" | "DoesNotExist", true) => Err(format!(
            "values: Invalid value: {:?}: values set must be empty for exists and does not exist",
            requirement.values.iter().flatten().collect::<Vec<_>>()
        )),
        ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => Ok(()),
        (other, _) => Err(format!("{other:?} is not a valid label selector operator")),
    }
}

#[cfg(test)]
mod tests;
