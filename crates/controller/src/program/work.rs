//! The work of a program: a queue for each kind, and the leases that it needs.

use std::collections::HashMap;
use std::sync::Arc;

use portolan_cluster::{Leader, LeaseSettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Role;
use crate::blueprint::Blueprints;
use crate::context::Context;
use crate::git_deployment::GitDeployments;
use crate::git_source::GitSources;
use crate::git_writer::GitWriters;
use crate::metrics::Metrics;
use crate::owner::{Library, Owners};
use crate::pulse::Pulses;
use crate::queue::{Queue, Reconciler};
use crate::source_image::SourceImages;
use crate::verification::Verifications;

/// The queues of a program, their rounds, and the leases they need.
pub(super) struct Work {
    pub(super) queues: HashMap<&'static str, Queue>,
    pub(super) rounds: Vec<JoinHandle<()>>,
    pub(super) leases: Vec<JoinHandle<()>>,
}

impl Work {
    pub(super) fn start(
        role: Role,
        cx: &Context,
        me: &str,
        pulses: &Pulses,
        stop: &CancellationToken,
        leases: &CancellationToken,
    ) -> Self {
        let contend = |name: &str| {
            let settings = LeaseSettings::lasting(cx.settings.lease_duration);
            let namespace = &cx.settings.namespace;
            let (leader, lease) =
                Leader::contend(&cx.cluster, namespace, name, me, settings, leases.clone());
            cx.metrics.leader(name, leader.clone());
            (leader, lease)
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
        let start = |leader: &Leader| (leader.clone(), &cx.metrics, pulses, stop.clone());
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
    (leader, metrics, pulses, stop): (Leader, &Metrics, &Pulses, CancellationToken),
) -> (Queue, JoinHandle<()>) {
    let metrics = metrics.queue(reconciler.kind(), concurrency);
    let pulse = pulses.begin(format!("the queue of {}", reconciler.kind()));
    Queue::start(Arc::new(reconciler), concurrency, leader, metrics, pulse, stop)
}
