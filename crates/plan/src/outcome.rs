//! What a plan comes to: effects as data, and when to look again.

use std::time::Duration;

use serde_json::Value;

use crate::object::ServedKind;

/// The ServiceAccount as which a tenant's objects are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Namespace of the account.
    pub namespace: String,
    /// Name of the account.
    pub name: String,
}

impl Identity {
    /// The user name the API server knows the account by.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

/// What must be true of the object when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It does not exist.
    Absent,
    /// It is the object with this UID.
    Uid(String),
}

/// An object to apply.
#[derive(Clone, Debug, PartialEq)]
pub struct Apply {
    /// The resource of the blueprint it is stamped for.
    pub resource: String,
    /// Kind, as it is served.
    pub kind: ServedKind,
    /// The complete desired object.
    pub object: Value,
    /// What must be true of the live object.
    pub expect: Expect,
}

/// An object to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// Kind, as it is served.
    pub kind: ServedKind,
    /// Namespace; empty for cluster-scoped kinds.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The UID it must have.
    pub uid: String,
}

/// An event to record on the planned object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// `Normal` or `Warning`.
    pub severity: Severity,
    /// Reason, one word.
    pub reason: String,
    /// Message for people.
    pub message: String,
}

/// How serious an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Things go as they should.
    Normal,
    /// A person should look.
    Warning,
}

impl Event {
    /// An event about things going as they should.
    pub fn normal(reason: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Normal, reason: reason.into(), message: message.into() }
    }

    /// An event a person should look at.
    pub fn warning(reason: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, reason: reason.into(), message: message.into() }
    }
}

/// When an object is looked at again, if nothing it depends on changes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Only when something changes.
    OnChange,
    /// After this time.
    After(Duration),
    /// Soon, then at growing intervals: the cause may go away without any event.
    BackOff,
}

impl Again {
    /// The sooner of two.
    #[must_use]
    pub fn sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::BackOff, _) | (_, Self::BackOff) => Self::BackOff,
            (Self::After(a), Self::After(b)) => Self::After(a.min(b)),
            (Self::After(a), Self::OnChange) | (Self::OnChange, Self::After(a)) => Self::After(a),
            (Self::OnChange, Self::OnChange) => Self::OnChange,
        }
    }
}
