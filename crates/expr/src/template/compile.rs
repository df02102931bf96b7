//! From a JSON document to a template.

use std::fmt::Write as _;

use serde_json::Value;

use super::Node;
use super::tag::{Parsed, parse};

/// Compiles a value that stands at `location`.
pub(super) fn node(value: &Value, location: &mut String) -> Node {
    match value {
        Value::String(text) => match parse(text) {
            Parsed::Plain => Node::Plain(value.clone()),
            Parsed::Typed(tag) => Node::Typed { location: location.clone(), tag },
            Parsed::Text(pieces) => Node::Text { location: location.clone(), pieces },
        },
        Value::Array(items) => {
            let compile = |(index, item): (usize, &Value)| {
                below(location, Below::Index(index), |location| node(item, location))
            };
            let nodes: Vec<Node> = items.iter().enumerate().map(compile).collect();
            collapse(value, nodes, |node| node, Node::List)
        }
        Value::Object(map) => {
            let compile = |(key, item): (&String, &Value)| {
                let node = below(location, Below::Key(key), |location| node(item, location));
                (key.clone(), node)
            };
            let nodes: Vec<(String, Node)> = map.iter().map(compile).collect();
            collapse(value, nodes, |(_, node)| node, Node::Map)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Node::Plain(value.clone()),
    }
}

/// What holds no tag below is copied as a whole.
fn collapse<T>(
    value: &Value,
    nodes: Vec<T>,
    node: impl Fn(&T) -> &Node,
    wrap: impl FnOnce(Vec<T>) -> Node,
) -> Node {
    if nodes.iter().all(|item| matches!(node(item), Node::Plain(_))) {
        Node::Plain(value.clone())
    } else {
        wrap(nodes)
    }
}

#[derive(Clone, Copy)]
enum Below<'v> {
    Key(&'v str),
    Index(usize),
}

/// Runs `compile` with a location one level deeper. Users know the odd notation from Cartographer:
/// an index has a dot before it and none behind, as in `spec.params.[0]name`.
fn below<T>(location: &mut String, step: Below<'_>, compile: impl FnOnce(&mut String) -> T) -> T {
    let length = location.len();
    if !location.is_empty() && !location.ends_with(']') {
        location.push('.');
    }
    match step {
        Below::Key(key) => location.push_str(key),
        Below::Index(index) => {
            // Writing to a String cannot fail.
            let _ = write!(location, "[{index}]");
        }
    }
    let result = compile(location);
    location.truncate(length);
    result
}
