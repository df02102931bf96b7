//! Applying steps to values.

use serde_json::Value;

use super::error::FindFault;
use super::step::Step;
use super::{list, tree};
use crate::limits::{PATH_RESULTS, PATH_VISITS};

/// What one evaluation may still do.
#[derive(Debug, Default)]
pub(super) struct Meter {
    visits: usize,
}

impl Meter {
    pub(super) fn spend(&mut self, visits: usize) -> Result<(), FindFault> {
        self.visits = self.visits.saturating_add(visits);
        if self.visits > PATH_VISITS { Err(FindFault::TooMuchWork) } else { Ok(()) }
    }
}

/// Follows keys and indices; other steps must not occur.
pub(super) fn plain<'v>(steps: &[Step], start: &'v Value) -> Result<Option<&'v Value>, FindFault> {
    let mut value = start;
    for step in steps {
        let next = match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => list::element(value, *index)?,
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

/// Applies all steps to one value.
pub(super) fn walk<'v>(
    steps: &[Step],
    start: &'v Value,
    meter: &mut Meter,
) -> Result<Vec<&'v Value>, FindFault> {
    walk_all(steps, vec![start], meter)
}

/// Applies all steps to several values.
pub(super) fn walk_all<'v>(
    steps: &[Step],
    start: Vec<&'v Value>,
    meter: &mut Meter,
) -> Result<Vec<&'v Value>, FindFault> {
    steps.iter().try_fold(start, |values, step| {
        meter.spend(1 + values.len())?;
        apply(step, &values, meter)
    })
}

/// Applies one step. A value that is null leads nowhere, whatever the step.
pub(super) fn apply<'v>(
    step: &Step,
    values: &[&'v Value],
    meter: &mut Meter,
) -> Result<Vec<&'v Value>, FindFault> {
    let mut found = Vec::new();
    match step {
        Step::Key(key) => found.extend(values.iter().filter_map(|value| value.get(key))),
        Step::Index(index) => {
            for value in values {
                found.extend(list::element(value, *index)?);
            }
        }
        Step::Slice(bounds) => {
            for value in values {
                extend(&mut found, list::slice(value, bounds)?)?;
            }
        }
        Step::Wildcard => {
            for value in values {
                extend(&mut found, tree::children(value))?;
            }
        }
        Step::Union(parts) => {
            for part in parts {
                extend(&mut found, walk_all(part, values.to_vec(), meter)?)?;
            }
        }
        Step::Filter(filter) => {
            for value in values {
                extend(&mut found, filter.apply(value, meter)?)?;
            }
        }
        Step::Descend => {
            for value in values {
                extend(&mut found, tree::containers(value, meter)?)?;
            }
        }
        Step::Deep(deep) => {
            for value in values {
                extend(&mut found, tree::descendants(deep, value, meter)?)?;
            }
        }
        Step::Identifier(name) => {
            return Err(FindFault::UnknownIdentifier { name: name.clone() });
        }
    }
    Ok(found)
}

/// Adds values, as long as there are not too many.
pub(super) fn extend<'v>(
    found: &mut Vec<&'v Value>,
    more: impl IntoIterator<Item = &'v Value>,
) -> Result<(), FindFault> {
    let room = (PATH_RESULTS + 1).saturating_sub(found.len());
    found.extend(more.into_iter().take(room));
    if found.len() > PATH_RESULTS { Err(FindFault::TooManyValues) } else { Ok(()) }
}
