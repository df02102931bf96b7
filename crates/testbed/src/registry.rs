//! A real OCI registry on loopback, without authentication: `crane registry serve`.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{Client, Response};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::process::{Process, port_was_taken};
use crate::programs;
use crate::programs::hex;
use crate::scratch::Scratch;

const DEADLINE: Duration = Duration::from_mins(1);

/// What a reader of manifests accepts.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";

/// A running registry. Dropping it ends the server and removes what was pushed.
pub struct Registry {
    address: String,
    port: u16,
    http: Client,
    server: Mutex<Option<Process>>,
    scratch: Scratch,
}

impl Registry {
    /// Starts a registry and waits until it answers.
    pub async fn start() -> Result<Self> {
        Self::start_at("127.0.0.1").await
    }

    /// Starts a registry on an address of this machine.
    pub async fn start_at(address: &str) -> Result<Self> {
        let scratch = Scratch::new("registry", None)?;
        scratch.folder("blobs")?;
        let http = Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
        let address = address.to_owned();
        let mut this = Self { address, port: 0, http, server: Mutex::new(None), scratch };
        let mut attempt = 1;
        loop {
            this.port = crate::ports::free()?;
            match this.start_server().await {
                Ok(()) => return Ok(this),
                Err(error) if attempt == 3 || !port_was_taken(&error) => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    /// Starts the server again on the same port.
    ///
    /// # Caveats
    ///
    /// Blobs are on disk and stay; the server keeps manifests and tags in memory, and forgets them.
    pub async fn start_server(&self) -> Result<()> {
        let mut slot = self.server.lock().await;
        if slot.as_ref().is_some_and(Process::is_running) {
            return Ok(());
        }
        let mut crane = Command::new(programs::program("crane").await?);
        crane.args(["registry", "serve", "--address", &self.host(), "--disk"]);
        crane.arg(self.scratch.path().join("blobs")).env("HOME", self.scratch.path());
        let server = Process::spawn("crane", crane, &self.scratch.log("crane")?).await?;
        server
            .ready(DEADLINE, async || {
                self.get("", "").await.is_ok_and(|answer| answer.status() == 200)
            })
            .await?;
        *slot = Some(server);
        Ok(())
    }

    /// Stops the server, as in an outage.
    pub async fn stop_server(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.stop().await;
        }
    }

    /// Address and port, the first part of an image's name.
    pub fn host(&self) -> String {
        format!("{}:{}", self.address, self.port)
    }

    /// The tags of a repository; none if there is no such repository.
    pub async fn tags(&self, repo: &str) -> Result<Vec<String>> {
        let answer = self.get(&format!("{repo}/tags/list"), "application/json").await?;
        if answer.status() == 404 {
            return Ok(Vec::new());
        }
        let list: Value = answer.error_for_status()?.json().await?;
        let tags = list["tags"].as_array().into_iter().flatten();
        Ok(tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect())
    }

    /// A manifest by tag or digest, with its digest.
    pub async fn manifest(&self, repo: &str, reference: &str) -> Result<(String, Value)> {
        let answer = self.get(&format!("{repo}/manifests/{reference}"), MANIFESTS).await?;
        let bytes = answer.error_for_status()?.bytes().await?;
        let digest = format!("sha256:{}", hex(&Sha256::digest(&bytes)));
        Ok((digest, serde_json::from_slice(&bytes).context("a manifest is JSON")?))
    }

    /// A blob, checked against its digest.
    pub async fn blob(&self, repo: &str, digest: &str) -> Result<Vec<u8>> {
        let answer = self.get(&format!("{repo}/blobs/{digest}"), "*/*").await?;
        let bytes = answer.error_for_status()?.bytes().await?;
        if format!("sha256:{}", hex(&Sha256::digest(&bytes))) != digest {
            bail!("the registry sent other bytes for {repo}@{digest}");
        }
        Ok(bytes.to_vec())
    }

    async fn get(&self, path: &str, accept: &str) -> Result<Response> {
        let url = format!("http://{}/v2/{path}", self.host());
        let request = self.http.get(&url).header("Accept", accept);
        request.send().await.with_context(|| format!("asking {url}"))
    }
}
