//! A program: what it watches, what it works on, and its way from start to stop.

mod outset;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use portolan_cluster::{
    Caches, Cluster, ConnectError, Events, Kinds, Leader, LeaseSettings, Secrets,
};
use portolan_plan::choreography::OwnerKind;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::outset::{data_dir, definitions, hostname, name, watch};
use crate::artifact::Artifacts;
use crate::blueprint::Blueprints;
use crate::context::Context;
use crate::dependencies::Dependencies;
use crate::egress::Egress;
use crate::git_deployment::GitDeployments;
use crate::git_source::GitSources;
use crate::git_writer::GitWriters;
use crate::http;
use crate::jitter::random;
use crate::metrics::Metrics;
use crate::owner::{Library, Owners};
use crate::polls::Polls;
use crate::queue::{Queue, Reconciler};
use crate::router::Router;
use crate::settings::{Listen, Settings};
use crate::source_image::SourceImages;
use crate::verification::Verifications;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The build cluster's: Workloads.
    SupplyChain,
    /// The staging and production clusters': Deliverables.
    Delivery,
}

impl Role {
    fn owner(self) -> OwnerKind {
        match self {
            Self::SupplyChain => OwnerKind::Workload,
            Self::Delivery => OwnerKind::Deliverable,
        }
    }

    /// Lease of what this program alone works on.
    fn lease(self) -> &'static str {
        match self {
            Self::SupplyChain => "portolan-workloads",
            Self::Delivery => "portolan-deliverables",
        }
    }

    /// Native kinds it works on.
    fn natives(self) -> &'static [&'static str] {
        match self {
            Self::SupplyChain => &["GitSource", "SourceImage", "GitWriter"],
            Self::Delivery => &["GitSource", "GitDeployment", "Verification", "GitWriter"],
        }
    }
}

/// Why a program cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The git cache cannot be used, or libgit2 is too old.
    #[error("git: {0}")]
    Git(#[from] portolan_git::Error),
    /// The metrics cannot be registered.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The data folder or a port cannot be used.
    #[error("{what}: {error}")]
    Local {
        /// Which.
        what: String,
        /// Why.
        error: std::io::Error,
    },
}

