//! Fetching what is to be known of a base image.

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::Registry;
use super::answer::is_missing;
use super::session::{Request, Session, misbehaved};
use crate::credential::Credential;
use crate::digest::Digest;
use crate::error::Error;
use crate::image::{BaseImage, Origin, RawManifest};
use crate::platform::Platform;
use crate::reference::Reference;

/// No registry stores longer manifests.
const MANIFEST_BYTES: usize = 4 << 20;
const CONFIG_BYTES: usize = 8 << 20;
/// Every form of manifest that we read.
pub(super) const MANIFEST_TYPES: &str = concat!(
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, ",
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
);

/// The images of an index.
#[derive(Deserialize)]
struct Index {
    manifests: Vec<IndexEntry>,
}

#[derive(Deserialize)]
struct IndexEntry {
    digest: String,
    platform: Option<IndexPlatform>,
}

#[derive(Deserialize)]
struct IndexPlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

pub(super) async fn pull(
    registry: &Registry,
    reference: &Reference,
    platform: &Platform,
    credential: &Credential,
) -> Result<BaseImage, Error> {
    let repository = reference.repository();
    let scopes = vec![format!("repository:{}:pull", repository.path())];
    let session = Session::new(registry, repository, credential, scopes)?;
    let base = Base { session, reference };
    let mut body = base.manifest(reference.manifest()).await?;
    let mut value: Value = base.json(&body)?;
    if value.get("manifests").is_some() {
        let index =
            serde_json::from_value(value).map_err(|_| base.unusable("its index does not read"))?;
        body = base.manifest(base.choose(index, platform)?.as_str()).await?;
        value = base.json(&body)?;
    }
    let manifest: RawManifest = serde_json::from_value(value)
        .map_err(|_| base.unusable("it is no container image, or one of the first version"))?;
    let config = base.blob(&manifest.image_config().map_err(|why| base.unusable(&why))?).await?;
    let origin = Origin { repository: repository.clone(), credential: credential.clone() };
    let image = BaseImage::read(Digest::of(&body), manifest, &config, origin);
    let image = image.map_err(|why| base.unusable(&why))?;
    image.check(platform)?;
    Ok(image)
}

struct Base<'r> {
    session: Session<'r>,
    reference: &'r Reference,
}

impl Base<'_> {
    async fn manifest(&self, name: &str) -> Result<Bytes, Error> {
        let url = self.session.url(&format!("manifests/{name}"));
        let body =
            self.get(Request::new(Method::GET, url).accept(MANIFEST_TYPES), MANIFEST_BYTES).await?;
        self.verify(Digest::parse(name), &body)?;
        Ok(body)
    }

    async fn blob(&self, digest: &Digest) -> Result<Bytes, Error> {
        let url = self.session.url(&format!("blobs/{digest}"));
        let body = self.get(Request::new(Method::GET, url), CONFIG_BYTES).await?;
        self.verify(Some(digest.clone()), &body)?;
        Ok(body)
    }

    async fn get(&self, request: Request, limit: usize) -> Result<Bytes, Error> {
        let doing = &self.doing();
        let response = self.session.send(&request, doing).await?;
        if is_missing(&response) {
            return Err(Error::BaseNotFound { reference: self.reference.to_string() });
        }
        if response.status() != StatusCode::OK {
            return Err(match self.session.refusal(response, doing).await {
                Error::PushRefused { status, .. } => {
                    misbehaved(doing, &format!("the registry answers {status}"))
                }
                other => other,
            });
        }
        self.session.body(response, limit, doing).await
    }

    fn verify(&self, expected: Option<Digest>, body: &[u8]) -> Result<(), Error> {
        match expected.filter(|expected| *expected != Digest::of(body)) {
            Some(expected) => {
                Err(misbehaved(&self.doing(), &format!("what came is not {expected}")))
            }
            None => Ok(()),
        }
    }

    fn json(&self, body: &[u8]) -> Result<Value, Error> {
        serde_json::from_slice(body)
            .map_err(|_| misbehaved(&self.doing(), "the manifest is no JSON"))
    }

    /// The digest of the image for `platform`: the same variant first, then any.
    fn choose(&self, index: Index, platform: &Platform) -> Result<Digest, Error> {
        let known: Vec<(String, Platform)> = index
            .manifests
            .into_iter()
            .filter_map(|entry| {
                let p = entry.platform?;
                Some((entry.digest, Platform::new(&p.os, &p.architecture, p.variant.as_deref())))
            })
            .collect();
        let same = known.iter().find(|(_, own)| own == platform);
        let found = same.or_else(|| known.iter().find(|(_, own)| platform.accepts(own)));
        match found {
            Some((digest, _)) => Digest::parse(digest)
                .ok_or_else(|| self.unusable("its index has an entry without sha256 digest")),
            None => Err(self.unusable(&format!("it is not there for {platform}"))),
        }
    }

    fn doing(&self) -> String {
        format!("fetching base image {}", self.reference)
    }

    fn unusable(&self, problem: &str) -> Error {
        Error::BaseUnusable {
            reference: self.reference.to_string(),
            problem: self.session.public(problem.into()),
        }
    }
}
