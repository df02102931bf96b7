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

/// The queues of a program, and the leases they need.
pub(super) struct Work {
    pub(super) queues: HashMap<&'static str, Queue>,
    own: Held,
    shared: Held,
}

/// A lease, and the queues that work only while it is held.
struct Held {
    leader: Leader,
    lease: JoinHandle<()>,
    /// Has the lease given back.
    give_back: CancellationToken,
    rounds: Vec<JoinHandle<bool>>,
}

impl Held {
    fn contend(cx: &Context, name: &str, me: &str) -> Self {
        let settings = LeaseSettings::lasting(cx.settings.lease_duration);
        let (namespace, give_back) = (&cx.settings.namespace, CancellationToken::new());
        let (leader, lease) =
            Leader::contend(&cx.cluster, namespace, name, me, settings, give_back.clone());
        cx.metrics.leader(name, leader.clone());
        Self { leader, lease, give_back, rounds: Vec::new() }
    }

    /// Waits for the rounds of all queues; tells whether some were cut off.
    async fn rounds_end(&mut self) -> bool {
        let ended = futures::future::join_all(self.rounds.drain(..)).await;
        ended.into_iter().any(|cut_off| cut_off.unwrap_or(true))
    }

    async fn give_back(self) {
        self.give_back.cancel();
        let _ = self.lease.await;
    }
}

impl Work {
    pub(super) fn start(
        role: Role,
        cx: &Context,
        me: &str,
        pulses: &Pulses,
        stop: &CancellationToken,
    ) -> Self {
        let mut own = Held::contend(cx, role.lease(), me);
        let mut shared = Held::contend(cx, "portolan-shared", me);
        let concurrency = cx.settings.concurrency;
        let mut queues = HashMap::new();
        let mut add = |held: &mut Held, (queue, rounds): (Queue, JoinHandle<bool>), kind| {
            queues.insert(kind, queue);
            held.rounds.push(rounds);
        };
        let library = Arc::new(Library::new(cx.caches.clone(), role.owner()));
        let owners = Owners::new(cx.clone(), role.owner(), Arc::clone(&library));
        let blueprints = Blueprints::new(cx.clone(), role.owner(), library);
        let start = |held: &Held| (held.leader.clone(), &cx.metrics, pulses, stop.clone());
        let queue = started(owners, concurrency, start(&own));
        add(&mut own, queue, role.owner().name());
        let queue = started(blueprints, 1, start(&own));
        add(&mut own, queue, role.owner().blueprint_kind());
        let queue = started(GitSources::new(cx.clone()), concurrency, start(&shared));
        add(&mut shared, queue, "GitSource");
        let queue = started(GitWriters::new(cx.clone()), 4 * concurrency, start(&shared));
        add(&mut shared, queue, "GitWriter");
        match role {
            Role::SupplyChain => {
                let queue = started(SourceImages::new(cx.clone()), 2, start(&own));
                add(&mut own, queue, "SourceImage");
            }
            Role::Delivery => {
                let queue = started(GitDeployments::new(cx.clone()), concurrency, start(&own));
                add(&mut own, queue, "GitDeployment");
                // A run waits for its checks most of the time.
                let verifications = Verifications::new(cx.clone());
                let queue = started(verifications, 16 * concurrency, start(&own));
                add(&mut own, queue, "Verification");
            }
        }
        Self { queues, own, shared }
    }

    /// Waits for the rounds under way; gives each lease back as soon as nothing works under it any more.
    pub(super) async fn end(mut self, git: &portolan_git::Service) {
        let own = async {
            self.own.rounds_end().await;
            self.own.give_back().await;
        };
        let shared = async {
            if self.shared.rounds_end().await {
                // The push of a round that was cut off must not go on under somebody else's lease.
                git.end().await;
            }
            self.shared.give_back().await;
        };
        tokio::join!(own, shared);
    }
}

fn started<R: Reconciler>(
    reconciler: R,
    concurrency: usize,
    (leader, metrics, pulses, stop): (Leader, &Metrics, &Pulses, CancellationToken),
) -> (Queue, JoinHandle<bool>) {
    let metrics = metrics.queue(reconciler.kind(), concurrency);
    let pulse = pulses.begin(format!("the queue of {}", reconciler.kind()));
    Queue::start(Arc::new(reconciler), concurrency, leader, metrics, pulse, stop)
}
