//! A JSON document with `$(…)$` tags in its strings.
//!
//! A string that is exactly one tag becomes the value behind the path, with its type. Tags inside
//! a longer string are replaced by text. Keys, numbers, booleans and nulls are copied.
//!
//! **Invariant:** compiling cannot fail. A bad tag is kept and reported where it stands: by
//! [`Template::diagnostics`] at once, by [`Template::render`] when its turn comes.

mod compile;
mod error;
mod render;
mod tag;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::{Context, Path, PathError};
pub use error::{RenderError, TagError};
use tag::{Piece, Tag};

/// A compiled template.
///
/// ```
/// # use portolan_expr::{Context, Template};
/// # use serde_json::json;
/// let template = Template::compile(&json!({
///     "metadata": {"name": "$(workload.metadata.name)$-web"},
///     "spec": {"replicas": "$(params.replicas)$"},
/// }));
/// let workload = json!({"metadata": {"name": "shop"}});
/// let context = Context::new()
///     .borrowing("workload", &workload)
///     .owning("params", json!({"replicas": 3}));
/// assert_eq!(template.render(&context).unwrap(), json!({
///     "metadata": {"name": "shop-web"},
///     "spec": {"replicas": 3},
/// }));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    root: Node,
}

/// A part of the document.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// Holds no tag.
    Plain(Value),
    /// A string that is one tag.
    Typed {
        location: String,
        tag: Tag,
    },
    /// A string with tags in it.
    Text {
        location: String,
        pieces: Vec<Piece>,
    },
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// A tag that no context can satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTag<'t> {
    /// Where it stands, such as `spec.params.[0]value`.
    pub location: &'t str,
    /// The text between `$(` and `)$`.
    pub expression: &'t str,
    /// What is wrong with it.
    pub error: PathError,
}

impl Template {
    /// Parses all tags of a document.
    pub fn compile(document: &Value) -> Self {
        Self { root: compile::node(document, &mut String::new()) }
    }

    /// Replaces all tags. The result is a map: a stamped object.
    ///
    /// Of several bad tags the first in document order is reported, maps being sorted.
    pub fn render(&self, context: &Context<'_>) -> Result<Value, RenderError> {
        render::document(&self.root, context)
    }

    /// The paths of all good tags, each with where it stands: what the template needs to know.
    pub fn inputs(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.tags()
            .into_iter()
            .filter_map(|(location, tag)| Some((tag.path.as_ref().ok()?, location)))
    }

    /// All tags that can never be evaluated, in document order.
    pub fn diagnostics(&self) -> impl Iterator<Item = BadTag<'_>> {
        self.tags().into_iter().filter_map(|(location, tag)| {
            let error = match &tag.path {
                Ok(path) => path.flaw()?,
                Err(error) => error.clone(),
            };
            Some(BadTag { location, expression: &tag.expression, error })
        })
    }

    fn tags(&self) -> Vec<(&str, &Tag)> {
        let mut tags = Vec::new();
        let mut waiting = vec![&self.root];
        while let Some(node) = waiting.pop() {
            match node {
                Node::Plain(_) => {}
                Node::Typed { location, tag } => tags.push((location.as_str(), tag)),
                Node::Text { location, pieces } => {
                    tags.extend(pieces.iter().filter_map(|piece| match piece {
                        Piece::Tag(tag) => Some((location.as_str(), tag)),
                        Piece::Literal(_) => None,
                    }));
                }
                Node::List(items) => waiting.extend(items.iter().rev()),
                Node::Map(entries) => waiting.extend(entries.iter().rev().map(|(_, node)| node)),
            }
        }
        tags
    }
}
