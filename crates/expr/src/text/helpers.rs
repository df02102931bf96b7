//! The helpers that a text can call, and the two that it calls without knowing.

use std::sync::atomic::{AtomicUsize, Ordering};

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, PathAndJson, RenderContext,
    RenderError, RenderErrorReason, ScopedJson,
};
use serde_json::Value;

use super::error::TextFault;
use crate::json::{self, Escape};
use crate::limits::{OUTPUT_BYTES, TEXT_WORK};

/// Prints any value as compact JSON.
pub(super) const JSON: &str = "json";
/// Stands behind every `{{x}}`. Nobody can write this name.
pub(super) const PRINT: &str = "\u{1}print";
/// Stands at the start of every loop body.
pub(super) const TICK: &str = "\u{1}tick";

/// What one rendering may still do. One thread renders; it is atomic because helpers must be
/// shareable.
pub(super) struct Budget(AtomicUsize);

impl Budget {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(TEXT_WORK))
    }

    fn spend(&self, work: usize) -> Result<(), RenderError> {
        let left = self.0.load(Ordering::Relaxed);
        let left = left.checked_sub(work).ok_or_else(|| refuse(TextFault::TooMuchWork))?;
        self.0.store(left, Ordering::Relaxed);
        Ok(())
    }
}

fn refuse(fault: TextFault) -> RenderError {
    RenderErrorReason::NestedError(Box::new(fault)).into()
}

fn name(value: &PathAndJson<'_>) -> String {
    value.relative_path().cloned().unwrap_or_else(|| "the value".to_owned())
}

fn present<'h>(helper: &'h Helper<'_>) -> Result<&'h PathAndJson<'h>, RenderError> {
    match helper.param(0) {
        Some(value) if value.is_value_missing() => {
            Err(refuse(TextFault::Missing { path: name(value) }))
        }
        Some(value) => Ok(value),
        None => Err(refuse(TextFault::Arguments { name: helper.name().to_owned() })),
    }
}

/// See [`JSON`].
pub(super) struct JsonHelper<'b>(pub(super) &'b Budget);

impl HelperDef for JsonHelper<'_> {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let value = present(helper)?.value();
        let text = json::compact(value, Escape::Yaml, OUTPUT_BYTES);
        let text = text.map_err(|_| refuse(TextFault::TooLarge))?;
        self.0.spend(text.len() / 8)?;
        Ok(ScopedJson::Derived(Value::String(text)))
    }
}

/// See [`PRINT`].
pub(super) struct PrintHelper;

impl HelperDef for PrintHelper {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = present(helper)?;
        let verbatim = helper.param(1).is_some_and(|verbatim| verbatim.value() == true);
        match value.value() {
            Value::String(text) if !verbatim && text.contains(breaks_lines) => {
                Err(refuse(TextFault::ControlCharacters { path: name(value) }))
            }
            Value::String(text) => Ok(out.write(text)?),
            scalar @ (Value::Number(_) | Value::Bool(_)) => {
                let text = json::compact(scalar, Escape::Yaml, OUTPUT_BYTES);
                Ok(out.write(&text.map_err(|_| refuse(TextFault::TooLarge))?)?)
            }
            other => {
                Err(refuse(TextFault::NotPrintable { path: name(value), kind: json::kind(other) }))
            }
        }
    }
}

/// Breaks a line for some reader of YAML, or is no text at all.
fn breaks_lines(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}')
}

/// See [`TICK`].
pub(super) struct TickHelper<'b>(pub(super) &'b Budget);

impl HelperDef for TickHelper<'_> {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        _: &mut dyn Output,
    ) -> HelperResult {
        let work = helper.param(0).and_then(|work| work.value().as_u64());
        self.0.spend(work.and_then(|work| usize::try_from(work).ok()).unwrap_or(0) + 4)
    }
}
