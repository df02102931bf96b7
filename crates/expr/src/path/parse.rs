//! From the text of a path to its steps.
//!
//! Nesting is bounded by construction: a filter holds two operands, an operand holds brackets, and
//! a bracket holds keys; neither filters nor brackets can contain themselves in this dialect.

use super::bracket;
use super::filter::{Filter, Operand, Test};
use super::quote::{self, closing};
use super::step::{Slice, Step, fuse};

/// A text that is no path.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    /// Byte of the wrapped text.
    pub(super) at: usize,
}

/// The first `{…}` of a text, and whether anything follows it.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) steps: Vec<Step>,
    pub(super) several: bool,
}

/// Parses a text that starts with `{.`.
pub(super) fn parse(wrapped: &str) -> Result<Parsed, Fault> {
    let mut cursor = Cursor { text: wrapped, at: 1, base: 0, scope: Scope::Braces };
    let steps = cursor.steps()?;
    let several = cursor.at < wrapped.len();
    // Later blocks are never evaluated, but a mistake in them is reported first.
    while let Some(block) = cursor.rest().find('{') {
        cursor.at += block + 1;
        cursor.steps()?;
    }
    Ok(Parsed { steps, several })
}

/// Where a run of steps stands, which decides how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// The whole path: ends at `}`.
    Braces,
    /// Inside `['…']`: ends with the text.
    Quotes,
    /// One side of a filter: ends with the text; names hold no quotes, since those decide where
    /// the filter ends.
    Operand,
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// Where `text` starts in the whole.
    base: usize,
    scope: Scope,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn fault<T>(&self, at: usize, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { message: message.into(), at: self.base + at })
    }

    fn unexpected<T>(&self, at: usize, found: char) -> Result<T, Fault> {
        let code = u32::from(found);
        let shown = if found.is_control() { String::new() } else { format!(" '{found}'") };
        self.fault(at, format!("unrecognized character in action: U+{code:04X}{shown}"))
    }

    fn steps(&mut self) -> Result<Vec<Step>, Fault> {
        let mut steps = Vec::new();
        loop {
            let start = self.at;
            if self.rest().starts_with("[?(") {
                steps.push(self.filter()?);
                continue;
            }
            if self.rest().starts_with("..") {
                self.descend(&mut steps)?;
                continue;
            }
            match self.bump() {
                Some('}') if self.scope == Scope::Braces => return Ok(fuse(steps)),
                None if self.scope != Scope::Braces => return Ok(fuse(steps)),
                None | Some('\r' | '\n') => return self.fault(start, "unclosed action"),
                // Inside an expression `@` and `$` mean the current value.
                Some(' ' | '@' | '$') => {}
                Some('[') => self.bracket(&mut steps)?,
                Some('.') => steps.push(self.name()?),
                Some(letter) if letter.is_alphabetic() || letter == '_' => {
                    self.at = start;
                    steps.push(Step::Identifier(self.word()));
                }
                Some(other) => return self.unexpected(start, other),
            }
        }
    }

    fn descend(&mut self, steps: &mut Vec<Step>) -> Result<(), Fault> {
        if steps.last() == Some(&Step::Descend) {
            return self.fault(self.at, "invalid multiple recursive descent");
        }
        self.at += "..".len();
        steps.push(Step::Descend);
        if self.rest().starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            steps.push(self.name()?);
        }
        Ok(())
    }

    /// A name, up to the next terminator that has no backslash before it.
    fn name(&mut self) -> Result<Step, Fault> {
        let start = self.at;
        let mut name = String::new();
        loop {
            let here = self.at;
            match self.bump() {
                Some('\\') => match self.bump() {
                    Some(escaped) => name.push(escaped),
                    None => return self.fault(here, "unclosed action"),
                },
                Some(end) if is_terminator(end) => {
                    self.at = here;
                    break;
                }
                Some(quote @ ('\'' | '"')) if self.scope == Scope::Operand => {
                    return self.unexpected(here, quote);
                }
                Some(other) => name.push(other),
                None => break,
            }
        }
        let wildcard = &self.text[start..self.at] == "*";
        Ok(if wildcard { Step::Wildcard } else { Step::Key(name) })
    }

    fn word(&mut self) -> String {
        let end = self.rest().find(is_terminator).unwrap_or(self.rest().len());
        let word = self.rest()[..end].to_owned();
        self.at += end;
        word
    }

    /// The part after `[`: an index, a slice, a quoted name, or several of them.
    fn bracket(&mut self, steps: &mut Vec<Step>) -> Result<(), Fault> {
        let start = self.at;
        let end = match self.rest().find([']', '\n']) {
            Some(end) if self.rest()[end..].starts_with(']') => end,
            _ => return self.fault(start, "unterminated array"),
        };
        let content = &self.rest()[..end];
        self.at += end + 1;
        if !content.contains(',') {
            steps.extend(self.selection(content, start)?);
            return Ok(());
        }
        let parts = content.split(',').map(|part| self.selection(part.trim_matches(' '), start));
        steps.push(Step::Union(parts.collect::<Result<_, _>>()?));
        Ok(())
    }

    fn selection(&self, content: &str, at: usize) -> Result<Vec<Step>, Fault> {
        if content == "*" {
            return Ok(vec![Step::Slice(Slice::default())]);
        }
        let quoted = content.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        if let Some(names) = quoted.filter(|names| !names.contains('\'')) {
            // The dialect reads what is quoted as a path of its own: dots need a backslash.
            let text = format!(".{names}");
            let base = self.base + at;
            return Cursor { text: &text, at: 0, base, scope: Scope::Quotes }.steps();
        }
        let step = bracket::numbers(content);
        step.map(|step| vec![step]).or_else(|message| self.fault(at, message))
    }

    fn filter(&mut self) -> Result<Step, Fault> {
        self.at += "[?(".len();
        let start = self.at;
        let content = loop {
            let here = self.at;
            match self.bump() {
                None | Some('\n') => return self.fault(start, "unterminated filter"),
                Some('\'' | '"') => match closing(&self.text[here..]) {
                    Some(length) => self.at = here + length,
                    None => return self.fault(start, "unterminated filter"),
                },
                Some(')') => break &self.text[start..here],
                Some(_) => {}
            }
        };
        if self.bump() != Some(']') {
            return self.fault(self.at, "unclosed array expect ]");
        }
        let base = self.base + start;
        let test = match split(content) {
            Some((left, operator, right)) => Test::Compare {
                left: operand(left, base)?,
                operator: operator.to_owned(),
                right: operand(right, base + left.len() + operator.len())?,
            },
            None => Test::Exists(path(content, base)?),
        };
        Ok(Step::Filter(Box::new(Filter::new(test))))
    }
}

/// Splits a filter at its operator; one without operator asks whether something exists.
fn split(filter: &str) -> Option<(&str, &str, &str)> {
    let is_operator = |c: char| matches!(c, '!' | '<' | '=' | '>');
    let from = filter.find(is_operator).filter(|from| *from > 0)?;
    let (left, rest) = filter.split_at(from);
    let length = rest.find(|c| !is_operator(c)).unwrap_or(rest.len() - 1);
    let (operator, right) = rest.split_at(length);
    (!operator.is_empty() && !right.is_empty()).then_some((left, operator, right))
}

fn operand(text: &str, base: usize) -> Result<Operand, Fault> {
    match quote::literal(text.trim_matches(' ')) {
        Some(Ok(value)) => Ok(Operand::Literal(value)),
        Some(Err(message)) => Err(Fault { message, at: base }),
        None => path(text, base).map(Operand::Path),
    }
}

fn path(text: &str, base: usize) -> Result<Vec<Step>, Fault> {
    Cursor { text, at: 0, base, scope: Scope::Operand }.steps()
}

/// Ends a name.
pub(super) fn is_terminator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}
