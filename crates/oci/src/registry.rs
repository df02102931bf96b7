//! Registries: fetching what is to be known of a base image, and pushing what is missing.
//!
//! **Invariants:** Every answer is bounded in bytes and time. A credential goes to the registry it is for and to the token
//! service that registry names, over https unless the operator listed the host; no redirect takes it elsewhere. No
//! credential outlives a call: two tenants never share one.

mod address;
mod answer;
mod challenge;
mod pull;
mod push;
mod session;
mod token;
mod upload;

use std::net::IpAddr;
use std::time::Duration;

use crate::credential::Credential;
use crate::error::Error;
use crate::image::{BaseImage, Image};
use crate::platform::Platform;
use crate::reference::{Reference, Repository};
pub use push::Receipt;

/// How registries are spoken to.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hosts that are spoken to over http, as `host` or `host:port`; all others over https.
    pub plain_http_hosts: Vec<String>,
    /// Certificates of authorities that are trusted beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Addresses that are never connected to, such as the cluster's API; link-local and metadata addresses never are.
    pub refused_addresses: Vec<IpAddr>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a small answer may take, from request to last byte.
    pub answer_timeout: Duration,
    /// How long a whole pull or push may take.
    pub overall_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plain_http_hosts: Vec::new(),
            ca_pem: None,
            refused_addresses: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_mins(1),
            overall_timeout: Duration::from_mins(15),
        }
    }
}

/// A client for registries. It keeps connections and no credentials.
#[derive(Clone, Debug)]
pub struct Registry {
    http: reqwest::Client,
    options: Options,
}

impl Registry {
    /// A client with these options.
    pub fn new(options: Options) -> Result<Self, Error> {
        let invalid = |problem: String| Error::InvalidOptions { problem };
        let roots = match &options.ca_pem {
            Some(pem) => reqwest::Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or_else(|| invalid("the CA is no PEM certificate".into()))?,
            None => Vec::new(),
        };
        let http = reqwest::Client::builder()
            .user_agent(concat!("portolan/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(options.connect_timeout)
            .dns_resolver(address::Resolver::new(&options.refused_addresses))
            .tls_certs_merge(roots)
            .build()
            .map_err(|error| invalid(format!("no http client: {error}")))?;
        Ok(Self { http, options })
    }

    /// Fetches manifest and configuration of a base image for `platform`; its layers stay where they are. The credential is
    /// kept with the result, for copying the layers to another registry.
    pub async fn pull_base(
        &self,
        reference: &Reference,
        platform: &Platform,
        credential: &Credential,
    ) -> Result<BaseImage, Error> {
        let doing = format!("fetching base image {reference}");
        self.in_time(&doing, pull::pull(self, reference, platform, credential)).await
    }

    /// Pushes an image under a tag. What the registry has is not sent again; when the tag stands for this very image already,
    /// nothing is written at all.
    pub async fn push(
        &self,
        image: &Image,
        repository: &Repository,
        tag: &str,
        credential: &Credential,
    ) -> Result<Receipt, Error> {
        let doing = format!("pushing to {repository}");
        self.in_time(&doing, push::push(self, image, repository, tag, credential)).await
    }

    async fn in_time<T>(
        &self,
        doing: &str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let allowed = self.options.overall_timeout;
        match tokio::time::timeout(allowed, work).await {
            Ok(result) => result,
            Err(_) => Err(Error::TimedOut { doing: doing.into(), seconds: allowed.as_secs() }),
        }
    }

    /// Whether the operator has `host`, or `host:port`, spoken to over http.
    fn is_plain(&self, host: &str, authority: &str) -> bool {
        self.options.plain_http_hosts.iter().any(|listed| listed == host || listed == authority)
    }
}
