//! What can be wrong with a handlebars text, and where.

use std::fmt;

use thiserror::Error;

use crate::limits::{OUTPUT_BYTES, TEXT_BYTES, TEXT_DEPTH, TEXT_EXPRESSIONS};

/// A place in a text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line of the text.
    pub line: usize,
    /// Character of the line.
    pub column: usize,
}

impl Position {
    /// The place of a byte.
    pub(super) fn of(source: &str, byte: usize) -> Self {
        let before = &source[..byte];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a text could not be compiled or rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// What is wrong.
    pub fault: TextFault,
    /// Where; a text that is too long as a whole has no place.
    pub position: Option<Position>,
    pub(super) hint: Option<String>,
}

impl TextError {
    pub(super) fn at(position: Position, fault: TextFault) -> Self {
        Self { fault, position: Some(position), hint: None }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        self.hint.clone().or_else(|| self.fault.hint())
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        self.fault.fmt(f)
    }
}

impl std::error::Error for TextError {}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextFault {
    /// The text is longer than [`TEXT_BYTES`].
    #[error("text of {length} bytes exceeds the limit of {TEXT_BYTES} bytes")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Blocks or parentheses nest deeper than [`TEXT_DEPTH`].
    #[error("blocks, chains of else, or parentheses nest deeper than {TEXT_DEPTH} levels")]
    TooDeep,
    /// There are more than [`TEXT_EXPRESSIONS`] expressions.
    #[error("more than {TEXT_EXPRESSIONS} expressions")]
    TooManyExpressions,
    /// The text is not handlebars.
    #[error("{message}")]
    Syntax {
        /// What the parser stumbled over.
        message: String,
    },
    /// Handlebars that is switched off.
    #[error("{what} cannot be used here")]
    Unsupported {
        /// A noun in the plural.
        what: &'static str,
    },
    /// A helper that does not exist.
    #[error("there is no helper `{name}`")]
    UnknownHelper {
        /// As written.
        name: String,
    },
    /// A helper with too few or too many values.
    #[error("`{name}` takes one value")]
    Arguments {
        /// The helper.
        name: String,
    },
    /// A value that does not exist.
    #[error("`{path}` does not exist")]
    Missing {
        /// As written.
        path: String,
    },
    /// A loop or a `with` over a value that is not there.
    #[error("`{path}` does not exist or is empty")]
    Empty {
        /// As written.
        path: String,
    },
    /// A value that has no plain text.
    #[error("`{path}` is a {kind} and cannot be printed as it is")]
    NotPrintable {
        /// As written.
        path: String,
        /// `list`, `map` or `null`.
        kind: &'static str,
    },
    /// A string that could change the structure of the YAML around it.
    #[error("`{path}` contains line breaks or control characters")]
    ControlCharacters {
        /// As written.
        path: String,
    },
    /// The result is larger than [`OUTPUT_BYTES`].
    #[error("the result exceeds {OUTPUT_BYTES} bytes")]
    TooLarge,
    /// The loops go round too often.
    #[error("the loops take too long")]
    TooMuchWork,
    /// Anything else that the engine refuses.
    #[error("{message}")]
    Engine {
        /// In its words.
        message: String,
    },
}

impl TextFault {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::TooLong { .. } | Self::TooManyExpressions => {
                "split the template into smaller ones".to_owned()
            }
            Self::TooDeep => "nest fewer blocks".to_owned(),
            Self::Unsupported { .. } => {
                "use paths, `if`, `unless`, `each`, `with` and `json`; write `\\{{` for braces"
                    .to_owned()
            }
            Self::UnknownHelper { name } => {
                format!("write `{{{{#each {name}}}}}` or `{{{{#with {name}}}}}` if it is data")
            }
            Self::Arguments { name } if name == "json" => "write `{{json value}}`".to_owned(),
            Self::Arguments { name } => {
                format!("write `{{{{#{name} value}}}} … {{{{/{name}}}}}`")
            }
            Self::NotPrintable { path, kind: "null" } => {
                format!("set it, or ask for it with `{{{{#if {path}}}}}`")
            }
            Self::NotPrintable { path, .. } => format!("write `{{{{json {path}}}}}`"),
            Self::ControlCharacters { path } => {
                format!("write `{{{{json {path}}}}}`, which quotes it")
            }
            Self::Empty { .. } => "write `{{else}}` to allow that".to_owned(),
            Self::TooLarge => "print smaller parts of the values".to_owned(),
            Self::TooMuchWork => "nest fewer loops".to_owned(),
            Self::Syntax { .. } | Self::Missing { .. } | Self::Engine { .. } => return None,
        };
        Some(hint)
    }
}

impl From<handlebars::TemplateError> for TextError {
    fn from(error: handlebars::TemplateError) -> Self {
        Self {
            position: error.pos().map(|(line, column)| Position { line, column }),
            fault: TextFault::Syntax { message: error.reason().to_string() },
            hint: None,
        }
    }
}
