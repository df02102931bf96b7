//! One conversation with one registry about one repository, with one credential.

use std::sync::Mutex;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use secrecy::ExposeSecret as _;

use super::Registry;
use super::address::is_refused;
use crate::credential::{Credential, repeats};
use crate::error::Error;
use crate::reference::Repository;

/// Redirects that are followed.
const HOPS: usize = 5;
/// What blobs are sent as.
const OCTETS: &str = "application/octet-stream";

/// One conversation.
pub(super) struct Session<'r> {
    pub(super) registry: &'r Registry,
    pub(super) repository: &'r Repository,
    pub(super) credential: &'r Credential,
    /// Root of the registry: what has another origin never sees a credential.
    pub(super) home: Url,
    /// What a token must be good for.
    pub(super) scopes: Vec<String>,
    authorization: Mutex<Option<HeaderValue>>,
}

/// A request that can be sent again.
pub(super) struct Request {
    method: Method,
    url: Url,
    accept: Option<HeaderValue>,
    body: Option<(String, Bytes)>,
    /// No bound but the overall one: blobs take what they take.
    slow: bool,
}

impl Request {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, accept: None, body: None, slow: false }
    }

    pub(super) fn accept(self, types: &'static str) -> Self {
        Self { accept: Some(HeaderValue::from_static(types)), ..self }
    }

    pub(super) fn body(self, media_type: &str, body: Bytes) -> Self {
        Self { body: Some((media_type.to_owned(), body)), ..self }
    }

    pub(super) fn slow(self) -> Self {
        Self { slow: true, ..self }
    }
}

impl<'r> Session<'r> {
    pub(super) fn new(
        registry: &'r Registry,
        repository: &'r Repository,
        credential: &'r Credential,
        scopes: Vec<String>,
    ) -> Result<Self, Error> {
        let authority = repository.api_host();
        let home = |scheme: &str| Url::parse(&format!("{scheme}://{authority}/"));
        let invalid = |_| Error::InvalidReference {
            text: repository.to_string(),
            problem: "the registry is no host".into(),
        };
        let mut url = home("https").map_err(invalid)?;
        if registry.is_plain(url.host_str().unwrap_or_default(), authority) {
            url = home("http").map_err(invalid)?;
        }
        let session = Self {
            registry,
            repository,
            credential,
            home: url,
            scopes,
            authorization: Mutex::default(),
        };
        if let (Credential::Bearer(_), Some(shown)) = (credential, credential.authorization()) {
            let header = HeaderValue::from_str(shown.expose_secret()).map_err(|_| {
                Error::InvalidCredential {
                    problem: "the token has characters that no token has".into(),
                }
            })?;
            session.authorize_with(header);
        }
        Ok(session)
    }

    /// Url below the repository.
    pub(super) fn url(&self, rest: &str) -> Url {
        let mut url = self.home.clone();
        url.set_path(&format!("/v2/{}/{rest}", self.repository.path()));
        url
    }

    /// Sends a request and follows it: through a challenge with the credential, through redirects without it.
    pub(super) async fn send(&self, request: &Request, doing: &str) -> Result<Response, Error> {
        let mut url = request.url.clone();
        let (mut challenged, mut hops) = (false, 0);
        loop {
            self.permit(&url, doing)?;
            let at_home = url.origin() == self.home.origin();
            let mut builder = self.registry.http.request(request.method.clone(), url.clone());
            if let Some(types) = &request.accept {
                builder = builder.header(ACCEPT, types);
            }
            match &request.body {
                Some((media_type, body)) => {
                    builder = builder.header(CONTENT_TYPE, media_type).body(body.clone());
                }
                None if matches!(request.method, Method::POST | Method::PUT) => {
                    builder = builder.header(CONTENT_LENGTH, 0);
                }
                None => {}
            }
            if !request.slow {
                builder = builder.timeout(self.registry.options.answer_timeout);
            }
            if let Some(header) = self.authorization().filter(|_| at_home) {
                builder = builder.header(AUTHORIZATION, header);
            }
            let response = builder.send().await.map_err(|error| self.broken(error, doing))?;
            let status = response.status();
            if status == StatusCode::UNAUTHORIZED && at_home && !challenged {
                challenged = true;
                if self.answer_challenge(response.headers(), doing).await? {
                    continue;
                }
            } else if is_followed(&request.method, status) {
                hops += 1;
                if hops > HOPS {
                    return Err(misbehaved(doing, "it redirects without end"));
                }
                url = location(&response, doing)?;
                continue;
            }
            return Ok(response);
        }
    }

    /// Sends a body that comes as a stream: once, to where an upload was begun before.
    pub(super) async fn send_stream(
        &self,
        url: Url,
        size: u64,
        body: reqwest::Body,
        doing: &str,
    ) -> Result<Response, Error> {
        self.permit(&url, doing)?;
        let at_home = url.origin() == self.home.origin();
        let mut builder = self.registry.http.put(url).body(body);
        builder = builder.header(CONTENT_TYPE, OCTETS).header(CONTENT_LENGTH, size);
        if let Some(header) = self.authorization().filter(|_| at_home) {
            builder = builder.header(AUTHORIZATION, header);
        }
        builder.send().await.map_err(|error| self.broken(error, doing))
    }

    /// Refuses what is neither https nor listed, and addresses that are never used. Names are checked when they resolve.
    pub(super) fn permit(&self, url: &Url, doing: &str) -> Result<(), Error> {
        let host = url.host_str().unwrap_or_default();
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let refuse = |problem: &str| {
            Err(Error::HostRefused {
                doing: doing.into(),
                host: self.public(authority.clone()),
                problem: problem.into(),
            })
        };
        match url.scheme() {
            "https" => {}
            "http" if self.registry.is_plain(host, &authority) => {}
            "http" => return refuse("it is not listed for http"),
            _ => return refuse("it is spoken to neither over https nor over http"),
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        match literal {
            Ok(address) if is_refused(address, &self.registry.options.refused_addresses) => {
                refuse("its address is never used")
            }
            _ => Ok(()),
        }
    }

    /// From here on requests to the registry carry `header`.
    pub(super) fn authorize_with(&self, mut header: HeaderValue) {
        header.set_sensitive(true);
        *self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Some(header);
    }

    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Whether `text` repeats the credential or the token that was got for it.
    pub(super) fn repeats_secret(&self, text: &str) -> bool {
        let header = self.authorization();
        let token = header.as_ref().and_then(|header| header.to_str().ok()?.split_once(' '));
        self.credential.is_repeated_in(text) || token.is_some_and(|(_, token)| repeats(text, token))
    }
}

/// Where an answer leads, beside the request's url.
pub(super) fn location(response: &Response, doing: &str) -> Result<Url, Error> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let url = location.and_then(|location| response.url().join(location).ok());
    url.ok_or_else(|| misbehaved(doing, "it names no place to go on"))
}

/// Reads are followed anywhere; what is sent is sent again only where the server says just that.
fn is_followed(method: &Method, status: StatusCode) -> bool {
    match status.as_u16() {
        307 | 308 => true,
        301..=303 => matches!(*method, Method::GET | Method::HEAD),
        _ => false,
    }
}

pub(super) fn misbehaved(doing: &str, problem: &str) -> Error {
    Error::Misbehaved { doing: doing.into(), problem: problem.into() }
}
