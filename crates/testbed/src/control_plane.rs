//! A real Kubernetes control plane on loopback: etcd and kube-apiserver, and on request controllers and a fake node.

mod flags;
mod kubeconfig;
mod node;
mod real_node;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use tokio::sync::Mutex;

use self::flags::{Audit, Ports};
use self::kubeconfig::Identity;
use self::real_node::Files;
use crate::audit::AuditLog;
use crate::pki::Pki;
use crate::process::{Process, port_was_taken};
use crate::room::{Number, Room};
use crate::scratch::Scratch;
use crate::{ports, programs};

/// Longer than any start seen on a busy machine: it only ends what would hang.
const DEADLINE: Duration = Duration::from_mins(3);

/// What a control plane consists of.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Its name: of the context in kubeconfigs and in its folder's name.
    pub name: String,
    /// Run kube-controller-manager: Deployments, Jobs, garbage collection, namespace deletion, service accounts.
    pub controllers: bool,
    /// Run a fake node with 16 cpus, 32Gi and 110 pods, a scheduler, and the controllers that both need.
    pub nodes: bool,
    /// Keep everything in this folder, which stays; else in a scratch folder, which goes.
    pub dir: Option<PathBuf>,
    /// A real node in a room of the cluster's own instead of the fake one.
    pub real: Option<RealNode>,
}

/// What a cluster with a real node needs to know of the world.
#[derive(Debug, Clone)]
pub struct RealNode {
    /// Number of its room; each cluster of a machine has another one.
    pub room: Number,
    /// The registry that the node pulls from, `host:port`, without TLS.
    pub registry: String,
    /// The image that holds a pod's namespaces.
    pub pause: String,
}

/// A running control plane. Dropping it ends its servers and removes its scratch folder.
pub struct ControlPlane {
    name: String,
    ports: Ports,
    config: Config,
    pki: Pki,
    api_server: Mutex<Option<Process>>,
    others: Vec<Process>,
    accounts: bool,
    /// After the servers in it.
    room: Option<Room>,
    scratch: Scratch,
}

impl ControlPlane {
    /// Starts the servers and waits until they do their work.
    pub async fn start(options: Options) -> Result<Self> {
        // Once per process; whoever came first has chosen the same or knows better.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let name = if options.name.is_empty() { "cluster" } else { &options.name };
        let scratch = Scratch::new(name, options.dir.as_deref())?;
        let room = match &options.real {
            Some(real) => {
                let log = scratch.log("room")?;
                Some(Room::new(real.room, &scratch.folder("room")?, &log).await?)
            }
            None => None,
        };
        let address = options.real.as_ref().map(|real| real.room.address());
        let pki = Pki::new(&scratch.path().join("pki"), address.as_deref())?;
        flags::write_audit_policy(&scratch.path().join("audit-policy.yaml"))?;
        let mut this = Self {
            name: name.to_owned(),
            ports: Ports { api: 0, etcd: 0, peer: 0 },
            config: Config::new(http::Uri::from_static("https://127.0.0.1")),
            pki,
            api_server: Mutex::new(None),
            others: Vec::new(),
            accounts: options.controllers || options.nodes || options.real.is_some(),
            room,
            scratch,
        };
        let mut attempt = 1;
        while let Err(error) = this.start_core().await {
            if attempt == 3 || !port_was_taken(&error) {
                return Err(error);
            }
            attempt += 1;
        }
        if this.accounts {
            this.start_controllers(options.nodes, options.real.as_ref()).await?;
        }
        Ok(this)
    }

    async fn start_core(&mut self) -> Result<()> {
        let [api, etcd, peer] = ports::several()?;
        self.ports = Ports { api, etcd, peer };
        let admin = self.identity_file("admin", "admin", Some("system:masters"))?;
        let config = Kubeconfig::read_from(&admin)?;
        self.config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        // A test wants to see a refusal, not to wait out its repetitions.
        self.config.default_retry = false;
        let data = self.dir().join("etcd");
        let _ = std::fs::remove_dir_all(&data);
        let etcd = self.spawn("etcd", flags::etcd(&data, self.ports)).await?;
        tokio::select! {
            started = self.start_api_server() => started?,
            code = etcd.wait() => return Err(etcd.failure(&format!("etcd ended with code {code}"))),
        }
        self.others.push(etcd);
        Ok(())
    }

