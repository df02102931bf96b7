//! Answers of servers: read up to a limit, and turned into errors that repeat no secret.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::address::RefusedAddress;
use super::session::Session;
use crate::credential::Credential;
use crate::error::Error;
use crate::text::shown;

/// How much of a refusal is read.
const REFUSAL_BYTES: usize = 16 << 10;
/// How many of its errors are passed on.
const REFUSAL_ERRORS: usize = 3;
/// The longest pause that a server may ask of us.
const LONGEST_PAUSE: u64 = 3600;
/// What goes away when the whole is tried again.
const PASSING: [&str; 6] = [
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "SIZE_INVALID",
    "TOOMANYREQUESTS",
];

/// A refusal in the form of the distribution rules.
#[derive(Default, Deserialize)]
struct Refusal {
    errors: Vec<RefusalError>,
}

#[derive(Deserialize)]
struct RefusalError {
    code: String,
    #[serde(default)]
    message: String,
}

impl Session<'_> {
    /// The body of an answer, up to `limit` bytes.
    pub(super) async fn body(
        &self,
        mut response: Response,
        limit: usize,
        doing: &str,
    ) -> Result<Bytes, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error, doing))? {
            if body.len() + chunk.len() > limit {
                let problem = format!("the answer is longer than {limit} bytes");
                return Err(Error::Misbehaved { doing: doing.into(), problem });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    /// The error that a status stands for.
    pub(super) async fn refusal(&self, mut response: Response, doing: &str) -> Error {
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while let (true, Ok(Some(chunk))) = (body.len() < REFUSAL_BYTES, response.chunk().await) {
            body.extend_from_slice(&chunk);
        }
        let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
        let message = self.message(&refusal);
        let doing = doing.to_owned();
        let passing = refusal.errors.iter().any(|error| PASSING.contains(&error.code.as_str()));
        match status.as_u16() {
            401 | 403 if !passing => {
                Error::AuthFailed { doing, message: self.or_why(message, status) }
            }
            408 | 425 | 429 | 500.. => {
                Error::Unavailable { doing, status: status.as_u16(), message, retry_after }
            }
            400.. if passing => {
                Error::Unavailable { doing, status: status.as_u16(), message, retry_after }
            }
            400.. => Error::PushRefused { doing, status: status.as_u16(), message },
            _ => Error::Misbehaved { doing, problem: format!("the registry answers {status}") },
        }
    }

    /// What a refusal says, ready to append.
    fn message(&self, refusal: &Refusal) -> String {
        let texts = refusal.errors.iter().take(REFUSAL_ERRORS).map(|error| {
            let gap = if error.message.is_empty() { "" } else { " " };
            shown(&format!("{}{gap}{}", error.code, error.message))
        });
        let text = texts.collect::<Vec<_>>().join("; ");
        if text.is_empty() {
            return text;
        }
        format!(": {}", self.public(text))
    }

    /// Foreign text for a message, unless it repeats a secret.
    pub(super) fn public(&self, text: String) -> String {
        if self.repeats_secret(&text) {
            "(withheld: it repeats the credential)".into()
        } else {
            text
        }
    }

    /// What is to be known of a refusal that says nothing, as those of a HEAD request.
    fn or_why(&self, message: String, status: StatusCode) -> String {
        match (message.as_str(), self.credential) {
            ("", Credential::Anonymous) => ": a credential is wanted, none is given".into(),
            ("", _) if status == StatusCode::UNAUTHORIZED => ": the credential is refused".into(),
            ("", _) => ": the credential gives no right to it".into(),
            _ => message,
        }
    }

    /// The error of a request that got no answer.
    pub(super) fn broken(&self, error: reqwest::Error, doing: &str) -> Error {
        let url = error.url().unwrap_or(&self.home);
        let host = self.public(url.host_str().unwrap_or_default().to_owned());
        let doing = doing.to_owned();
        let source = error.without_url();
        let mut cause = source.source();
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref::<RefusedAddress>() {
                return Error::HostRefused { doing, host, problem: refused.to_string() };
            }
            if error.to_string().contains("invalid peer certificate") {
                return Error::Untrusted { doing, host, source };
            }
            cause = error.source();
        }
        Error::Unreachable { doing, host, source }
    }
}

/// The pause a server asks for, in seconds; a date is not read, since that needs a clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_PAUSE)))
}

/// An answer that is an error of another kind than its status says.
pub(super) fn is_missing(response: &Response) -> bool {
    response.status() == StatusCode::NOT_FOUND
}
