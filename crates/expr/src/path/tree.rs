//! Recursive descent.

use serde_json::{Map, Value};

use super::error::FindFault;
use super::eval::{Meter, extend};
use super::step::Deep;
use crate::limits::PATH_RESULTS;

/// The elements of a list, or the values of a map.
pub(super) fn children(value: &Value) -> impl Iterator<Item = &Value> {
    let elements = value.as_array().into_iter().flatten();
    elements.chain(value.as_object().into_iter().flat_map(Map::values))
}

/// Every list and map that is not empty, parents before children.
#[derive(Debug)]
pub(super) struct Containers<'v> {
    stack: Vec<&'v Value>,
}

impl<'v> Iterator for Containers<'v> {
    type Item = &'v Value;

    fn next(&mut self) -> Option<&'v Value> {
        loop {
            let value = self.stack.pop()?;
            let before = self.stack.len();
            self.stack.extend(children(value));
            if self.stack.len() > before {
                self.stack[before..].reverse();
                return Some(value);
            }
        }
    }
}

/// All of them below a value, and the value itself.
pub(super) fn containers<'v>(
    value: &'v Value,
    meter: &mut Meter,
) -> Result<Containers<'v>, FindFault> {
    survey(value, meter)?;
    Ok(Containers { stack: vec![value] })
}

/// What a `..name` or `...*` leads to.
pub(super) fn descendants<'v>(
    deep: &Deep,
    value: &'v Value,
    meter: &mut Meter,
) -> Result<Vec<&'v Value>, FindFault> {
    let survey = survey(value, meter)?;
    if deep.key.is_none() && survey.values > PATH_RESULTS {
        return Err(FindFault::TooManyValues);
    }
    if survey.suits_engine
        && let Some(found) = deep.query.run(value)
    {
        return Ok(found);
    }
    let containers = Containers { stack: vec![value] };
    let mut found = Vec::new();
    for container in containers {
        match &deep.key {
            Some(key) => extend(&mut found, container.get(key))?,
            None => extend(&mut found, children(container))?,
        }
    }
    Ok(found)
}

struct Survey {
    values: usize,
    suits_engine: bool,
}

/// Counts what is below a value. The engine recurses, and remembers the path of each value as
/// text; very deep values and very long keys are not for it.
fn survey(value: &Value, meter: &mut Meter) -> Result<Survey, FindFault> {
    const DEPTH: usize = 128;
    const PATH_BYTES: usize = 16 * 1024 * 1024;

    let mut survey = Survey { values: 0, suits_engine: true };
    let mut path_bytes = 0_usize;
    let mut stack = vec![(value, 0_usize, 1_usize)];
    while let Some((value, depth, path)) = stack.pop() {
        survey.values += 1;
        path_bytes = path_bytes.saturating_add(path);
        survey.suits_engine &= depth < DEPTH && path_bytes < PATH_BYTES;
        match value {
            Value::Array(items) => {
                meter.spend(items.len())?;
                stack.extend(items.iter().map(|item| (item, depth + 1, path + 8)));
            }
            Value::Object(map) => {
                meter.spend(map.len())?;
                stack.extend(map.iter().map(|(key, item)| (item, depth + 1, path + key.len() + 4)));
            }
            _ => {}
        }
    }
    Ok(survey)
}
