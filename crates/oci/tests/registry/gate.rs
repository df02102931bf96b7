//! A proxy before a registry that sees every request and may answer it itself.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;

use crate::support::PASSWORD;

/// What the gate saw of a request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) uri: Uri,
    pub(crate) authorization: Option<String>,
}

impl Seen {
    pub(crate) fn is_write(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// What becomes of a request.
pub(crate) enum Verdict {
    /// The registry answers it.
    Pass,
    /// The registry answers it without its query.
    PassBare,
    /// The gate answers it.
    Answer(Response),
}

type Rule = Box<dyn Fn(&Seen) -> Verdict + Send + Sync>;

struct Inner {
    upstream: String,
    rule: Rule,
    log: Mutex<Vec<Seen>>,
    http: reqwest::Client,
}

/// A running proxy; it ends with the test's runtime.
pub(crate) struct Gate {
    pub(crate) host: String,
    inner: Arc<Inner>,
}

impl Gate {
    /// A proxy before `upstream`, a host; the rule answers or passes.
    pub(crate) async fn before(
        upstream: &str,
        rule: impl Fn(&Seen) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let http = reqwest::Client::builder().no_proxy();
        let inner = Arc::new(Inner {
            upstream: upstream.to_owned(),
            rule: Box::new(rule),
            log: Mutex::default(),
            http: http.redirect(reqwest::redirect::Policy::none()).build().unwrap(),
        });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { host, inner }
    }

    /// A server of its own: the rule answers everything.
    pub(crate) async fn alone(rule: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        Self::before("127.0.0.1:1", move |seen| Verdict::Answer(rule(seen))).await
    }

    /// What it saw, in order; forgotten by this.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.inner.log.lock().unwrap())
    }
}

async fn handle(State(gate): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let seen = Seen {
        method: parts.method.to_string(),
        uri: parts.uri.clone(),
        authorization: authorization(&parts.headers),
    };
    gate.log.lock().unwrap().push(seen.clone());
    let query = match (gate.rule)(&seen) {
        Verdict::Answer(response) => return response,
        Verdict::Pass => parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default(),
        Verdict::PassBare => String::new(),
    };
    let url = format!("http://{}{}{query}", gate.upstream, parts.uri.path());
    let mut headers = parts.headers;
    headers.remove(header::HOST);
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let request = gate.http.request(parts.method, url).headers(headers).body(body);
    let answer = request.send().await.unwrap();
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    (status, headers, Body::from(answer.bytes().await.unwrap())).into_response()
}

fn authorization(headers: &HeaderMap) -> Option<String> {
    headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned())
}

/// The header of user `me` with the tests' password.
pub(crate) fn basic() -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("me:{PASSWORD}"));
    format!("Basic {pair}")
}

/// 401 with a challenge.
pub(crate) fn challenge(challenge: &str) -> Response {
    let headers = [(header::WWW_AUTHENTICATE, challenge)];
    (StatusCode::UNAUTHORIZED, headers, refusal("UNAUTHORIZED", "log in")).into_response()
}

/// The body of a refusal by the distribution rules.
pub(crate) fn refusal(code: &str, message: &str) -> String {
    serde_json::json!({"errors": [{"code": code, "message": message}]}).to_string()
}
