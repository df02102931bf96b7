//! Trouble in three classes: they decide condition, retry and log level in one place (design,
//! section 7).

use std::time::Duration;

use portolan_api::condition::Decided;
use portolan_api::native::reasons::{READY, RECONCILING, STALLED, stalled, transient, waiting};
use portolan_cluster::{SecretError, WriteError, WriteErrorKind};
use portolan_plan::outcome::Again;

/// How trouble ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// By itself, when it is tried again.
    Transient,
    /// When an input arrives.
    Waiting,
    /// When a person changes something.
    Stalled,
}

/// Why an object is not where its spec asks it to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub(crate) struct Trouble {
    pub(crate) class: Class,
    pub(crate) reason: String,
    /// What happened and what to do; never a secret.
    pub(crate) message: String,
    /// When to try again, where the other side said so.
    pub(crate) retry_after: Option<Duration>,
    /// True: the input may arrive without any event that we would see.
    pub(crate) unseen: bool,
}

impl Trouble {
    fn new(class: Class, reason: &str, message: impl Into<String>) -> Self {
        Self {
            class,
            reason: reason.into(),
            message: message.into(),
            retry_after: None,
            unseen: class == Class::Transient,
        }
    }

    pub(crate) fn transient(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Class::Transient, reason, message)
    }

    pub(crate) fn waiting(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Class::Waiting, reason, message)
    }

    pub(crate) fn stalled(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Class::Stalled, reason, message)
    }

    /// A field that this version does not act on; acting without it would be worse than waiting.
    pub(crate) fn not_supported(field: &str, instead: &str) -> Self {
        let message = format!("{field} is not supported by this version: {instead}");
        Self::stalled(stalled::NOT_SUPPORTED, message)
    }

    /// A spec that cannot be.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::stalled(stalled::INVALID_SPEC, message)
    }

    /// The same trouble, whose end nothing announces.
    #[must_use]
    pub(crate) fn unseen(mut self) -> Self {
        self.unseen = true;
        self
    }

    /// When to look again.
    pub(crate) fn again(&self) -> Again {
        match (self.retry_after, self.unseen) {
            (Some(pause), _) => Again::After(pause),
            (None, true) => Again::BackOff,
            (None, false) => Again::OnChange,
        }
    }

    /// `Ready`, and `Reconciling` or `Stalled` as the class asks.
    pub(crate) fn conditions(&self) -> Vec<Decided> {
        let (reason, message) = (&self.reason, &self.message);
        match self.class {
            Class::Transient => vec![
                Decided::unknown(READY, reason, message),
                Decided::yes(RECONCILING, reason, message),
            ],
            Class::Waiting => vec![Decided::unknown(READY, reason, message)],
            Class::Stalled => {
                vec![Decided::no(READY, reason, message), Decided::yes(STALLED, reason, message)]
            }
        }
    }
}

impl From<SecretError> for Trouble {
    fn from(error: SecretError) -> Self {
        let message = error.to_string();
        match error {
            SecretError::Missing { .. } => {
                Self::waiting(waiting::CREDENTIALS_MISSING, message).unseen()
            }
            SecretError::Forbidden { .. } => Self::stalled(stalled::FORBIDDEN, message).unseen(),
            SecretError::Unavailable { .. } => Self::transient(transient::API_UNAVAILABLE, message),
        }
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        match error.kind {
            WriteErrorKind::Forbidden => Self::stalled(stalled::FORBIDDEN, error.message).unseen(),
            WriteErrorKind::OwnedByAnother => {
                Self::stalled(stalled::OBJECT_OWNED_BY_ANOTHER, error.message)
            }
            WriteErrorKind::Conflict | WriteErrorKind::Unavailable => {
                Self::transient(transient::API_UNAVAILABLE, error.message)
            }
            WriteErrorKind::NotFound | WriteErrorKind::Invalid => {
                Self::stalled(stalled::MANIFESTS_REFUSED, error.message).unseen()
            }
        }
    }
}

impl From<portolan_git::Error> for Trouble {
    fn from(error: portolan_git::Error) -> Self {
        let class = match error.class() {
            portolan_git::Class::Transient => Class::Transient,
            portolan_git::Class::Waiting => Class::Waiting,
            portolan_git::Class::Stalled => Class::Stalled,
        };
        let mut trouble = Self::new(class, error.reason(), error.to_string());
        trouble.retry_after = error.retry_after();
        trouble
    }
}

impl From<portolan_oci::Error> for Trouble {
    fn from(error: portolan_oci::Error) -> Self {
        let class = match error.class() {
            portolan_oci::Class::Transient => Class::Transient,
            portolan_oci::Class::Waiting => Class::Waiting,
            portolan_oci::Class::Stalled => Class::Stalled,
        };
        let mut message = error.to_string();
        if let Some(hint) = error.hint() {
            message.push_str(": ");
            message.push_str(&hint);
        }
        let mut trouble = Self::new(class, error.reason(), message);
        trouble.retry_after = error.retry_after();
        // A registry tells nobody when a base appears or an account is let in.
        trouble.unseen = true;
        trouble
    }
}
