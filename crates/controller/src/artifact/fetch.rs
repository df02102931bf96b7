//! Getting the artifact that an object names as its input.

use std::path::PathBuf;

use futures::StreamExt;
use portolan_api::digest;
use portolan_api::native::reasons::{stalled, transient, waiting};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use url::Url;

use super::foreign;
use super::remake::remake_url;
use super::store::storage;
use crate::context::Context;
use crate::trouble::Trouble;

/// Most bytes of a foreign tarball.
const MAX_BYTES: usize = 256 << 20;

/// The file of the artifact at a url, for an object of `namespace`. Our own urls are read from the
/// local store, or made again from git; others are fetched and must have the given digest.
pub(crate) async fn fetch(
    cx: &Context,
    namespace: &str,
    url: &str,
    digest: Option<&str>,
) -> Result<PathBuf, Trouble> {
    if let Some(own) = cx.artifacts.own(url) {
        if own.namespace != namespace {
            return Err(not_allowed(cx, namespace, url));
        }
        if digest.is_some_and(|digest| digest != own.digest) {
            let message = format!("digest differs from the one in the url: {}", own.digest);
            return Err(Trouble::stalled(stalled::ARTIFACT_INVALID, message));
        }
        return match cx.artifacts.get(&own.path()) {
            Some(path) => Ok(path),
            None => remake_url(cx, &own).await,
        };
    }
    let Some(asked) = cx.artifacts.foreign(url, namespace) else {
        return Err(not_allowed(cx, namespace, url));
    };
    let Some(digest) = digest else {
        let message = "digest is missing: a url of another server does not carry one".to_owned();
        return Err(Trouble::stalled(stalled::ARTIFACT_INVALID, message));
    };
    match cx.artifacts.get(&origin(&asked, digest)) {
        Some(path) => Ok(path),
        None => download(cx, asked, digest).await,
    }
}

/// What a foreign artifact is kept under.
fn origin(url: &Url, digest: &str) -> String {
    format!("{url} {digest}")
}

fn not_allowed(cx: &Context, namespace: &str, url: &str) -> Trouble {
    let message = format!(
        "{} is not an artifact of namespace {namespace}: it must start with one of {} and be of the \
         object's own namespace, written without anything encoded",
        foreign::shown(url),
        cx.artifacts.prefixes()
    );
    Trouble::stalled(stalled::ARTIFACT_NOT_ALLOWED, message)
}

/// Downloads a tarball, without following redirects.
async fn download(cx: &Context, url: Url, expected: &str) -> Result<PathBuf, Trouble> {
    let unreachable = |error: &dyn std::fmt::Display| {
        let message = format!("{url} cannot be fetched: {error}");
        Trouble::transient(transient::ARTIFACT_UNREACHABLE, message)
    };
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(cx.settings.git_timeout)
        .build()
        .map_err(|error| unreachable(&error))?;
    let answer =
        client.get(url.clone()).send().await.map_err(|error| unreachable(&error.without_url()))?;
    match answer.status().as_u16() {
        200 => {}
        404 | 410 => {
            let message = format!("{url} is gone");
            return Err(Trouble::waiting(waiting::ARTIFACT_GONE, message).unseen());
        }
        status => return Err(unreachable(&format!("status {status}"))),
    }
    let scratch = cx.artifacts.scratch()?;
    let mut file = tokio::fs::File::create(&scratch).await.map_err(|error| storage(&error))?;
    let mut hasher = Sha256::new();
    let mut size = 0;
    let mut body = answer.bytes_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| unreachable(&error.without_url()))?;
        size += chunk.len();
        if size > MAX_BYTES {
            let message = format!("{url} has more than {MAX_BYTES} bytes");
            return Err(Trouble::stalled(stalled::TOO_LARGE, message));
        }
        hasher.update(&chunk);
        file.write_all(&chunk).await.map_err(|error| storage(&error))?;
    }
    file.flush().await.map_err(|error| storage(&error))?;
    let found = format!("sha256:{}", digest::to_hex(&hasher.finalize()));
    if found != expected {
        // The digest that was found tells of content that the object has not shown to know.
        let message = format!("{url} does not have digest {expected}");
        return Err(Trouble::stalled(stalled::ARTIFACT_INVALID, message));
    }
    cx.artifacts.keep(scratch, &origin(&url, expected))
}
