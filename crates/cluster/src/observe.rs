//! What is told of requests to the API server: to whoever counts them, and of whether it answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{Method, Request, Uri};
use kube::Client;
use kube::client::Body;
use tower::service_fn;

use crate::target::{Target, target};

/// The header by which a request names the account it acts as.
pub(crate) const IMPERSONATE: &str = "impersonate-user";

/// Content type of a server-side apply.
const APPLY: &str = "application/apply-patch+yaml";

/// A request to the API server and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// As RBAC names it (`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
    /// `deletecollection`), or `apply`; `dry_run` for a write that asks only what would happen.
    pub verb: &'static str,
    /// API group; empty for the core group.
    pub group: &'a str,
    /// Plural of the kind; `discovery` and `other` for what is no resource.
    pub resource: &'a str,
    /// Such as `status`; empty for the object itself.
    pub subresource: &'a str,
    /// Whether it was sent as a tenant's account.
    pub impersonated: bool,
    /// HTTP status; none where no answer came, or nobody waited for it any more.
    pub code: Option<u16>,
    /// Time until the head of the answer came; a watch goes on after that.
    pub took: Duration,
}

impl Asked<'_> {
    /// Whether something may have been written by it.
    pub fn has_written(&self) -> bool {
        let writes = !matches!(self.verb, "get" | "list" | "watch" | "dry_run");
        writes && self.code.is_some_and(|code| (200..300).contains(&code))
    }
}

/// Hears of each request to the API server. It is called in the task that asked.
pub trait Observer: Send + Sync + 'static {
    /// A request came to its end.
    fn asked(&self, asked: &Asked<'_>);
}

/// Whether the API server answers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Contact(Arc<Mutex<Option<Instant>>>);

impl Contact {
    /// Since when no request has been answered although some were sent; none while it answers.
    /// An answer that there is no service now, or that we are nobody, is none.
    pub fn lost_since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hears(&self, code: Option<u16>) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match code {
            None | Some(401 | 500..) => {
                lost.get_or_insert_with(Instant::now);
            }
            Some(_) => *lost = None,
        }
    }
}

/// A client whose requests are told of.
pub(crate) fn observed(client: Client, observer: Arc<dyn Observer>, contact: Contact) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = service_fn(move |request: Request<Body>| {
        let (client, contact) = (client.clone(), contact.clone());
        let mut question = Question::new(&request, Arc::clone(&observer), contact);
        async move {
            let answer = client.send(request).await;
            question.answered(answer.as_ref().ok().map(|answer| answer.status().as_u16()));
            answer
        }
    });
    Client::new(service, namespace)
}

/// A request under way. It is told of when it is dropped: also where nobody waits for it any more.
struct Question {
    method: Method,
    uri: Uri,
    applies: bool,
    impersonated: bool,
    began: Instant,
    code: Option<u16>,
    observer: Arc<dyn Observer>,
    contact: Contact,
}

impl Question {
    fn new(request: &Request<Body>, observer: Arc<dyn Observer>, contact: Contact) -> Self {
        let headers = request.headers();
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            applies: headers.get(CONTENT_TYPE).is_some_and(|type_| type_ == APPLY),
            impersonated: headers.contains_key(IMPERSONATE),
            began: Instant::now(),
            code: None,
            observer,
            contact,
        }
    }

    fn answered(&mut self, code: Option<u16>) {
        self.code = code;
    }

    fn verb(&self, target: &Target<'_>) -> &'static str {
        let query = self.uri.query().unwrap_or_default();
        let says = |parameter: &str| query.split('&').any(|part| part == parameter);
        match self.method {
            Method::GET | Method::HEAD if says("watch=true") || says("watch=1") => "watch",
            Method::GET | Method::HEAD if target.is_one => "get",
            Method::GET | Method::HEAD => "list",
            _ if says("dryRun=All") => "dry_run",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH if self.applies => "apply",
            Method::PATCH => "patch",
            Method::DELETE if target.is_one => "delete",
            Method::DELETE => "deletecollection",
            _ => "other",
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.contact.hears(self.code);
        let target = target(self.uri.path());
        self.observer.asked(&Asked {
            verb: self.verb(&target),
            group: target.group,
            resource: target.resource,
            subresource: target.subresource,
            impersonated: self.impersonated,
            code: self.code,
            took: self.began.elapsed(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_is_lost_at_the_first_failure_and_back_with_the_first_answer() {
        let contact = Contact::default();
        assert_eq!(contact.lost_since(), None);
        contact.hears(Some(503));
        let lost = contact.lost_since();
        assert!(lost.is_some());
        for code in [None, Some(401), Some(500)] {
            contact.hears(code);
            assert_eq!(contact.lost_since(), lost, "{code:?}");
        }
        for code in [200, 403, 404, 409, 429] {
            contact.hears(None);
            contact.hears(Some(code));
            assert_eq!(contact.lost_since(), None, "{code}");
        }
    }
}
