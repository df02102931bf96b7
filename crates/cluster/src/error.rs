//! Why a write did not happen.

use portolan_plan::choreography::RefusalKind;

/// How the API server begins its answer to an apply whose fields have the wrong types.
const TYPED_PATCH: &str = "failed to create typed patch object";

/// Why a write did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WriteError {
    /// What kind of failure.
    pub kind: WriteErrorKind,
    /// What the API server said.
    pub message: String,
}

/// Kinds of failures, as far as they are handled differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteErrorKind {
    /// The account may not do it.
    Forbidden,
    /// The object belongs to somebody else.
    OwnedByAnother,
    /// The object changed or vanished meanwhile.
    Conflict,
    /// There is no such object, namespace or kind.
    NotFound,
    /// The server would refuse it again.
    Invalid,
    /// The server could not do it now.
    Unavailable,
}

impl WriteError {
    /// A failure of a kind.
    pub fn new(kind: WriteErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The kind as plans know it.
    pub fn refusal(&self) -> RefusalKind {
        match self.kind {
            WriteErrorKind::Forbidden => RefusalKind::Forbidden,
            WriteErrorKind::OwnedByAnother => RefusalKind::NameConflict,
            WriteErrorKind::Conflict => RefusalKind::Conflict,
            WriteErrorKind::NotFound | WriteErrorKind::Invalid => RefusalKind::Invalid,
            WriteErrorKind::Unavailable => RefusalKind::Unavailable,
        }
    }
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> Self {
        let kube::Error::Api(status) = error else {
            return Self::new(WriteErrorKind::Unavailable, chain(&error));
        };
        let kind = match status.code {
            401 | 403 => WriteErrorKind::Forbidden,
            404 => WriteErrorKind::NotFound,
            409 => WriteErrorKind::Conflict,
            // A field of the wrong type in a server-side apply is answered 500.
            500 if status.message.starts_with(TYPED_PATCH) => WriteErrorKind::Invalid,
            408 | 429 | 500..=599 => WriteErrorKind::Unavailable,
            _ if status.message.contains("metadata.uid") => WriteErrorKind::Conflict,
            _ => WriteErrorKind::Invalid,
        };
        let message =
            if status.message.is_empty() { status.reason.clone() } else { status.message.clone() };
        Self::new(kind, message)
    }
}

/// An error with its causes, each once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
