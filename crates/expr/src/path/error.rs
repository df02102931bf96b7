//! What can be wrong with a path, and with the data it is applied to.

use std::fmt;

use thiserror::Error;

use crate::limits::{PATH_BYTES, PATH_DEPTH, PATH_RESULTS, PATH_VISITS};

/// Why a path could not be parsed, or gave no single value.
///
/// The wording is Cartographer's: users and assertions know it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// Nothing was written.
    #[error("empty jsonpath not allowed")]
    Empty,
    /// The text is no path.
    #[error("failed to parse jsonpath '{wrapped}': {message}")]
    Syntax {
        /// The expression with its braces.
        wrapped: String,
        /// What the parser stumbled over.
        message: String,
        /// Where, in bytes of the expression as written.
        offset: usize,
    },
    /// More than one `{…}`, or text behind it.
    #[error("more queries than expected: {wrapped}")]
    SeveralQueries {
        /// The expression with its braces.
        wrapped: String,
    },
    /// The text is longer than [`PATH_BYTES`].
    #[error("jsonpath of {length} bytes exceeds the limit of {PATH_BYTES} bytes")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Brackets nest deeper than [`PATH_DEPTH`].
    #[error("jsonpath nests brackets deeper than {PATH_DEPTH} levels")]
    TooDeep,
    /// The path leads nowhere.
    #[error("jsonpath returned empty list: {expression}")]
    NotFound {
        /// The expression as written.
        expression: String,
        /// What is there instead.
        hint: Option<String>,
    },
    /// The path leads to more than one value.
    #[error("too many results for the query: {expression}")]
    TooManyResults {
        /// The expression as written.
        expression: String,
        /// How many values there are.
        count: usize,
    },
    /// The path does not fit the data.
    #[error("failed to find results: {fault}")]
    Evaluation {
        /// The expression as written.
        expression: String,
        /// What does not fit.
        fault: FindFault,
    },
}

impl PathError {
    /// The path is fine, the data has nothing at its end (yet).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// The message with the prefix that Cartographer's evaluator puts before some of them; this is
    /// how it appears in conditions.
    pub fn evaluated(&self) -> impl fmt::Display {
        Evaluated(self)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty => Some("write a path such as `workload.metadata.name`".to_owned()),
            Self::Syntax { wrapped, .. } if wrapped.contains("$(") => {
                Some("tags cannot contain tags".to_owned())
            }
            Self::Syntax { offset, .. } => Some(format!("look at byte {offset} of the path")),
            Self::SeveralQueries { .. } => Some("write a single path, without braces".to_owned()),
            Self::TooLong { .. } | Self::TooDeep => Some("write a shorter path".to_owned()),
            Self::NotFound { hint, .. } => hint.clone(),
            Self::TooManyResults { count, .. } => {
                Some(format!("it leads to {count} values: choose one with an index or a filter"))
            }
            Self::Evaluation { fault, .. } => Some(fault.hint()),
        }
    }
}

/// What in the data does not fit the path.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FindFault {
    /// An index or a slice outside the list.
    #[error("array index out of bounds: index {index}, length {length}")]
    OutOfBounds {
        /// The index, counted from the start.
        index: i64,
        /// The length of the list.
        length: usize,
    },
    /// A slice that ends before it starts.
    #[error("starting index {start} is greater than ending index {end}")]
    StartAfterEnd {
        /// First index.
        start: i64,
        /// Index behind the last.
        end: i64,
    },
    /// A slice that does not move.
    #[error("step must be > 0")]
    BadStep,
    /// An index or a slice of something that is not a list.
    #[error("{kind} is not array or slice")]
    NotAList {
        /// The JSON type found.
        kind: &'static str,
    },
    /// A filter on something that is not a list.
    #[error("{kind} is not array or slice and cannot be filtered")]
    NotFilterable {
        /// The JSON type found.
        kind: &'static str,
    },
    /// A comparison of different types.
    #[error("incompatible types for comparison")]
    Incomparable,
    /// A comparison of something that has no order, or of null, lists or maps.
    #[error("invalid type for comparison")]
    InvalidComparison,
    /// A comparison of more than one value.
    #[error("can only compare one element at a time")]
    SeveralOperands,
    /// A filter operator that does not exist.
    #[error("unrecognized filter operator {operator}")]
    UnknownOperator {
        /// As written.
        operator: String,
    },
    /// A bare word, mostly after a space.
    #[error("unrecognized identifier {name}")]
    UnknownIdentifier {
        /// As written.
        name: String,
    },
    /// More than [`PATH_RESULTS`] values.
    #[error("the path leads to more than {PATH_RESULTS} values")]
    TooManyValues,
    /// More than [`PATH_VISITS`] values were looked at.
    #[error("the path looks at more than {PATH_VISITS} values")]
    TooMuchWork,
}

impl FindFault {
    fn hint(&self) -> String {
        match self {
            Self::OutOfBounds { length: 0, .. } => "the list is empty".to_owned(),
            Self::OutOfBounds { length, .. } => {
                format!("indices go from 0 to {}, or from -{length} to -1", length - 1)
            }
            Self::StartAfterEnd { .. } => "write the smaller index first".to_owned(),
            Self::BadStep => "write a step of 1 or more, or none".to_owned(),
            Self::NotAList { kind: "map" } => {
                "use `.name` for one value of a map and `.*` for all of them".to_owned()
            }
            Self::NotAList { .. } => "only lists have indices".to_owned(),
            Self::NotFilterable { .. } => "only lists can be filtered".to_owned(),
            Self::Incomparable => "quote the value in the filter if the data is a string, and \
                                   leave the quotes away if it is a number or boolean"
                .to_owned(),
            Self::InvalidComparison => "compare strings, numbers, or booleans with == and !=; use \
                                        `[?(@.key)]` to ask whether a key exists"
                .to_owned(),
            Self::SeveralOperands => "compare a path that leads to one value".to_owned(),
            Self::UnknownOperator { .. } => "use one of == != < <= > >=".to_owned(),
            Self::UnknownIdentifier { .. } => {
                "leave away spaces; quote words in filters; write `\\ ` for a space in a name"
                    .to_owned()
            }
            Self::TooManyValues | Self::TooMuchWork => {
                "name more keys, so that the path covers less of the data".to_owned()
            }
        }
    }
}

struct Evaluated<'e>(&'e PathError);

impl fmt::Display for Evaluated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            PathError::Empty | PathError::NotFound { .. } | PathError::TooManyResults { .. } => {}
            _ => f.write_str("evaluate: ")?,
        }
        self.0.fmt(f)
    }
}
