//! The part that `jsonpath_rust` evaluates: filters and recursive descent, as RFC 9535.
//!
//! **Invariant:** a query is only made where RFC 9535, as the engine implements it, selects the
//! same values as the dialect. Everything else this crate evaluates itself:
//!
//! - numbers: the engine compares them as doubles with a tolerance, so `9007199254740993` would
//!   equal `9007199254740992`;
//! - two paths compared with each other: missing equals missing there, and is skipped here;
//! - `..` without a name behind it: an index or a filter on each value below must be an error
//!   where that value is no list, and the engine skips those.

use std::fmt::Write as _;

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::Value;

use super::filter::{Operand, Test};
use super::step::Step;

/// A query that was translated and parsed once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query(JpQuery);

impl Query {
    /// Every value below under this key, or every value below.
    pub(super) fn descendants(key: Option<&str>) -> Option<Self> {
        match key {
            Some(key) => Self::parse(&format!("$..[{}]", string(key))),
            None => Self::parse("$..[*]"),
        }
    }

    /// The elements of a list that pass the test.
    pub(super) fn filter(test: &Test) -> Option<Self> {
        let (path, comparison) = match test {
            Test::Exists(path) => (singular(path)?, String::new()),
            Test::Compare { left: Operand::Path(path), operator, right } => {
                let path = singular(path)?;
                // A missing value differs from every literal there; here it is no candidate.
                let guard = if operator == "!=" { format!(" && {path}") } else { String::new() };
                let literal = match (right, operator.as_str()) {
                    (
                        Operand::Literal(Value::String(literal)),
                        "==" | "!=" | "<" | "<=" | ">" | ">=",
                    ) => string(literal),
                    (Operand::Literal(Value::Bool(value)), "==" | "!=") => value.to_string(),
                    _ => return None,
                };
                (path, format!(" {operator} {literal}{guard}"))
            }
            Test::Compare { .. } => return None,
        };
        Self::parse(&format!("$[?{path}{comparison}]"))
    }

    fn parse(text: &str) -> Option<Self> {
        parse_json_path(text).ok().map(Self)
    }

    /// What the query selects; `None` if the engine refuses.
    pub(super) fn run<'v>(&self, value: &'v Value) -> Option<Vec<&'v Value>> {
        let found = js_path_process(&self.0, value).ok()?;
        Some(found.into_iter().map(|found| found.val).collect())
    }
}

/// A path of keys and indices, relative to the element under test.
fn singular(path: &[Step]) -> Option<String> {
    let mut text = "@".to_owned();
    for step in path {
        match step {
            Step::Key(key) => write!(text, "[{}]", string(key)).ok()?,
            Step::Index(index) => write!(text, "[{index}]").ok()?,
            _ => return None,
        }
    }
    Some(text)
}

/// JSON's string syntax is a subset of RFC 9535's.
fn string(text: &str) -> String {
    Value::from(text).to_string()
}
