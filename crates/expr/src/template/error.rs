//! Why a template could not be rendered.

use thiserror::Error;

use crate::PathError;
use crate::limits::OUTPUT_BYTES;

/// Why a template gave no object. The wording is Cartographer's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A tag could not be replaced.
    #[error(
        "failed to recursively evaluate template: failed to interpolate template at path \
         [{location}]: {cause}"
    )]
    Tag {
        /// Where the tag stands, such as `spec.params.[0]value`.
        location: String,
        /// What is wrong with it.
        cause: TagError,
    },
    /// The whole template is one tag, and its value is no map.
    #[error("stamped resource is not a map[string]interface{{}}, stamped resource: {resource}")]
    NotAMap {
        /// The beginning of the result, as JSON.
        resource: String,
    },
    /// The result is larger than [`OUTPUT_BYTES`].
    #[error(
        "failed to recursively evaluate template: failed to interpolate template at path \
         [{location}]: the result exceeds {OUTPUT_BYTES} bytes"
    )]
    TooLarge {
        /// Where the limit was passed.
        location: String,
    },
}

impl RenderError {
    /// The template is fine, a value that it names does not exist (yet).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Tag { cause, .. } if cause.is_not_found())
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Tag { cause, .. } => cause.hint(),
            Self::NotAMap { .. } => Some("a template must be a Kubernetes object".to_owned()),
            Self::TooLarge { .. } => {
                Some("name smaller parts of the values, or pass a reference to them".to_owned())
            }
        }
    }
}

/// Why a tag could not be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TagError {
    /// A string that is one tag.
    #[error("evaluate tag $({expression})$: {}", cause.evaluated())]
    Typed {
        /// The text between `$(` and `)$`.
        expression: String,
        /// What is wrong with it.
        cause: PathError,
    },
    /// A tag inside a longer string.
    #[error("interpolate tag: evaluate jsonpath: {}", cause.evaluated())]
    Embedded {
        /// What is wrong with it.
        cause: PathError,
    },
    /// A null has no text.
    #[error("interpolate tag: tag must not point to nil value: {expression}")]
    Null {
        /// The text between `$(` and `)$`.
        expression: String,
    },
}

impl TagError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Typed { cause, .. } | Self::Embedded { cause } => cause.hint(),
            Self::Null { .. } => {
                Some("set the value, or let the tag be the whole string".to_owned())
            }
        }
    }

    /// The tag is fine, its value does not exist (yet).
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Typed { cause, .. } | Self::Embedded { cause } => cause.is_not_found(),
            Self::Null { .. } => false,
        }
    }
}
