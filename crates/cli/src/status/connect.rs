//! The way to the cluster, as the person whose kubeconfig it is.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::Arguments;

/// Longest time that a connection may take, and that an answer may.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_mins(1);

/// A way to a cluster.
pub(super) struct Connection {
    pub(super) client: Client,
    /// The namespace that is meant; none: all.
    pub(super) namespace: Option<String>,
    /// The address of the API server.
    pub(super) url: String,
}

impl Connection {
    /// Where owners are looked for, in words.
    pub(super) fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("namespace {namespace} of {}", self.url),
            None => format!("any namespace of {}", self.url),
        }
    }
}

/// Connects; nothing is asked yet.
pub(super) async fn connect(arguments: &Arguments) -> anyhow::Result<Connection> {
    // Once in each process; nobody else here has chosen.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut config = config(arguments).await?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(ANSWER);
    config.reset_reader_on_write = true;
    let url = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let default = config.default_namespace.clone();
    let namespace = arguments.namespace.clone().unwrap_or(default);
    let namespace = (!arguments.all_namespaces).then_some(namespace);
    let client = Client::try_from(config).with_context(|| format!("no way to {url}"))?;
    Ok(Connection { client, namespace, url })
}

async fn config(arguments: &Arguments) -> anyhow::Result<Config> {
    let options =
        KubeConfigOptions { context: arguments.context.clone(), ..KubeConfigOptions::default() };
    if let Some(path) = &arguments.kubeconfig {
        let read = || -> Result<Kubeconfig, KubeconfigError> { Kubeconfig::read_from(path) };
        let kubeconfig = read().with_context(|| format!("--kubeconfig {}", path.display()))?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        return config.with_context(|| format!("--kubeconfig {}", path.display()));
    }
    match Config::from_kubeconfig(&options).await {
        Ok(config) => Ok(config),
        // In a pod there is none, and none is needed.
        Err(error) => match Config::incluster() {
            Ok(config) if options.context.is_none() => Ok(config),
            _ => Err(anyhow!(error)
                .context("no way to a cluster (set KUBECONFIG, or give --kubeconfig)")),
        },
    }
}
