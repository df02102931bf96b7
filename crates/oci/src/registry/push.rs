//! Pushing: what the registry has stays, what it lacks is mounted, copied or sent, the tag comes last.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::{Method, StatusCode};

use super::Registry;
use super::answer::is_missing;
use super::pull::MANIFEST_TYPES;
use super::session::{Request, Session, misbehaved};
use super::upload::{Part, Placed};
use crate::credential::Credential;
use crate::digest::Digest;
use crate::error::Error;
use crate::image::Image;
use crate::reference::{Repository, is_tag};
use crate::text::shown;

/// Blobs under way at once.
const AT_ONCE: usize = 4;
/// No registry stores longer manifests.
const MANIFEST_BYTES: usize = 4 << 20;

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The image by digest: `repository@sha256:…`.
    pub reference: String,
    /// Whether the tag was written; if not, it stood for this very image already and nothing was sent.
    pub tag_written: bool,
    /// Layers and configuration sent.
    pub blobs_sent: usize,
    /// Blobs that the registry had.
    pub blobs_reused: usize,
    /// Layers of the base taken over from a repository of the same registry.
    pub base_blobs_mounted: usize,
    /// Layers of the base copied through us.
    pub base_blobs_copied: usize,
}

pub(super) async fn push(
    registry: &Registry,
    image: &Image,
    repository: &Repository,
    tag: &str,
    credential: &Credential,
) -> Result<Receipt, Error> {
    if !is_tag(tag) {
        let problem = "a tag has letters, digits, `_`, `.` and `-`, 128 at most".into();
        return Err(Error::InvalidReference { text: shown(tag), problem });
    }
    let mut scopes = vec![format!("repository:{}:pull,push", repository.path())];
    let base = image.origin.as_ref().map(|origin| &origin.repository);
    if let Some(base) = base.filter(|base| base.host() == repository.host() && *base != repository)
    {
        scopes.push(format!("repository:{}:pull", base.path()));
    }
    let session = Session::new(registry, repository, credential, scopes)?;
    let mut receipt = Receipt {
        reference: format!("{repository}@{}", image.digest()),
        tag_written: false,
        blobs_sent: 0,
        blobs_reused: 0,
        base_blobs_mounted: 0,
        base_blobs_copied: 0,
    };
    if session.tagged(tag).await?.as_ref() == Some(image.digest()) {
        return Ok(receipt);
    }
    let origin = image.origin.as_ref();
    let placing: Vec<_> =
        parts(image).into_iter().map(|part| session.place(part, origin)).collect();
    let placed: Vec<Placed> = stream::iter(placing).buffer_unordered(AT_ONCE).try_collect().await?;
    for placed in placed {
        *match placed {
            Placed::Reused => &mut receipt.blobs_reused,
            Placed::Sent => &mut receipt.blobs_sent,
            Placed::Mounted => &mut receipt.base_blobs_mounted,
            Placed::Copied => &mut receipt.base_blobs_copied,
        } += 1;
    }
    session.tag(tag, image).await?;
    receipt.tag_written = true;
    tracing::debug!(image = receipt.reference, ?receipt, "pushed");
    Ok(receipt)
}

/// Every blob of the image once; blobs that live elsewhere by licence stay there.
fn parts(image: &Image) -> Vec<Part<'_>> {
    let mut known = BTreeSet::new();
    let base =
        image.base_layers.iter().filter(|layer| !layer.media_type.contains(".nondistributable."));
    let own = image.layers.iter().chain([&image.config]);
    let parts = base.map(Part::Base).chain(own.map(Part::Own));
    parts.filter(|part| known.insert(part.digest())).collect()
}

impl Session<'_> {
    /// The digest that a tag stands for.
    async fn tagged(&self, tag: &str) -> Result<Option<Digest>, Error> {
        let doing = &format!("looking for {}:{tag}", self.repository);
        let url = self.url(&format!("manifests/{tag}"));
        let head = Request::new(Method::HEAD, url.clone()).accept(MANIFEST_TYPES);
        let response = self.send(&head, doing).await?;
        if is_missing(&response) {
            return Ok(None);
        }
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response, doing).await);
        }
        let header =
            response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        if let Some(digest) = header.and_then(Digest::parse) {
            return Ok(Some(digest));
        }
        let get = Request::new(Method::GET, url).accept(MANIFEST_TYPES);
        let response = self.send(&get, doing).await?;
        match response.status() {
            StatusCode::OK => {
                Ok(Some(Digest::of(&self.body(response, MANIFEST_BYTES, doing).await?)))
            }
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refusal(response, doing).await),
        }
    }

    /// Writes the manifest under the tag.
    async fn tag(&self, tag: &str, image: &Image) -> Result<(), Error> {
        let doing = &format!("tagging {}:{tag}", self.repository);
        let manifest = &image.manifest;
        let url = self.url(&format!("manifests/{tag}"));
        let put = Request::new(Method::PUT, url).body(&manifest.media_type, manifest.data.clone());
        let response = self.send(&put, doing).await?;
        if !response.status().is_success() {
            return Err(self.refusal(response, doing).await);
        }
        let header =
            response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        match header.and_then(Digest::parse) {
            Some(digest) if digest != manifest.digest => {
                Err(misbehaved(doing, &format!("the registry stored it as {digest}")))
            }
            _ => Ok(()),
        }
    }
}
