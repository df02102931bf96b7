//! Runs `git http-backend` for one request.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use axum::body::{Body, BodyDataStream};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command};

/// No test pushes more; a client that runs wild does not fill the memory.
const LONGEST_BODY: usize = 1 << 30;

/// Runs the request to its end, whatever becomes of the client, and returns the whole answer.
pub(super) async fn run(
    root: &Path,
    home: &Path,
    user: Option<&str>,
    head: &Parts,
    body: Body,
) -> Result<Response<Body>> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let mut backend = Command::new("git");
    backend.arg("http-backend").env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    backend.stderr(Stdio::inherit());
    for (name, value) in [
        ("PATH", std::env::var("PATH").unwrap_or_default().as_str()),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_HTTP_EXPORT_ALL", "1"),
        ("REQUEST_METHOD", head.method.as_str()),
        ("PATH_INFO", head.uri.path()),
        ("QUERY_STRING", head.uri.query().unwrap_or_default()),
        ("REMOTE_ADDR", "127.0.0.1"),
    ] {
        backend.env(name, value);
    }
    backend.env("HOME", home).env("GIT_PROJECT_ROOT", root);
    for (name, value) in [
        ("CONTENT_TYPE", header("content-type")),
        ("CONTENT_LENGTH", header("content-length")),
        ("HTTP_CONTENT_ENCODING", header("content-encoding")),
        ("GIT_PROTOCOL", header("git-protocol")),
        ("REMOTE_USER", user),
    ] {
        if let Some(value) = value {
            backend.env(name, value);
        }
    }
    let mut child = backend.spawn().context("starting git http-backend; is git installed?")?;
    let stdin = child.stdin.take().context("standard input is piped")?;
    let (sent, output) =
        tokio::join!(send(body.into_data_stream(), stdin), child.wait_with_output());
    sent?;
    answer(&output?.stdout)
}

async fn send(mut body: BodyDataStream, mut stdin: ChildStdin) -> Result<()> {
    let mut length = 0;
    while let Some(chunk) = body.next().await {
        // A client that went away in the middle: the backend sees the end, and refuses half a pack.
        let Ok(chunk) = chunk else { break };
        length += chunk.len();
        if length > LONGEST_BODY {
            bail!("the request is longer than {LONGEST_BODY} bytes");
        }
        // The backend may end without reading everything: its answer says why.
        if stdin.write_all(&chunk).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn answer(output: &[u8]) -> Result<Response<Body>> {
    let mut answer = Response::new(Body::empty());
    let mut rest = output;
    loop {
        let end =
            rest.iter().position(|byte| *byte == b'\n').context("git http-backend broke off")?;
        let line = std::str::from_utf8(&rest[..end])?.trim_end();
        rest = &rest[end + 1..];
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            *answer.status_mut() = StatusCode::from_bytes(code.as_bytes())?;
        } else {
            let name = HeaderName::from_bytes(name.as_bytes())?;
            answer.headers_mut().insert(name, HeaderValue::from_str(value)?);
        }
    }
    *answer.body_mut() = Body::from(rest.to_vec());
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_body_of_a_cgi_answer_are_told_apart() {
        let answer = answer(b"Status: 404 Not Found\r\nExpires: x\r\n\r\nno\nsuch").unwrap();
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.headers()["expires"], "x");
        assert!(super::answer(b"Status: 200").is_err());
    }
}