    async fn start_controllers(&mut self, nodes: bool, real: Option<&RealNode>) -> Result<()> {
        if let Some(real) = real {
            self.start_real_node(real).await?;
        }
        let identity = |user: &str, group| self.identity_file(user, user, group);
        let manager = identity("system:kube-controller-manager", None)?;
        let volume_plugins = self.dir().join("volume-plugins");
        let flags = flags::controller_manager(&manager, &self.pki, &volume_plugins);
        let mut starts = vec![self.spawn("kube-controller-manager", flags)];
        if nodes || real.is_some() {
            let scheduler = identity("system:kube-scheduler", None)?;
            starts.push(self.spawn("kube-scheduler", flags::scheduler(&scheduler)));
        }
        if nodes && real.is_none() {
            let kwok = identity("kwok", Some("system:masters"))?;
            let stages = programs::kwok_stages().await?;
            starts.push(self.spawn("kwok", flags::kwok(&kwok, &stages)));
        }
        let started = futures::future::try_join_all(starts).await?;
        self.others.extend(started);
        let client = self.client()?;
        let ready = async {
            if real.is_some() {
                real_node::ready(&client, DEADLINE).await?;
            } else if nodes {
                node::create(&client, DEADLINE).await?;
            }
            node::accounts(&client, DEADLINE).await
        };
        let ends = self.others.iter().map(|process| {
            Box::pin(async move {
                let code = process.wait().await;
                process.failure(&format!("a server ended with code {code}"))
            })
        });
        tokio::select! {
            ready = ready => ready,
            (failure, ..) = futures::future::select_all(ends) => Err(failure),
        }
    }

    async fn start_real_node(&mut self, real: &RealNode) -> Result<()> {
        let RealNode { room, registry, pause } = real;
        let files = Files::write(self.dir(), *room, registry, pause, &self.pki)?;
        let containerd = self.spawn("containerd", files.containerd_flags()).await?;
        // A kubelet that finds no socket ends.
        containerd.ready(DEADLINE, async || self.has_containerd()).await?;
        self.others.push(containerd);
        let user = format!("system:node:{}", real_node::NAME);
        let kubelet = self.identity_file("kubelet", &user, Some("system:nodes"))?;
        let kubelet = self.spawn("kubelet", files.kubelet_flags(&kubelet, *room)).await?;
        self.others.push(kubelet);
        let proxy = self.identity_file("kube-proxy", "system:kube-proxy", None)?;
        let proxy = self.spawn("kube-proxy", real_node::proxy_flags(&proxy, *room)).await?;
        self.others.push(proxy);
        Ok(())
    }

    fn has_containerd(&self) -> bool {
        self.room.as_ref().is_some_and(|room| room.path(real_node::SOCKET).exists())
    }

    async fn spawn(&self, program: &str, flags: Vec<String>) -> Result<Process> {
        let path = match program {
            // The distribution's own.
            "containerd" => PathBuf::from("/usr/bin/containerd"),
            _ => programs::program(program).await?,
        };
        let mut command = match &self.room {
            Some(room) => room.command(&path),
            None => Command::new(path),
        };
        command.args(flags).current_dir(self.dir()).env("HOME", self.scratch.folder("home")?);
        Process::spawn(program, command, &self.scratch.log(program)?).await
    }

    /// Starts the API server again on the same data and port; nothing to do while it runs.
    pub async fn start_api_server(&self) -> Result<()> {
        let mut slot = self.api_server.lock().await;
        if slot.as_ref().is_some_and(Process::is_running) {
            return Ok(());
        }
        let (policy, log) = (self.dir().join("audit-policy.yaml"), self.audit_path());
        let audit = Audit { policy: &policy, log: &log };
        let flags = flags::api_server(
            &self.pki,
            self.ports,
            &audit,
            self.accounts,
            self.room.as_ref().map(Room::number),
        );
        let server = self.spawn("kube-apiserver", flags).await?;
        let client = self.client()?;
        server
            .ready(DEADLINE, async || {
                let request = http::Request::get("/readyz").body(Vec::new());
                let Ok(request) = request else { return false };
                client.request_text(request).await.is_ok()
            })
            .await?;
        *slot = Some(server);
        Ok(())
    }

