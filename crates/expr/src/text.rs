//! Handlebars text that renders to YAML.
//!
//! The language is kept small: `if`, `unless`, `each` and `with`, and one helper, `json`, which
//! prints any value as compact JSON (which is YAML, too). A missing value is an error wherever it
//! would be printed; `{{#if}}` asks whether it is there.
//!
//! `{{x}}` prints a string, a number or a boolean as it is. It refuses lists, maps and nulls, and
//! strings that contain line breaks or control characters: one line of data must not become two
//! lines of YAML. `{{json x}}` quotes such a string, `{{{x}}}` prints it verbatim.
//!
//! **Invariant:** nothing else can be called: no partials, no includes, no decorators, no `lookup`
//! and no `log`.
//!
//! **Invariant:** the parser only sees texts that [`scan`] let through. Its recursion overflows
//! the stack on deeply nested texts, and that kills the process.

mod engine;
mod error;
mod guard;
mod helpers;
mod scan;

#[cfg(test)]
mod tests;

use crate::Context;
pub use error::{Position, TextError, TextFault};

/// A compiled handlebars text.
///
/// ```
/// # use portolan_expr::{Context, Text};
/// # use serde_json::json;
/// let text = Text::compile("name: {{workload.metadata.name}}\nenv: {{json params.env}}\n").unwrap();
/// let workload = json!({"metadata": {"name": "shop"}});
/// let context = Context::new()
///     .borrowing("workload", &workload)
///     .owning("params", json!({"env": ["a", "b"]}));
/// assert_eq!(text.render(&context).unwrap(), "name: shop\nenv: [\"a\",\"b\"]\n");
/// ```
#[derive(Clone, Debug)]
pub struct Text {
    source: Box<str>,
    template: handlebars::Template,
}

impl Text {
    /// Parses a text and checks that it only uses what there is.
    pub fn compile(source: &str) -> Result<Self, TextError> {
        scan::scan(source)?;
        let mut template = handlebars::Template::compile(source).map_err(TextError::from)?;
        guard::guard(&mut template)?;
        Ok(Self { source: source.into(), template })
    }

    /// The text with all expressions replaced.
    pub fn render(&self, context: &Context<'_>) -> Result<String, TextError> {
        // The engine wants to own its data. A value can only be reached by a name that stands in
        // the text, or by one of the two words for everything.
        let all = self.source.contains("this") || self.source.contains("@root");
        let data = context.to_value(|name| all || self.source.contains(name));
        engine::render(&self.template, data, context)
    }
}