fn local(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> StartError {
    let what = what.into();
    move |error| StartError::Local { what, error }
}

/// Runs a program until `stop`; ends rounds under way as far as that takes no more than a few seconds,
/// then gives its leases back.
pub async fn run(
    role: Role,
    settings: Settings,
    listen: Listen,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let cluster = Cluster::connect().await?;
    let Some(cluster_name) = name(&cluster, &settings, &stop).await else { return Ok(()) };
    tracing::info!(cluster = cluster_name, url = cluster.url(), "connected");
    let (data, _scratch) = data_dir(&settings)?;
    let (caches, changes) = Caches::new(cluster.clone());
    let kinds = Kinds::new(cluster.clone());
    if !definitions(role, &kinds, &stop).await {
        return Ok(());
    }
    let watches = watch(role, &caches, &kinds);
    let me = format!("{}-{:08x}", hostname(), random());
    let dependencies = Arc::new(Dependencies::default());
    let (wakes, woken) = tokio::sync::mpsc::unbounded_channel();
    let secrets = Secrets::new(cluster.clone());
    let egress = Egress::new(settings.allow_http.clone(), cluster.addresses().await);
    let git = git(&settings, &data, egress.refused())?;
    let polls = Polls::new(
        git.clone(),
        secrets.clone(),
        egress.clone(),
        settings.credential_max_age,
        move |item| {
            let _ = wakes.send(item.clone());
        },
    );
    let artifacts = Artifacts::open(
        data.join("artifacts"),
        &settings.artifact_url,
        settings.artifact_prefix.clone(),
        settings.artifact_bytes,
    )
    .map_err(local("the artifact store"))?;
    let cx = Context {
        caches: caches.clone(),
        kinds: kinds.clone(),
        secrets,
        events: Events::start(&cluster, &me),
        git,
        polls,
        artifacts,
        egress,
        dependencies: Arc::clone(&dependencies),
        settings: Arc::new(settings),
        cluster_name: cluster_name.into(),
        cluster,
    };
    let metrics = Metrics::new()?;
    let health = http::Health { caches: caches.clone(), watches: Arc::new(watches.clone()) };
    for (what, address, router) in [
        ("artifacts", &listen.artifacts, http::artifacts(cx.clone())),
        ("metrics", &listen.metrics, http::metrics(metrics.clone())),
        ("health", &listen.health, http::health(health)),
    ] {
        let served = http::serve(what, address, router, stop.clone()).await;
        served.map_err(local(format!("{what} at {address}")))?;
    }
    // A plan over half a cache would find templates and accounts missing that are there.
    let synced = futures::future::join_all(
        watches.iter().map(|(gvk, selection)| caches.synced(gvk, selection)),
    );
    tokio::select! {
        _ = synced => {}
        () = stop.cancelled() => return Ok(()),
    }
    let leases = CancellationToken::new();
    let work = Work::start(role, &cx, &me, &metrics, &stop, &leases);
    let router = Router {
        caches,
        kinds,
        dependencies,
        queues: work.queues.clone(),
        owner: role.owner(),
        by_uid: HashMap::new(),
        reading: Arc::default(),
    };
    tokio::spawn(forward(woken, work.queues.clone()));
    tokio::spawn(router.run(changes, stop.clone()));
    stop.cancelled().await;
    tracing::info!("stopping");
    futures::future::join_all(work.rounds).await;
    leases.cancel();
    futures::future::join_all(work.leases).await;
    Ok(())
}

/// The git service; the addresses of the cluster's API are refused there too.
fn git(
    settings: &Settings,
    data: &std::path::Path,
    refused: Vec<IpAddr>,
) -> Result<portolan_git::Service, StartError> {
    let options = portolan_git::Options::new(data.join("git"));
    let options = portolan_git::Options {
        deadline: settings.git_timeout,
        refused_addresses: refused,
        ..options.map_err(local("this program's own file"))?
    };
    Ok(portolan_git::Service::new(options)?)
}

/// Wakes that come from polls.
async fn forward(
    mut woken: tokio::sync::mpsc::UnboundedReceiver<crate::dependencies::Item>,
    queues: HashMap<&'static str, Queue>,
) {
    while let Some(item) = woken.recv().await {
        if let Some(queue) = queues.get(item.kind) {
            queue.wake(item.key);
        }
    }
}

/// The queues of a program, their rounds, and the leases they need.
struct Work {
    queues: HashMap<&'static str, Queue>,
    rounds: Vec<JoinHandle<()>>,
    leases: Vec<JoinHandle<()>>,
}

impl Work {
    fn start(
        role: Role,
        cx: &Context,
        me: &str,
        metrics: &Metrics,
        stop: &CancellationToken,
        leases: &CancellationToken,
    ) -> Self {
        let contend = |name: &str| {
            let settings = LeaseSettings::lasting(cx.settings.lease_duration);
            let namespace = &cx.settings.namespace;
            Leader::contend(&cx.cluster, namespace, name, me, settings, leases.clone())
        };
        let (own, own_lease) = contend(role.lease());
        let (shared, shared_lease) = contend("portolan-shared");
        let mut work = Self {
            queues: HashMap::new(),
            rounds: Vec::new(),
            leases: vec![own_lease, shared_lease],
        };
        let concurrency = cx.settings.concurrency;
        let mut add = |queue: (Queue, JoinHandle<()>), kind| {
            work.queues.insert(kind, queue.0);
            work.rounds.push(queue.1);
        };
        let library = Arc::new(Library::new(cx.caches.clone(), role.owner()));
        let owners = Owners::new(cx.clone(), role.owner(), Arc::clone(&library));
        let blueprints = Blueprints::new(cx.clone(), role.owner(), library);
        let start = |leader: &Leader| (leader.clone(), metrics.clone(), stop.clone());
        add(started(owners, concurrency, start(&own)), role.owner().name());
        add(started(blueprints, 1, start(&own)), role.owner().blueprint_kind());
        add(started(GitSources::new(cx.clone()), concurrency, start(&shared)), "GitSource");
        add(started(GitWriters::new(cx.clone()), 4 * concurrency, start(&shared)), "GitWriter");
        match role {
            Role::SupplyChain => {
                let images = SourceImages::new(cx.clone());
                add(started(images, 2, start(&own)), "SourceImage");
            }
            Role::Delivery => {
                let deployments = GitDeployments::new(cx.clone());
                add(started(deployments, concurrency, start(&own)), "GitDeployment");
                // A run waits for its checks most of the time.
                let verifications = Verifications::new(cx.clone());
                add(started(verifications, 16 * concurrency, start(&own)), "Verification");
            }
        }
        work
    }
}

fn started<R: Reconciler>(
    reconciler: R,
    concurrency: usize,
    (leader, metrics, stop): (Leader, Metrics, CancellationToken),
) -> (Queue, JoinHandle<()>) {
    Queue::start(Arc::new(reconciler), concurrency, leader, metrics, stop)
}
