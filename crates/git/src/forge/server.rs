//! One server: how it is asked, and what its answers mean.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Method, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::answer::Refusal;
use super::topic::topic;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::http::{self, Unreached};
use crate::observe::{ForgeCall, Nobody, Observer};
use crate::text::{Redactor, WORDS, shown};

/// How long a question and its answer may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// Largest answer that is read.
const LARGEST: usize = 8 << 20;

/// A server and what it is shown.
pub(super) struct Server {
    host: String,
    client: reqwest::Client,
    authorization: Option<HeaderValue>,
    refused: Vec<IpAddr>,
    redactor: Redactor,
    observer: Arc<dyn Observer>,
}

/// A question.
pub(super) struct Call {
    method: Method,
    url: Url,
    body: Option<Value>,
}

/// What the server answers, where it is neither out of order nor leads elsewhere.
pub(super) struct Answer {
    pub(super) status: u16,
    /// How many items all pages together have.
    pub(super) total: Option<usize>,
    body: Vec<u8>,
}

impl Server {
    pub(super) fn new(
        host: String,
        credentials: &Credentials,
        refused: &[IpAddr],
    ) -> Result<Self, Error> {
        let client = http::client(credentials.ca_pem.as_deref(), refused)?
            .user_agent(concat!("portolan/", env!("CARGO_PKG_VERSION")))
            .timeout(DEADLINE)
            .build()
            .map_err(|error| Error::Unreachable {
                host: host.clone(),
                problem: shown(&format!("there is no way out ({error})"), WORDS),
            })?;
        Ok(Self {
            host,
            client,
            authorization: http::authorization(&credentials.login)?,
            refused: refused.iter().map(IpAddr::to_canonical).collect(),
            redactor: credentials.redactor(),
            observer: Arc::new(Nobody),
        })
    }

    /// The same server; each request to it is told of.
    pub(super) fn observed(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    /// The server as the url names it.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Asks. An answer that is a refusal of what was asked for comes back as an answer.
    pub(super) async fn ask(&self, call: Call) -> Result<Answer, Error> {
        if let Some(address) = http::refused_literal(&call.url, &self.refused) {
            return Err(self.unreached(Unreached::Refused(address)));
        }
        let (method, resource) = (call.method.clone(), topic(call.url.path()));
        let mut request = self.client.request(call.method, call.url);
        request = request.header(ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let began = Instant::now();
        let response = request.send().await;
        self.observer.forge(&ForgeCall {
            method: method.as_str(),
            resource,
            code: response.as_ref().ok().map(|response| response.status().as_u16()),
            took: began.elapsed(),
        });
        self.receive(response.map_err(|error| self.failed(&error))?).await
    }

    async fn receive(&self, response: Response) -> Result<Answer, Error> {
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let to = self.location(to.unwrap_or("nowhere"));
            return Err(Error::Redirected { host: self.host.clone(), to });
        }
        let retry_after = http::retry_after(&response);
        let total = response.headers().get("x-total-count");
        let total = total.and_then(|total| total.to_str().ok()?.trim().parse().ok());
        let body = self.body(response).await?;
        let answer = Answer { status: status.as_u16(), total, body };
        let says = || {
            let words = answer.words(self);
            let colon = if words.is_empty() { "" } else { ": " };
            format!("{}{colon}{words}", answer.status)
        };
        match answer.status {
            401 => Err(Error::AuthFailed {
                host: self.host.clone(),
                message: format!(" ({})", says()),
            }),
            // A limit that is told to pass.
            403 if retry_after.is_some() => Err(self.broken(&says(), retry_after)),
            408 | 425 | 429 | 500.. => Err(self.broken(&says(), retry_after)),
            _ => Ok(answer),
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + chunk.len() > LARGEST {
                let what = format!("an answer of {}", self.host);
                return Err(Error::TooLarge { what, limit: "8 MiB".into() });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// What it means that a server does not do what it was asked for.
    pub(super) fn refused(&self, answer: &Answer, action: &str) -> Error {
        let hint = match answer.status {
            403 => "check the rights of the account, and the scopes of its token",
            404 => "check that it is still there, and the rights of the account",
            405 => "see on the forge what it lacks, and the rules of the branches",
            423 => "the repository is archived",
            _ => "see on the forge what is in the way",
        };
        let words = answer.words(self);
        let words = if words.is_empty() { "it gives no reason".into() } else { words };
        Error::ForgeRefused {
            host: self.host.clone(),
            action: action.to_owned(),
            message: format!("{words} ({}): {hint}", answer.status),
        }
    }

    /// What it means that an answer is none.
    pub(super) fn odd(&self, problem: &str) -> Error {
        let problem = format!("it answers what no forge answers: {}", self.clean(problem));
        Error::ServerError { host: self.host.clone(), problem, retry_after: None }
    }

    /// Text of the server, fit for a message.
    pub(super) fn clean(&self, text: &str) -> String {
        shown(&self.redactor.clean(text), WORDS)
    }

    fn broken(&self, says: &str, retry_after: Option<Duration>) -> Error {
        let problem = format!("it answers {says}");
        Error::ServerError { host: self.host.clone(), problem, retry_after }
    }

    fn failed(&self, error: &reqwest::Error) -> Error {
        if error.is_timeout() && !error.is_connect() {
            return Error::TimedOut { host: self.host.clone(), seconds: DEADLINE.as_secs() };
        }
        self.unreached(http::unreached(error))
    }

    fn unreached(&self, why: Unreached) -> Error {
        let host = self.host.clone();
        match why {
            Unreached::Unreachable(problem) => {
                Error::Unreachable { host, problem: self.clean(&problem) }
            }
            Unreached::Refused(address) => {
                Error::AddressRefused { host, address: address.to_string() }
            }
            Unreached::Untrusted(problem) => {
                Error::Untrusted { host, problem: self.clean(&problem) }
            }
        }
    }

    /// A url of somebody else's: only where it leads, not what it carries.
    fn location(&self, to: &str) -> String {
        let Ok(mut url) = Url::parse(to) else { return self.clean(to) };
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        self.clean(url.as_str())
    }
}

impl Call {
    /// A question without a body.
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, body: None }
    }

    /// With this body.
    pub(super) fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Answer {
    /// Whether the server did what it was asked for.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Reads what was answered.
    pub(super) fn read<T: DeserializeOwned>(&self, server: &Server) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| server.odd(&error.to_string()))
    }

    /// What the server says of why it refuses; may be empty.
    pub(super) fn words(&self, server: &Server) -> String {
        let refusal: Refusal = serde_json::from_slice(&self.body).unwrap_or_default();
        server.clean(&refusal.message)
    }
}
