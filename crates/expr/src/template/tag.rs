//! Tags: finding them in a string, and what they are replaced by.

use crate::{Path, PathError};

const OPEN: &str = "$(";
const CLOSE: &str = ")$";
/// How much of an endless tag a message repeats.
const SHOWN: usize = 100;

/// One `$(…)$`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tag {
    /// The text between the delimiters; only the beginning of it if it is too long for a path.
    pub(super) expression: String,
    pub(super) path: Result<Path, PathError>,
}

impl Tag {
    fn new(expression: &str) -> Self {
        let path = Path::parse(expression);
        let expression = match path {
            Err(PathError::TooLong { .. }) => expression.chars().take(SHOWN).chain(['…']).collect(),
            _ => expression.to_owned(),
        };
        Self { expression, path }
    }
}

/// A part of a string with tags in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Literal(String),
    Tag(Tag),
}

/// What a string of a template turns out to be.
pub(super) enum Parsed {
    Plain,
    Typed(Tag),
    Text(Vec<Piece>),
}

pub(super) fn parse(text: &str) -> Parsed {
    if text.matches(OPEN).count() == 1
        && let Some(rest) = text.strip_prefix(OPEN)
        && let Some(expression) = rest.strip_suffix(CLOSE)
    {
        return Parsed::Typed(Tag::new(expression));
    }
    let pieces = pieces(text);
    if pieces.iter().any(|piece| matches!(piece, Piece::Tag(_))) {
        Parsed::Text(pieces)
    } else {
        Parsed::Plain
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, opened)) = rest.split_once(OPEN) {
        let Some((expression, after)) = opened.split_once(CLOSE) else {
            break;
        };
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(Piece::Tag(Tag::new(expression)));
        rest = after;
    }
    if !rest.is_empty() {
        // What is opened and never closed is text.
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    pieces
}
