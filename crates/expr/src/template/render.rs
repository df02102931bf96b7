//! From a template and a context to a document.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Node;
use super::error::{RenderError, TagError};
use super::tag::{Piece, Tag};
use crate::json::{self, Escape};
use crate::limits::OUTPUT_BYTES;
use crate::{Context, PathError};

/// How much of a result that is no object an error shows.
const SHOWN_BYTES: usize = 256;

pub(super) fn document(root: &Node, context: &Context<'_>) -> Result<Value, RenderError> {
    let document = Renderer { context, left: OUTPUT_BYTES }.node(root)?;
    if document.is_object() {
        return Ok(document);
    }
    let resource = json::compact(&document, Escape::Go, SHOWN_BYTES)
        .unwrap_or_else(|_| format!("a large {}", json::kind(&document)));
    Err(RenderError::NotAMap { resource })
}

struct Renderer<'r> {
    context: &'r Context<'r>,
    /// Bytes that the result may still grow by.
    left: usize,
}

impl<'r> Renderer<'r> {
    fn node(&mut self, node: &Node) -> Result<Value, RenderError> {
        match node {
            Node::Plain(value) => {
                self.grow_by(value, "")?;
                Ok(value.clone())
            }
            Node::Typed { location, tag } => {
                let value = self.value(tag).map_err(|cause| RenderError::Tag {
                    location: location.clone(),
                    cause: TagError::Typed { expression: tag.expression.clone(), cause },
                })?;
                self.grow_by(&value, location)?;
                Ok(value.into_owned())
            }
            Node::Text { location, pieces } => self.text(location, pieces),
            Node::List(items) => {
                let items = items.iter().map(|item| self.node(item));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            Node::Map(entries) => {
                let mut map = Map::new();
                for (key, item) in entries {
                    map.insert(key.clone(), self.node(item)?);
                }
                Ok(Value::Object(map))
            }
        }
    }

    fn value(&self, tag: &Tag) -> Result<Cow<'r, Value>, PathError> {
        match &tag.path {
            Ok(path) => path.one_in(self.context),
            Err(error) => Err(error.clone()),
        }
    }

    fn text(&mut self, location: &str, pieces: &[Piece]) -> Result<Value, RenderError> {
        let too_large = || RenderError::TooLarge { location: location.to_owned() };
        let failed = |cause| RenderError::Tag { location: location.to_owned(), cause };
        let mut text = String::new();
        for piece in pieces {
            let left = self.left.checked_sub(text.len()).ok_or_else(too_large)?;
            let tag = match piece {
                Piece::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Piece::Tag(tag) => tag,
            };
            let value = self.value(tag);
            let value = value.map_err(|cause| failed(TagError::Embedded { cause }))?;
            match value.as_ref() {
                Value::Null => {
                    return Err(failed(TagError::Null { expression: tag.expression.clone() }));
                }
                Value::String(string) if string.len() > left => return Err(too_large()),
                Value::String(string) => text.push_str(string),
                other => {
                    let json = json::compact(other, Escape::Go, left).map_err(|_| too_large())?;
                    text.push_str(&json);
                }
            }
        }
        self.left = self.left.checked_sub(text.len()).ok_or_else(too_large)?;
        Ok(Value::String(text))
    }

    fn grow_by(&mut self, value: &Value, location: &str) -> Result<(), RenderError> {
        let too_large = || RenderError::TooLarge { location: location.to_owned() };
        let mut waiting = vec![value];
        while let Some(value) = waiting.pop() {
            let size = match value {
                Value::Null | Value::Bool(_) | Value::Number(_) => 4,
                Value::String(text) => text.len() + 2,
                Value::Array(items) => {
                    waiting.extend(items);
                    items.len() + 2
                }
                Value::Object(map) => {
                    waiting.extend(map.values());
                    map.keys().map(|key| key.len() + 4).sum::<usize>() + 2
                }
            };
            self.left = self.left.checked_sub(size).ok_or_else(too_large)?;
        }
        Ok(())
    }
}
