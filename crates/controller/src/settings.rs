//! What the operator sets by flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Flags that both programs have.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Name of this cluster in records and commits; default: the first 8 characters of the UID of
    /// namespace kube-system.
    #[arg(long, env = "PORTOLAN_CLUSTER_NAME")]
    pub cluster_name: Option<String>,

    /// Name of the environment this cluster is, in the hops of promotions; default: the cluster's.
    #[arg(long)]
    pub environment: Option<String>,

    /// Namespace of the controllers: leases stand here, and no tenant's object may act as an account
    /// of it.
    #[arg(long, env = "PORTOLAN_NAMESPACE", default_value = "portolan-system")]
    pub namespace: String,

    /// Hosts, with or without a port, that git, registries and artifacts may be asked for over http.
    #[arg(long, value_delimiter = ',')]
    pub allow_http: Vec<String>,

    /// Branches that GitWriters may aim at; default: any.
    #[arg(long, value_delimiter = ',')]
    pub allow_base: Vec<String>,

    /// Lets templates stamp cluster-scoped kinds.
    #[arg(long)]
    pub allow_cluster_scoped: bool,

    /// Base of the urls under which artifacts are served.
    #[arg(long, default_value = "http://portolan-artifacts.portolan-system")]
    pub artifact_url: String,

    /// Beginnings of artifact urls that objects may read, beside those of `--artifact-url`.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "http://source-controller.flux-system.svc.cluster.local,http://source-controller.flux-system"
    )]
    pub artifact_prefix: Vec<String>,

    /// Folder for repositories and artifacts. It is a cache: everything in it can be made again.
    #[arg(long, env = "PORTOLAN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Most bytes of artifacts to keep.
    #[arg(long, default_value_t = 1 << 30)]
    pub artifact_bytes: u64,

    /// How old a credential may be when a repository is polled.
    #[arg(long, value_parser = span, default_value = "10m")]
    pub credential_max_age: Duration,

    /// Longest time one git operation may take.
    #[arg(long, value_parser = span, default_value = "60s")]
    pub git_timeout: Duration,

    /// A replica that has been silent this long is taken over from; at least 1s.
    #[arg(long, value_parser = span, default_value = "15s")]
    pub lease_duration: Duration,

    /// Objects of one kind that are worked on at the same time.
    #[arg(long, default_value_t = 8)]
    pub concurrency: usize,

    /// Lines of the log as JSON.
    #[arg(long)]
    pub log_json: bool,
}

/// Addresses to listen on; each takes `off`.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Artifacts.
    pub artifacts: String,
    /// Metrics.
    pub metrics: String,
    /// Health.
    pub health: String,
}

fn span(text: &str) -> Result<Duration, portolan_api::span::SpanError> {
    portolan_api::span::parse(text)
}
