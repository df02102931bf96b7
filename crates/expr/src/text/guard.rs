//! Turns a parsed template into a safe one, before anything is rendered.
//!
//! Every printed value goes through our own helper, since the engine prints `[object]` for a map.
//! Every loop body starts with a helper that pays for one round. Anything else that could be
//! called is refused.

use std::collections::HashMap;
use std::mem;

use handlebars::Template;
use handlebars::template::{HelperTemplate, Parameter, Subexpression, TemplateElement};

use super::error::{Position, TextError, TextFault};
use super::helpers::{JSON, PRINT, TICK};

const BLOCKS: [&str; 4] = ["if", "unless", "each", "with"];

/// Rewrites a template in place.
pub(super) fn guard(template: &mut Template) -> Result<(), TextError> {
    Guard { position: Position { line: 1, column: 1 } }.template(template).map(|_work| ())
}

struct Guard {
    /// The innermost element whose place is known.
    position: Position,
}

impl Guard {
    fn refuse<T>(&self, fault: TextFault) -> Result<T, TextError> {
        Err(TextError::at(self.position, fault))
    }

    /// Guards all elements; returns the work that rendering them once takes, loops apart.
    fn template(&mut self, template: &mut Template) -> Result<usize, TextError> {
        let mut work = 0;
        for (nth, element) in template.elements.iter_mut().enumerate() {
            if let Some(place) = template.mapping.get(nth) {
                self.position = Position { line: place.0, column: place.1 };
            }
            work += self.element(element)?;
        }
        Ok(work)
    }

    fn element(&mut self, element: &mut TemplateElement) -> Result<usize, TextError> {
        match element {
            TemplateElement::RawString(_) => Ok(1),
            TemplateElement::Comment(_) => Ok(0),
            TemplateElement::Expression(expression) => self.expression(expression, false),
            TemplateElement::HtmlExpression(expression) => self.expression(expression, true),
            TemplateElement::HelperBlock(block) => self.block(block),
            _ => self.refuse(TextFault::Unsupported { what: "partials and decorators" }),
        }
    }

    fn expression(
        &mut self,
        expression: &mut HelperTemplate,
        verbatim: bool,
    ) -> Result<usize, TextError> {
        let name = expression.name.as_name().map(str::to_owned);
        if !expression.params.is_empty() || !expression.hash.is_empty() {
            return self.call(expression);
        }
        if let Some(name) = name.filter(|name| name == JSON || BLOCKS.contains(&name.as_str())) {
            return self.refuse(TextFault::Arguments { name });
        }
        let printed = mem::replace(&mut expression.name, Parameter::Name(PRINT.to_owned()));
        let work = self.parameter(&printed)?;
        expression.params = vec![printed, Parameter::Literal(verbatim.into())];
        Ok(work)
    }

    /// A helper that gives a value: there is only one.
    fn call(&mut self, call: &HelperTemplate) -> Result<usize, TextError> {
        let name = call.name.as_name().unwrap_or_default().to_owned();
        if BLOCKS.contains(&name.as_str()) {
            return self.refuse(TextFault::Arguments { name });
        }
        if name != JSON {
            return self.refuse(TextFault::UnknownHelper { name });
        }
        let [value] = call.params.as_slice() else {
            return self.refuse(TextFault::Arguments { name });
        };
        if !call.hash.is_empty() {
            return self.refuse(TextFault::Arguments { name });
        }
        self.parameter(value)
    }

    fn parameter(&mut self, parameter: &Parameter) -> Result<usize, TextError> {
        match parameter {
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(call) => self.call(call),
                _ => self.refuse(TextFault::Unsupported { what: "such subexpressions" }),
            },
            // The engine builds a list of all segments for each evaluation.
            Parameter::Path(_) | Parameter::Name(_) => {
                Ok(2 + parameter.as_name().map_or(0, str::len))
            }
            _ => Ok(2),
        }
    }

    fn block(&mut self, block: &mut HelperTemplate) -> Result<usize, TextError> {
        let name = block.name.as_name().unwrap_or_default().to_owned();
        if !BLOCKS.contains(&name.as_str()) {
            return self.refuse(TextFault::UnknownHelper { name });
        }
        let [value] = block.params.as_slice() else {
            return self.refuse(TextFault::Arguments { name });
        };
        let mut work = self.parameter(value)?;
        for option in block.hash.values() {
            work += self.parameter(option)?;
        }
        if let Some(body) = &mut block.template {
            let round = self.template(body)?;
            if name == "each" {
                body.elements.insert(0, tick(round));
                if let Some(first) = body.mapping.first().cloned() {
                    body.mapping.insert(0, first);
                }
            } else {
                work += round;
            }
        }
        if let Some(inverse) = &mut block.inverse {
            work += self.template(inverse)?;
        }
        Ok(work)
    }
}

/// A call of the helper that pays for one round of a loop.
fn tick(work: usize) -> TemplateElement {
    let work = vec![Parameter::Literal(work.into())];
    *Subexpression::new(Parameter::Name(TICK.to_owned()), work, HashMap::new()).element
}
