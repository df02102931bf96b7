//! One request through the gate.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode};
use futures::{StreamExt as _, stream};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION,
};
use url::Url;

use super::{Route, Stopped};
use crate::http;

/// Headers of libgit2 that the server gets to see.
const SENT: [HeaderName; 3] = [ACCEPT, CONTENT_TYPE, CONTENT_ENCODING];
/// Bodies up to this many bytes are sent at once, with their length.
const AT_ONCE: usize = 1 << 20;
/// Most bytes of an error's text that are read.
const WORDS: usize = 1024;

/// Sends a request of libgit2 to the server, and the answer back.
pub(super) async fn pass(State(route): State<Arc<Route>>, request: Request) -> Response<Body> {
    let Some(url) = target(&route, request.uri()) else { return answer(StatusCode::NOT_FOUND) };
    if let Some(address) = http::refused_literal(&url, &route.refused) {
        route.stop(Stopped::Refused(address));
        return answer(StatusCode::BAD_GATEWAY);
    }
    match send(&route, url, request).await {
        Ok(response) => receive(route, response).await,
        Err(error) => {
            route.stop(http::unreached(&error).into());
            answer(StatusCode::BAD_GATEWAY)
        }
    }
}

/// The url behind the gate. Nothing but the repository is there.
fn target(route: &Route, uri: &axum::http::Uri) -> Option<Url> {
    let path = uri.path().strip_prefix(&route.secret)?;
    let rest = path.strip_prefix(route.url.path())?;
    let is_known = ["/info/refs", "/git-upload-pack", "/git-receive-pack"].contains(&rest);
    let mut url = route.url.clone();
    url.set_path(path);
    url.set_query(uri.query());
    is_known.then_some(url)
}

async fn send(
    route: &Route,
    url: Url,
    request: Request,
) -> Result<reqwest::Response, reqwest::Error> {
    let (head, body) = request.into_parts();
    let mut sent = route.client.request(head.method.clone(), url);
    for name in SENT {
        if let Some(value) = head.headers.get(&name) {
            sent = sent.header(name, value);
        }
    }
    if let Some(authorization) = &route.authorization {
        sent = sent.header(AUTHORIZATION, authorization);
    }
    if head.method == Method::POST {
        sent = sent.body(collected(body).await);
    }
    sent.send().await
}

/// The body of a request, at once where it is short: a server that answers before it has read all
/// takes the answer from who still talks.
async fn collected(body: Body) -> reqwest::Body {
    let mut stream = body.into_data_stream();
    let mut begin = Vec::new();
    while begin.len() <= AT_ONCE {
        match stream.next().await {
            None => return begin.into(),
            Some(Ok(chunk)) => begin.extend_from_slice(&chunk),
            Some(Err(error)) => {
                return reqwest::Body::wrap_stream(stream::once(async { Err::<Bytes, _>(error) }));
            }
        }
    }
    reqwest::Body::wrap_stream(stream::once(async { Ok(Bytes::from(begin)) }).chain(stream))
}

async fn receive(route: Arc<Route>, response: reqwest::Response) -> Response<Body> {
    let status = response.status();
    if status.is_redirection() {
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        route.stop(Stopped::Redirected(to.unwrap_or("nowhere").to_owned()));
        return answer(StatusCode::BAD_GATEWAY);
    }
    if status != StatusCode::OK {
        route.report().retry_after = http::retry_after(&response);
        let words = words(response).await;
        route.stop(Stopped::Status(status.as_u16(), words));
        return answer(status);
    }
    let content_type = response.headers().get(CONTENT_TYPE).cloned();
    let body = response.bytes_stream().map(move |chunk| counted(&route, chunk));
    let mut passed = Response::new(Body::from_stream(body));
    if let Some(content_type) = content_type {
        passed.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    passed
}

fn counted(route: &Route, chunk: Result<Bytes, reqwest::Error>) -> io::Result<Bytes> {
    let chunk = chunk.map_err(|_| {
        route.stop(Stopped::Unreachable("the connection broke".into()));
        io::ErrorKind::ConnectionReset
    })?;
    if route.spend(chunk.len()) { Ok(chunk) } else { Err(io::ErrorKind::FileTooLarge.into()) }
}

/// The beginning of an error's text, if it is text.
async fn words(mut response: reqwest::Response) -> String {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/plain")) {
        return String::new();
    }
    let mut bytes = Vec::new();
    while let (true, Ok(Some(chunk))) = (bytes.len() < WORDS, response.chunk().await) {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(WORDS);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn answer(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}
