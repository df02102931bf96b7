//! What a parsed path is made of.

use super::engine::Query;
use super::filter::Filter;

/// One step: from the values found so far to the next ones.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// `.name` or `['name']`.
    Key(String),
    /// `[n]`; a negative index counts from the end.
    Index(i64),
    /// `[start:end:step]`; `[*]` is the slice without bounds.
    Slice(Slice),
    /// `.*`: every element of a list, every value of a map.
    Wildcard,
    /// `[0,2]` or `['a','b']`.
    Union(Vec<Vec<Step>>),
    /// `[?(…)]`.
    Filter(Box<Filter>),
    /// `..` not followed by a key: every list and map below, this one first.
    Descend,
    /// `..name` or `...*`.
    Deep(Box<Deep>),
    /// A bare word. The dialect parses it and refuses to evaluate it.
    Identifier(String),
}

impl Step {
    /// Leads to at most one value.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Index(_))
    }
}

/// Bounds of a slice; `None` was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    pub(super) step: Option<i64>,
}

/// Recursive descent to a name, or to everything.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deep {
    /// `None` is the wildcard.
    pub(super) key: Option<String>,
    pub(super) query: Query,
}

/// Joins `..` with the key behind it, so that one query does both.
pub(super) fn fuse(steps: Vec<Step>) -> Vec<Step> {
    let mut fused: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        let key = match &step {
            Step::Key(key) => Some(Some(key.as_str())),
            Step::Wildcard => Some(None),
            _ => None,
        };
        let deep = match (fused.last(), key) {
            (Some(Step::Descend), Some(key)) => {
                Query::descendants(key).map(|query| Deep { key: key.map(str::to_owned), query })
            }
            _ => None,
        };
        match deep {
            Some(deep) => {
                fused.pop();
                fused.push(Step::Deep(Box::new(deep)));
            }
            None => fused.push(step),
        }
    }
    fused
}
