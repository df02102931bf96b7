//! The names that a template can mention, and the values behind them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Top-level names and their values, borrowed where possible.
///
/// A context is built for each stamping out of objects that live in caches: putting a whole
/// workload into it costs a pointer.
///
/// ```
/// # use portolan_expr::Context;
/// # use serde_json::json;
/// let workload = json!({"metadata": {"name": "shop"}});
/// let context = Context::new().borrowing("workload", &workload).owning("images", json!({}));
/// assert_eq!(context.names().collect::<Vec<_>>(), ["images", "workload"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context<'a> {
    roots: BTreeMap<Cow<'a, str>, Cow<'a, Value>>,
}

impl<'a> Context<'a> {
    /// A context without any name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a name for a value that somebody else keeps.
    #[must_use]
    pub fn borrowing(mut self, name: impl Into<Cow<'a, str>>, value: &'a Value) -> Self {
        self.roots.insert(name.into(), Cow::Borrowed(value));
        self
    }

    /// Adds a name for a value made for this context.
    #[must_use]
    pub fn owning(mut self, name: impl Into<Cow<'a, str>>, value: Value) -> Self {
        self.roots.insert(name.into(), Cow::Owned(value));
        self
    }

    /// The value behind a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.roots.get(name).map(Cow::as_ref)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.roots.keys().map(Cow::as_ref)
    }

    /// A copy of the values behind the names that pass, as one map.
    pub(crate) fn to_value(&self, wanted: impl Fn(&str) -> bool) -> Value {
        let roots = self.roots.iter().filter(|(name, _)| wanted(name));
        Value::Object(
            roots.map(|(name, value)| (name.to_string(), value.as_ref().clone())).collect(),
        )
    }
}

impl<'a> From<&'a Map<String, Value>> for Context<'a> {
    fn from(map: &'a Map<String, Value>) -> Self {
        let roots = map.iter().map(|(name, value)| (name.as_str().into(), Cow::Borrowed(value)));
        Self { roots: roots.collect() }
    }
}
