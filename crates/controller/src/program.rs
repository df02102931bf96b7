//! A program: what it watches, what it works on, and its way from start to stop.

mod outset;
mod work;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use portolan_cluster::{Caches, Cluster, ConnectError, Events, Kinds, Secrets};
use portolan_plan::choreography::OwnerKind;
use tokio_util::sync::CancellationToken;

use self::outset::{data_dir, definitions, hostname, keep_in_contact, name, watch};
use self::work::Work;
use crate::artifact::Artifacts;
use crate::context::Context;
use crate::dependencies::Dependencies;
use crate::egress::Egress;
use crate::http;
use crate::jitter::random;
use crate::metrics::{Metrics, Sources};
use crate::polls::Polls;
use crate::queue::Queue;
use crate::router::Router;
use crate::settings::{Listen, Settings};

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

    /// Name of the program.
    fn program(self) -> &'static str {
        match self {
            Self::SupplyChain => "portolan-supply-chain",
            Self::Delivery => "portolan-delivery",
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
/// and gives each lease back when nothing works under it any more.
pub async fn run(
    role: Role,
    settings: Settings,
    listen: Listen,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let metrics = Metrics::new(role.program())?;
    let cluster = Cluster::connect().await?.observed(metrics.api());
    let health = http::Health::new(&cluster, stop.clone());
    // They answer until the end: what is asked while rounds come to their end is told that we stop.
    let end = CancellationToken::new();
    let _end = end.clone().drop_guard();
    serve(&listen, &health, &metrics, &end).await?;
    tokio::spawn(keep_in_contact(cluster.clone(), stop.clone()));
    let Some(cluster_name) = name(&cluster, &settings, &health, &stop).await else {
        return Ok(());
    };
    tracing::info!(cluster = cluster_name, url = cluster.url(), "connected");
    let (data, _scratch) = data_dir(&settings)?;
    let (caches, changes) = Caches::new(cluster.clone());
    let kinds = Kinds::new(cluster.clone());
    if !definitions(role, &kinds, &health, &stop).await {
        return Ok(());
    }
    let watches = watch(role, &caches, &kinds);
    let me = format!("{}-{:08x}", hostname(), random());
    let dependencies = Arc::new(Dependencies::default());
    let (wakes, woken) = tokio::sync::mpsc::unbounded_channel();
    let secrets = Secrets::new(cluster.clone());
    let egress = Egress::new(settings.allow_http.clone(), cluster.addresses().await);
    let git = git(&settings, &data, egress.refused(), &metrics)?;
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
        metrics: metrics.clone(),
        cluster_name: cluster_name.into(),
        cluster,
    };
    metrics.tells_of(Sources {
        cluster: cx.cluster.clone(),
        caches: caches.clone(),
        artifacts: cx.artifacts.clone(),
        git: cx.git.clone(),
    });
    health.needs(caches.clone(), watches.clone());
    health.waits_for("the first lists of what it watches");
    let address = &listen.artifacts;
    let served =
        http::serve("artifacts", address, http::artifacts(cx.clone()), &health, end.clone()).await;
    served.map_err(local(format!("artifacts at {address}")))?;
    // A plan over half a cache would find templates and accounts missing that are there.
    let synced = futures::future::join_all(
        watches.iter().map(|(gvk, selection)| caches.synced(gvk, selection)),
    );
    tokio::select! {
        _ = synced => {}
        () = stop.cancelled() => return Ok(()),
    }
    let work = Work::start(role, &cx, &me, health.pulses(), &stop);
    let router = Router {
        caches,
        kinds,
        dependencies,
        queues: work.queues.clone(),
        owner: role.owner(),
        by_uid: HashMap::new(),
        reading: Arc::default(),
        pulse: health.pulses().begin("the router of changes"),
    };
    tokio::spawn(forward(woken, work.queues.clone()));
    tokio::spawn(router.run(changes, stop.clone()));
    health.started();
    stop.cancelled().await;
    tracing::info!("stopping");
    work.end(&cx.git).await;
    Ok(())
}

/// Serves health and metrics: also while the start waits for something.
async fn serve(
    listen: &Listen,
    health: &http::Health,
    metrics: &Metrics,
    end: &CancellationToken,
) -> Result<(), StartError> {
    for (what, address, router) in [
        ("health", &listen.health, http::health(health.clone())),
        ("metrics", &listen.metrics, http::metrics(metrics.clone())),
    ] {
        let served = http::serve(what, address, router, health, end.clone()).await;
        served.map_err(local(format!("{what} at {address}")))?;
    }
    Ok(())
}

/// The git service; the addresses of the cluster's API are refused there too.
fn git(
    settings: &Settings,
    data: &std::path::Path,
    refused: Vec<IpAddr>,
    metrics: &Metrics,
) -> Result<portolan_git::Service, StartError> {
    let options = portolan_git::Options::new(data.join("git"));
    let options = portolan_git::Options {
        deadline: settings.git_timeout,
        refused_addresses: refused,
        observer: metrics.git(),
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
