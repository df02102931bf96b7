//! Filters: which elements of a list go on.

use std::cmp::Ordering;

use serde_json::Value;

use super::engine::Query;
use super::error::FindFault;
use super::eval::{Meter, plain, walk};
use super::step::Step;
use crate::{json, number};

/// A test for each element of a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filter {
    test: Test,
    /// The same test in RFC 9535, where that says the same.
    query: Option<Query>,
}

/// What is asked of an element.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// `[?(@.key)]`: null exists, too.
    Exists(Vec<Step>),
    /// `[?(@.key=="value")]`.
    Compare {
        left: Operand,
        /// Kept as written: an unknown one is an error only when it is applied.
        operator: String,
        right: Operand,
    },
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Literal(Value),
    Path(Vec<Step>),
}

impl Filter {
    pub(super) fn new(test: Test) -> Self {
        let query = Query::filter(&test);
        Self { test, query }
    }

    #[cfg(test)]
    pub(super) fn without_engine(test: Test) -> Self {
        Self { test, query: None }
    }

    #[cfg(test)]
    pub(super) fn uses_engine(&self) -> bool {
        self.query.is_some()
    }

    pub(super) fn test(&self) -> &Test {
        &self.test
    }

    /// The elements of `list` that pass. Nothing passes in what is not there.
    pub(super) fn apply<'v>(
        &self,
        list: &'v Value,
        meter: &mut Meter,
    ) -> Result<Vec<&'v Value>, FindFault> {
        let items = match list {
            Value::Null => return Ok(Vec::new()),
            Value::Array(items) => items,
            other => {
                return Err(FindFault::NotFilterable { kind: json::kind(other) });
            }
        };
        meter.spend(items.len())?;
        if let Some(query) = &self.query {
            self.check(items)?;
            if let Some(found) = query.run(list) {
                return Ok(found);
            }
        }
        let mut found = Vec::new();
        for item in items {
            if self.test.passes(item, meter)? {
                found.push(item);
            }
        }
        Ok(found)
    }

    /// The engine takes values of different types for unequal and indices outside a list for
    /// missing. In this dialect both are mistakes, so they are looked for before it runs.
    fn check(&self, items: &[Value]) -> Result<(), FindFault> {
        let Test::Compare { left: Operand::Path(path), right: Operand::Literal(literal), .. } =
            &self.test
        else {
            return Ok(());
        };
        for item in items {
            if let Some(found) = plain(path, item)? {
                comparable(found, literal)?;
            }
        }
        Ok(())
    }
}

impl Test {
    fn passes(&self, item: &Value, meter: &mut Meter) -> Result<bool, FindFault> {
        match self {
            Self::Exists(path) => match walk(path, item, meter) {
                Ok(found) => Ok(!found.is_empty()),
                // What has no such index has no value there.
                Err(
                    FindFault::OutOfBounds { .. }
                    | FindFault::NotAList { .. }
                    | FindFault::NotFilterable { .. },
                ) => Ok(false),
                Err(other) => Err(other),
            },
            Self::Compare { left, operator, right } => {
                let Some(left) = left.value(item, meter)? else {
                    return Ok(false);
                };
                let Some(right) = right.value(item, meter)? else {
                    return Ok(false);
                };
                compare(left, operator, right)
            }
        }
    }
}

impl Operand {
    fn value<'v>(
        &'v self,
        item: &'v Value,
        meter: &mut Meter,
    ) -> Result<Option<&'v Value>, FindFault> {
        match self {
            Self::Literal(value) => Ok(Some(value)),
            Self::Path(path) => match walk(path, item, meter)?.as_slice() {
                [] => Ok(None),
                [only] => Ok(Some(only)),
                _ => Err(FindFault::SeveralOperands),
            },
        }
    }
}

fn compare(left: &Value, operator: &str, right: &Value) -> Result<bool, FindFault> {
    let order = match operator {
        "==" | "!=" | "<" | "<=" | ">" | ">=" => comparable(left, right)?,
        _ => {
            return Err(FindFault::UnknownOperator { operator: operator.to_owned() });
        }
    };
    match operator {
        "==" => Ok(order == Ordering::Equal),
        "!=" => Ok(order != Ordering::Equal),
        _ if left.is_boolean() => Err(FindFault::InvalidComparison),
        "<" => Ok(order == Ordering::Less),
        "<=" => Ok(order != Ordering::Greater),
        ">" => Ok(order == Ordering::Greater),
        _ => Ok(order != Ordering::Less),
    }
}

fn comparable(left: &Value, right: &Value) -> Result<Ordering, FindFault> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Ok(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Ok(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => Ok(number::compare(left, right)),
        (Value::Null | Value::Array(_) | Value::Object(_), _)
        | (_, Value::Null | Value::Array(_) | Value::Object(_)) => {
            Err(FindFault::InvalidComparison)
        }
        _ => Err(FindFault::Incomparable),
    }
}
