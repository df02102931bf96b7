//! One line of the audit log.

use anyhow::Result;
use jiff::Timestamp;
use serde::Deserialize;

/// A request that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Who proved to be who.
    pub user: String,
    /// For whom that user asked, if for another.
    pub impersonated_user: Option<String>,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; an apply is a `patch`.
    pub verb: String,
    /// API group, empty for the core group.
    pub group: String,
    /// The plural resource; empty for a path that is no resource.
    pub resource: String,
    /// `status` and the like, else empty.
    pub subresource: String,
    /// Namespace, or empty.
    pub namespace: String,
    /// Name, or empty.
    pub name: String,
    /// The path with its query.
    pub path: String,
    /// The HTTP status of the answer.
    pub code: u16,
    /// When the answer was complete.
    pub at: Timestamp,
    /// How the client called itself.
    pub user_agent: String,
}

impl AuditEntry {
    pub(super) fn parse(line: &str) -> Result<Self> {
        let event: Event = serde_json::from_str(line)?;
        let object = event.object_ref.unwrap_or_default();
        Ok(Self {
            user: event.user.username,
            impersonated_user: event.impersonated_user.map(|user| user.username),
            verb: event.verb,
            group: object.api_group,
            resource: object.resource,
            subresource: object.subresource,
            namespace: object.namespace,
            name: object.name,
            path: event.request_uri,
            code: event.response_status.unwrap_or_default().code,
            at: event.stage_timestamp,
            user_agent: event.user_agent,
        })
    }

    /// The user whose rights counted.
    pub fn actor(&self) -> &str {
        self.impersonated_user.as_deref().unwrap_or(&self.user)
    }

    /// Whether it would store something: questions such as SubjectAccessReviews, and tokens, are no writes.
    pub fn is_write(&self) -> bool {
        let writes = ["create", "update", "patch", "delete", "deletecollection"];
        let question = self.resource.ends_with("reviews") || self.subresource == "token";
        writes.contains(&self.verb.as_str()) && !self.resource.is_empty() && !question
    }

    /// Whether it is about a lease.
    pub fn is_lease(&self) -> bool {
        self.group == "coordination.k8s.io" && self.resource == "leases"
    }

    /// Whether it is about an event, of either group.
    pub fn is_event(&self) -> bool {
        self.resource == "events" && matches!(self.group.as_str(), "" | "events.k8s.io")
    }

    /// Whether it is a watch, logged when it ended.
    pub fn is_watch(&self) -> bool {
        self.verb == "watch"
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: User,
    impersonated_user: Option<User>,
    #[serde(default)]
    user_agent: String,
    object_ref: Option<ObjectRef>,
    response_status: Option<ResponseStatus>,
    stage_timestamp: Timestamp,
}

#[derive(Deserialize, Default)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}
