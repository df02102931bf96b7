//! How things stand when the metrics are read.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use portolan_cluster::{Caches, Cluster, Leader};
use portolan_plan::choreography::WatchState;
use prometheus::{Gauge, GaugeVec, IntGauge, IntGaugeVec};

use super::family::Maker;
use super::queue::{Running, number};
use crate::artifact::Artifacts;

/// What is asked how it stands.
pub(crate) struct Sources {
    pub(crate) cluster: Cluster,
    pub(crate) caches: Caches,
    pub(crate) artifacts: Artifacts,
    pub(crate) git: portolan_git::Service,
}

/// Gauges that are set when they are read.
pub(super) struct State {
    workers: IntGaugeVec,
    running: IntGaugeVec,
    longest: GaugeVec,
    leader: IntGaugeVec,
    unreachable: Gauge,
    watches: IntGaugeVec,
    objects: IntGaugeVec,
    bytes: IntGauge,
    limit: IntGauge,
    entries: IntGauge,
    git_workers: IntGauge,
    queues: Mutex<Vec<(String, usize, Running)>>,
    leaders: Mutex<Vec<(String, Leader)>>,
    sources: OnceLock<Sources>,
}

impl State {
    pub(super) fn new(family: &Maker<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            workers: family.gauges(
                "portolan_queue_workers",
                "Rounds that may run at the same time, by kind.",
                &["kind"],
            )?,
            running: family.gauges(
                "portolan_queue_running",
                "Rounds that run now, by kind.",
                &["kind"],
            )?,
            longest: family.seconds_by(
                "portolan_queue_longest_running_seconds",
                "For how long the round has run that began first of those that run now, by kind.",
                &["kind"],
            )?,
            leader: family.gauges(
                "portolan_leader",
                "1 where this replica holds the lease and does its work, else 0.",
                &["lease"],
            )?,
            unreachable: family.seconds(
                "portolan_api_unreachable_seconds",
                "For how long the API server has answered no request; 0 while it answers.",
            )?,
            watches: family.gauges(
                "portolan_watches",
                "Watches, by kind and how they stand: pending, synced or forbidden.",
                &["group", "kind", "state"],
            )?,
            objects: family.gauges(
                "portolan_cached_objects",
                "Objects in the cache, by kind.",
                &["group", "kind"],
            )?,
            bytes: family
                .gauge("portolan_artifact_store_bytes", "Bytes of the artifacts in the store.")?,
            limit: family.gauge(
                "portolan_artifact_store_limit_bytes",
                "Bytes that the artifact store may hold; what was used longest ago makes room.",
            )?,
            entries: family.gauge("portolan_artifact_store_entries", "Artifacts in the store.")?,
            git_workers: family.gauge("portolan_git_workers", "Git workers that run now.")?,
            queues: Mutex::default(),
            leaders: Mutex::default(),
            sources: OnceLock::new(),
        })
    }

    pub(super) fn queue(&self, kind: &str, workers: usize, running: Running) {
        lock(&self.queues).push((kind.into(), workers, running));
    }

    pub(super) fn leader(&self, lease: &str, leader: Leader) {
        lock(&self.leaders).push((lease.into(), leader));
    }

    pub(super) fn tells_of(&self, sources: Sources) {
        let _ = self.sources.set(sources);
    }

    /// Sets all gauges.
    pub(super) fn read(&self) {
        for (kind, workers, running) in lock(&self.queues).iter() {
            let (count, longest) = running.now();
            self.workers.with_label_values(&[kind]).set(number(*workers));
            self.running.with_label_values(&[kind]).set(count);
            self.longest.with_label_values(&[kind]).set(longest.as_secs_f64());
        }
        for (lease, leader) in lock(&self.leaders).iter() {
            self.leader.with_label_values(&[lease]).set(leader.holds().into());
        }
        let Some(sources) = self.sources.get() else { return };
        let lost = sources.cluster.contact().lost_since();
        self.unreachable.set(lost.as_ref().map(Instant::elapsed).unwrap_or_default().as_secs_f64());
        self.read_watches(&sources.caches);
        let kept = sources.artifacts.kept();
        self.bytes.set(i64::try_from(kept.bytes).unwrap_or(i64::MAX));
        self.limit.set(i64::try_from(kept.max_bytes).unwrap_or(i64::MAX));
        self.entries.set(number(kept.entries));
        self.git_workers.set(number(sources.git.workers()));
    }

    fn read_watches(&self, caches: &Caches) {
        let mut watches: BTreeMap<(String, String, &str), i64> = BTreeMap::new();
        let mut objects: BTreeMap<(String, String), i64> = BTreeMap::new();
        for (key, state, count) in caches.watches() {
            let (group, kind) = (key.gvk.group, key.gvk.kind);
            *objects.entry((group.clone(), kind.clone())).or_default() += number(count);
            for told in [WatchState::Pending, WatchState::Synced, WatchState::Forbidden] {
                let is = i64::from(state == told);
                *watches.entry((group.clone(), kind.clone(), name(&told))).or_default() += is;
            }
        }
        // Kinds come and go.
        self.watches.reset();
        self.objects.reset();
        for ((group, kind, state), count) in watches {
            self.watches.with_label_values(&[&group, &kind, state]).set(count);
        }
        for ((group, kind), count) in objects {
            self.objects.with_label_values(&[&group, &kind]).set(count);
        }
    }
}

fn name(state: &WatchState) -> &'static str {
    match state {
        WatchState::Pending => "pending",
        WatchState::Synced => "synced",
        WatchState::Forbidden => "forbidden",
    }
}

fn lock<T>(list: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
