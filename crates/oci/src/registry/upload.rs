//! Bringing one blob into a repository, by the cheapest way there is.

use futures::TryStreamExt as _;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Method, StatusCode, Url};

use super::answer::is_missing;
use super::session::{Request, Session, location, misbehaved};
use crate::digest::Digest;
use crate::error::Error;
use crate::image::{Blob, Descriptor, Origin};

/// A blob of an image.
#[derive(Clone, Copy)]
pub(super) enum Part<'i> {
    /// We have its bytes.
    Own(&'i Blob),
    /// The base's repository has its bytes.
    Base(&'i Descriptor),
}

impl<'i> Part<'i> {
    pub(super) fn digest(self) -> &'i Digest {
        match self {
            Self::Own(blob) => &blob.digest,
            Self::Base(descriptor) => &descriptor.digest,
        }
    }
}

/// How a blob came into the repository.
#[derive(Clone, Copy)]
pub(super) enum Placed {
    Reused,
    Sent,
    Mounted,
    Copied,
}

/// What the begin of an upload led to.
enum Begun {
    Mounted,
    Upload(Url),
}

impl Session<'_> {
    /// Brings one blob into the repository.
    pub(super) async fn place(
        &self,
        part: Part<'_>,
        origin: Option<&Origin>,
    ) -> Result<Placed, Error> {
        let doing = &format!("pushing {} to {}", part.digest(), self.repository);
        let head = Request::new(Method::HEAD, self.url(&format!("blobs/{}", part.digest())));
        let response = self.send(&head, doing).await?;
        if response.status() == StatusCode::OK {
            return Ok(Placed::Reused);
        }
        if !is_missing(&response) {
            return Err(self.refusal(response, doing).await);
        }
        match (part, origin) {
            (Part::Own(blob), _) => self.upload(blob, doing).await,
            (Part::Base(layer), Some(origin)) => self.take_over(layer, origin, doing).await,
            (Part::Base(_), None) => Err(misbehaved(doing, "nobody knows where it is")),
        }
    }

    async fn upload(&self, blob: &Blob, doing: &str) -> Result<Placed, Error> {
        let Begun::Upload(url) = self.begin(&[], doing).await? else {
            return Err(misbehaved(doing, "the registry mounts what was not asked for"));
        };
        let put = Request::new(Method::PUT, with_digest(url, &blob.digest));
        let put = put.body("application/octet-stream", blob.data.clone()).slow();
        let response = self.send(&put, doing).await?;
        if !response.status().is_success() {
            return Err(self.refusal(response, doing).await);
        }
        Ok(Placed::Sent)
    }

    /// Mounts a layer from the base's repository, or copies it through us without holding it.
    async fn take_over(
        &self,
        layer: &Descriptor,
        origin: &Origin,
        doing: &str,
    ) -> Result<Placed, Error> {
        let near = origin.repository.host() == self.repository.host();
        let mount = [("mount", layer.digest.as_str()), ("from", origin.repository.path())];
        let url = match self.begin(if near { &mount } else { &[] }, doing).await? {
            Begun::Mounted => return Ok(Placed::Mounted),
            Begun::Upload(url) => with_digest(url, &layer.digest),
        };
        let scopes = vec![format!("repository:{}:pull", origin.repository.path())];
        let source = Session::new(self.registry, &origin.repository, &origin.credential, scopes)?;
        let fetching = &format!("fetching {} from {}", layer.digest, origin.repository);
        let get = Request::new(Method::GET, source.url(&format!("blobs/{}", layer.digest))).slow();
        let response = source.send(&get, fetching).await?;
        if response.status() != StatusCode::OK {
            return Err(match source.refusal(response, fetching).await {
                Error::PushRefused { status, .. } => {
                    misbehaved(fetching, &format!("the registry answers {status}"))
                }
                other => other,
            });
        }
        let length = response
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: u64| length != layer.size) {
            return Err(misbehaved(fetching, "it is not as long as its manifest says"));
        }
        let body = response.bytes_stream().map_err(reqwest::Error::without_url);
        let response = self.send_stream(url, layer.size, Body::wrap_stream(body), doing).await?;
        match response.status() {
            status if status.is_success() => Ok(Placed::Copied),
            // It was good enough to begin the upload a moment ago: it ran out, and the next try gets another.
            StatusCode::UNAUTHORIZED => Err(misbehaved(doing, "the token ran out on the way")),
            _ => Err(self.refusal(response, doing).await),
        }
    }

    async fn begin(&self, query: &[(&str, &str)], doing: &str) -> Result<Begun, Error> {
        let mut url = self.url("blobs/uploads/");
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let response = self.send(&Request::new(Method::POST, url), doing).await?;
        match response.status() {
            StatusCode::CREATED if !query.is_empty() => Ok(Begun::Mounted),
            StatusCode::ACCEPTED => Ok(Begun::Upload(location(&response, doing)?)),
            _ => Err(self.refusal(response, doing).await),
        }
    }
}

fn with_digest(mut url: Url, digest: &Digest) -> Url {
    url.query_pairs_mut().append_pair("digest", digest.as_str());
    url
}
