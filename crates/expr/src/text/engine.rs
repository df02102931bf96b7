//! Renders a guarded template with the handlebars engine.

use std::io;
use std::sync::LazyLock;

use handlebars::{Handlebars, Output, RenderContext, RenderErrorReason, Renderable, Template};
use serde_json::Value;

use super::error::{Position, TextError, TextFault};
use super::helpers::{Budget, JSON, JsonHelper, PRINT, PrintHelper, TICK, TickHelper};
use crate::limits::OUTPUT_BYTES;
use crate::{Context, hint};

/// The four block helpers and nothing else.
static REGISTRY: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(handlebars::no_escape);
    for name in
        ["lookup", "raw", "log", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "len"]
    {
        registry.unregister_helper(name);
    }
    registry
});

pub(super) fn render(
    template: &Template,
    data: Value,
    context: &Context<'_>,
) -> Result<String, TextError> {
    let data = handlebars::Context::from(data);
    let budget = Budget::new();
    let mut scope = RenderContext::new(None);
    scope.register_local_helper(JSON, Box::new(JsonHelper(&budget)));
    scope.register_local_helper(PRINT, Box::new(PrintHelper));
    scope.register_local_helper(TICK, Box::new(TickHelper(&budget)));
    let mut out = Bounded { text: String::new() };
    match template.render(&REGISTRY, &data, &mut scope, &mut out) {
        Ok(()) => Ok(out.text),
        Err(error) => Err(explain(&error, context)),
    }
}

struct Bounded {
    text: String,
}

impl Output for Bounded {
    fn write(&mut self, segment: &str) -> io::Result<()> {
        if self.text.len() + segment.len() > OUTPUT_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.push_str(segment);
        Ok(())
    }
}

fn explain(error: &handlebars::RenderError, context: &Context<'_>) -> TextError {
    let fault = match error.reason() {
        RenderErrorReason::NestedError(cause) => match cause.downcast_ref::<TextFault>() {
            Some(fault) => fault.clone(),
            None => TextFault::Engine { message: cause.to_string() },
        },
        RenderErrorReason::IOError(_) => TextFault::TooLarge,
        RenderErrorReason::MissingVariable(path) => {
            TextFault::Empty { path: path.clone().unwrap_or_default() }
        }
        other => TextFault::Engine { message: other.to_string() },
    };
    let hint = match &fault {
        TextFault::Missing { path } => missing(path, context),
        _ => None,
    };
    let position = error.line_no.zip(error.column_no);
    let position = position.map(|(line, column)| Position { line, column });
    TextError { fault, position, hint }
}

/// Follows the path from the top to the first name that is not there. Inside a block the path may
/// start elsewhere; then the names at the top are still worth knowing.
fn missing(path: &str, context: &Context<'_>) -> Option<String> {
    let path = path.strip_prefix("this.").or_else(|| path.strip_prefix("./")).unwrap_or(path);
    let mut names = path
        .split(['.', '/'])
        .map(|name| name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name));
    let first = names.next()?;
    let Some(mut value) = context.get(first) else {
        return Some(hint::for_missing(first, context.names()));
    };
    for name in names {
        let Value::Object(map) = value else {
            return None;
        };
        match map.get(name) {
            Some(next) => value = next,
            None => return Some(hint::for_missing(name, map.keys().map(String::as_str))),
        }
    }
    None
}