    /// Stops the API server, as in an outage; everything else runs on.
    pub async fn stop_api_server(&self) {
        if let Some(server) = self.api_server.lock().await.take() {
            server.stop().await;
        }
    }

    /// A client of the administrator. It never repeats a refused request by itself.
    ///
    /// # Caveats
    ///
    /// It belongs to the tokio runtime that asks for it (there must be one): a control plane that several tests share
    /// gives each its own.
    pub fn client(&self) -> Result<Client> {
        Ok(Client::try_from(self.config.clone())?)
    }

    /// The administrator's kubeconfig (a client certificate of `system:masters`).
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir().join("admin.kubeconfig")
    }

    /// The name given at the start.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of the API server.
    pub fn server_url(&self) -> String {
        format!("https://{}:{}", self.address(), self.ports.api)
    }

    /// Where the API server listens.
    fn address(&self) -> String {
        self.room.as_ref().map_or("127.0.0.1".to_owned(), |room| room.number().address())
    }

    /// The cluster's room, where it has one.
    pub fn room(&self) -> Option<&Room> {
        self.room.as_ref()
    }

    /// The certificate authority that signed the server's certificate.
    pub fn ca_pem(&self) -> String {
        self.pki.ca_pem()
    }

    /// The folder of everything: data, `logs/`, certificates, kubeconfigs.
    pub fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// The log of all requests but health checks.
    pub fn audit(&self) -> AuditLog {
        AuditLog::new(self.audit_path(), self.config.clone())
    }

    fn audit_path(&self) -> PathBuf {
        self.dir().join("audit.log")
    }

    /// A kubeconfig for a user known by certificate, perhaps of a group; the user has no rights but those given by RBAC.
    pub fn user_kubeconfig(&self, user: &str, group: Option<&str>, dir: &Path) -> Result<PathBuf> {
        let path = dir.join(format!("{user}.kubeconfig"));
        self.write_kubeconfig(&path, &Identity::Certificate(self.pki.client(user, group)?))?;
        Ok(path)
    }

    /// A kubeconfig for a service account, which must exist; the file holds nothing but a token of that account.
    ///
    /// # Caveats
    ///
    /// The server grants no token shorter than ten minutes.
    pub async fn service_account_kubeconfig(
        &self,
        namespace: &str,
        name: &str,
        dir: &Path,
        ttl: Duration,
    ) -> Result<PathBuf> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client()?, namespace);
        let request: TokenRequest = serde_json::from_value(json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": {},
            "spec": { "audiences": [], "expirationSeconds": ttl.as_secs() },
        }))?;
        let answer = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .with_context(|| format!("asking for a token of {namespace}/{name}"))?;
        let token = answer.status.context("a granted token has a status")?.token;
        let path = dir.join(format!("{namespace}-{name}.kubeconfig"));
        self.write_kubeconfig(&path, &Identity::Token(token))?;
        Ok(path)
    }

    fn identity_file(&self, file: &str, user: &str, group: Option<&str>) -> Result<PathBuf> {
        let path = self.dir().join(format!("{}.kubeconfig", file.replace(':', "-")));
        self.write_kubeconfig(&path, &Identity::Certificate(self.pki.client(user, group)?))?;
        Ok(path)
    }

    fn write_kubeconfig(&self, path: &Path, identity: &Identity) -> Result<()> {
        let ca = self.pki.ca_pem();
        let text = kubeconfig::kubeconfig(&self.name, &self.server_url(), &ca, identity);
        kubeconfig::write(path, &text)
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // It takes its time to end in good order, and keeps nothing itself.
        if let Some(server) = self.api_server.get_mut() {
            let _ = server.kill_9();
        }
        // All at once: each drop would wait for its own.
        self.others.iter().for_each(Process::release);
    }
}
