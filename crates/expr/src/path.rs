//! One path into JSON data, in the dialect of Kubernetes' client-go.
//!
//! The dialect is old and has its own mind: an expression is wrapped into `{.…}` before it is
//! parsed, missing keys are no error but yield nothing, an index outside a list is an error. All
//! existing templates rely on it, so it is kept. Mended is what nobody can rely on: integers stay
//! integers, numbers compare by value, and maps are visited in sorted order.
//!
//! Steps that name a key or an index run without any allocation. Filters and recursive descent are
//! translated to RFC 9535 when the path is parsed, and `jsonpath_rust` evaluates them wherever its
//! semantics agree with the dialect's (see `engine`).

mod bracket;
mod engine;
mod error;
mod eval;
mod explain;
mod filter;
mod list;
mod parse;
mod print;
mod quote;
mod step;
mod tree;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::Context;
use crate::limits::{PATH_BYTES, PATH_DEPTH};
pub use error::{FindFault, PathError};
use eval::Meter;
use step::Step;

/// A parsed path, such as `workload.spec.params[?(@.name=="port")].value`.
///
/// Two paths are equal when they do the same, however they were written. `Display` prints the
/// canonical form; [`Path::as_str`] gives what the user wrote.
///
/// ```
/// # use portolan_expr::Path;
/// # use serde_json::json;
/// let path = Path::parse("status.conditions[?(@.type==\"Ready\")].status").unwrap();
/// let object = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
/// assert_eq!(path.one(&object).unwrap(), "True");
/// ```
#[derive(Clone, Debug)]
pub struct Path {
    text: Box<str>,
    steps: Vec<Step>,
    /// Only keys and indices: the fast path.
    plain: bool,
}

impl Path {
    /// Parses an expression; the braces and the leading dot may be left out.
    pub fn parse(expression: &str) -> Result<Self, PathError> {
        if expression.is_empty() {
            return Err(PathError::Empty);
        }
        if expression.len() > PATH_BYTES {
            return Err(PathError::TooLong { length: expression.len() });
        }
        if depth(expression) > PATH_DEPTH {
            return Err(PathError::TooDeep);
        }
        let (wrapped, added) = wrap(expression);
        let parsed = parse::parse(&wrapped).map_err(|fault| PathError::Syntax {
            offset: fault.at.saturating_sub(added).min(expression.len()),
            message: fault.message,
            wrapped: wrapped.clone(),
        })?;
        if parsed.several {
            return Err(PathError::SeveralQueries { wrapped });
        }
        let plain = parsed.steps.iter().all(Step::is_plain);
        Ok(Self { text: expression.into(), steps: parsed.steps, plain })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The keys that the path starts with, up to the first step that is not a key: what it needs
    /// to exist. `sources.app.url` gives `sources`, `app` and `url`.
    pub fn leading_keys(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map_while(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// The error that every evaluation of this path will end in, if it is that kind of path.
    ///
    /// The dialect parses ` a.b` (with a leading space), but can never evaluate it.
    pub fn flaw(&self) -> Option<PathError> {
        let name = self.steps.iter().find_map(|step| match step {
            Step::Identifier(name) => Some(name.clone()),
            _ => None,
        })?;
        Some(self.fault(FindFault::UnknownIdentifier { name }))
    }

    /// Everything the path leads to, in document order; nothing found is an empty list.
    pub fn find<'v>(&self, value: &'v Value) -> Result<Vec<&'v Value>, PathError> {
        if self.plain {
            let found = eval::plain(&self.steps, value).map_err(|fault| self.fault(fault))?;
            return Ok(found.into_iter().collect());
        }
        eval::walk(&self.steps, value, &mut Meter::default()).map_err(|fault| self.fault(fault))
    }

    /// The one value the path leads to.
    pub fn one<'v>(&self, value: &'v Value) -> Result<&'v Value, PathError> {
        if self.plain {
            let found = eval::plain(&self.steps, value).map_err(|fault| self.fault(fault))?;
            return found.ok_or_else(|| self.not_found(explain::nothing(&self.steps, 0, value)));
        }
        match self.find(value)?.as_slice() {
            [] => Err(self.not_found(explain::nothing(&self.steps, 0, value))),
            [only] => Ok(only),
            several => Err(self.too_many(several.len())),
        }
    }

    /// As [`Path::find`], where the first key is one of the context's names.
    pub fn find_in<'c>(&self, context: &'c Context<'_>) -> Result<Vec<Cow<'c, Value>>, PathError> {
        let Some((Step::Key(name), rest)) = self.steps.split_first() else {
            // A path that starts with `..` looks at all names at once: rare enough to pay a copy.
            let whole = context.to_value(|_| true);
            let found = self.find(&whole)?;
            return Ok(found.into_iter().cloned().map(Cow::Owned).collect());
        };
        let start = context.get(name).into_iter().collect();
        let found = eval::walk_all(rest, start, &mut Meter::default());
        let found = found.map_err(|fault| self.fault(fault))?;
        Ok(found.into_iter().map(Cow::Borrowed).collect())
    }

    /// As [`Path::one`], where the first key is one of the context's names.
    pub fn one_in<'c>(&self, context: &'c Context<'_>) -> Result<Cow<'c, Value>, PathError> {
        let Some((Step::Key(name), rest)) = self.steps.split_first() else {
            let whole = context.to_value(|_| true);
            return self.one(&whole).cloned().map(Cow::Owned);
        };
        let root = context.get(name);
        if self.plain
            && let Some(value) = root
        {
            let found = eval::plain(rest, value).map_err(|fault| self.fault(fault))?;
            return found
                .map(Cow::Borrowed)
                .ok_or_else(|| self.not_found(explain::nothing(&self.steps, 1, value)));
        }
        let mut found = self.find_in(context)?;
        match (found.pop(), found.len()) {
            (Some(only), 0) => Ok(only),
            (Some(_), others) => Err(self.too_many(others + 1)),
            (None, _) => Err(self.not_found(match root {
                Some(value) => explain::nothing(&self.steps, 1, value),
                None => Some(explain::no_root(&self.steps, name, context)),
            })),
        }
    }

    fn fault(&self, fault: FindFault) -> PathError {
        PathError::Evaluation { expression: self.text.to_string(), fault }
    }

    fn not_found(&self, hint: Option<String>) -> PathError {
        PathError::NotFound { expression: self.text.to_string(), hint }
    }

    fn too_many(&self, count: usize) -> PathError {
        PathError::TooManyResults { expression: self.text.to_string(), count }
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.steps == other.steps
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        print::path(&mut text, &self.steps)?;
        // A name that ends in a brace would be taken for the end; `@` does nothing.
        f.write_str(&text)?;
        f.write_str(if text.ends_with('}') { "@" } else { "" })
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(expression: &str) -> Result<Self, PathError> {
        Self::parse(expression)
    }
}

/// Puts braces and the leading dot around an expression; also how many bytes that put before it.
fn wrap(expression: &str) -> (String, usize) {
    let before = match expression {
        wrapped if wrapped.starts_with("{.") => "",
        dotted if dotted.starts_with('.') => "{",
        _ => "{.",
    };
    let after = if expression.ends_with('}') { "" } else { "}" };
    (format!("{before}{expression}{after}"), before.len())
}

/// How deep brackets nest. Brackets in quotes count too: nobody quotes thirty of them.
fn depth(expression: &str) -> usize {
    let mut open: usize = 0;
    let mut deepest = 0;
    for byte in expression.bytes() {
        match byte {
            b'[' | b'(' => open += 1,
            b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}
