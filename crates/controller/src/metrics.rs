//! What the program counts and tells of itself, for a metrics server to read.
//!
//! Every metric is told in `docs/metrics.md`, which a test holds against a running program.
//!
//! **Invariant:** no label holds the name of an object, a url, or text of a tenant.

mod api;
mod family;
mod git;
mod hop;
mod queue;
mod round;
mod state;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use portolan_cluster::Leader;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, Histogram, IntCounterVec, Registry, TextEncoder};

pub(crate) use self::hop::{Begun, Hop, since};
pub(crate) use self::queue::QueueMetrics;
pub(crate) use self::round::{held_up, held_up_as_told};
pub(crate) use self::state::Sources;

/// The commit that the program was built of, where the build tells it.
const REVISION: Option<&str> = option_env!("PORTOLAN_REVISION");

/// The program's metrics. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    queues: queue::Families,
    api: Arc<api::Requests>,
    git: Arc<git::Work>,
    hops: hop::Hops,
    pushes: IntCounterVec,
    push_seconds: Histogram,
    artifacts: IntCounterVec,
    state: state::State,
    /// Held while the state is read: two readers at a time would see half of it.
    reading: Mutex<()>,
}

impl Metrics {
    /// Metrics of a program that have counted nothing.
    pub(crate) fn new(program: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let family = family::Maker(&registry);
        let build = family.gauges(
            "portolan_build_info",
            "Always 1: which program, version and commit this is.",
            &["program", "version", "revision"],
        )?;
        let revision = REVISION.unwrap_or("unknown");
        build.with_label_values(&[program, env!("CARGO_PKG_VERSION"), revision]).set(1);
        let pushes = family.counters(
            "portolan_image_pushes_total",
            "Images pushed to registries, by how that ended.",
            &["outcome"],
        )?;
        pushes.with_label_values(&[family::SUCCESS]);
        let artifacts = family.counters(
            "portolan_artifact_requests_total",
            "Requests for artifacts over HTTP, by status code.",
            &["code"],
        )?;
        artifacts.with_label_values(&[StatusCode::OK.as_str()]);
        let inner = Inner {
            queues: queue::Families::new(&family)?,
            api: Arc::new(api::Requests::new(&family)?),
            git: Arc::new(git::Work::new(&family)?),
            hops: hop::Hops::new(&family)?,
            pushes,
            push_seconds: family.histogram(
                "portolan_image_push_duration_seconds",
                "Time that pushing an image took, with what was there already left out.",
                &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0],
            )?,
            artifacts,
            state: state::State::new(&family)?,
            reading: Mutex::default(),
            registry,
        };
        inner.registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self(Arc::new(inner)))
    }

    /// The metrics of the queue of a kind, which works on so many objects at a time.
    pub(crate) fn queue(&self, kind: &str, workers: usize) -> QueueMetrics {
        let queue = self.0.queues.of(kind);
        self.0.state.queue(kind, workers, queue.running());
        queue
    }

    /// Who counts requests to the API server.
    pub(crate) fn api(&self) -> Arc<dyn portolan_cluster::Observer> {
        Arc::clone(&self.0.api) as _
    }

    /// Who counts work on repositories and forges.
    pub(crate) fn git(&self) -> Arc<dyn portolan_git::Observer> {
        Arc::clone(&self.0.git) as _
    }

    /// A change has made a hop of its way.
    pub(crate) fn hop(&self, hop: Hop, took: Duration) {
        self.0.hops.made(hop, took);
    }

    /// An image was pushed, or was not for this reason.
    pub(crate) fn image_pushed(&self, refused: Option<&'static str>, took: Duration) {
        self.0.pushes.with_label_values(&[refused.unwrap_or(family::SUCCESS)]).inc();
        self.0.push_seconds.observe(took.as_secs_f64());
    }

    /// A request for an artifact was answered.
    pub(crate) fn artifact_asked(&self, code: StatusCode) {
        self.0.artifacts.with_label_values(&[code.as_str()]).inc();
    }

    /// Tells from here on whether a lease is held.
    pub(crate) fn leader(&self, lease: &str, leader: Leader) {
        self.0.state.leader(lease, leader);
    }

    /// Tells from here on how these stand.
    pub(crate) fn tells_of(&self, sources: Sources) {
        self.0.state.tells_of(sources);
    }

    /// All metrics in the text format. Reads the artifact store's folder: not for an async task.
    pub(crate) fn text(&self) -> Result<String, prometheus::Error> {
        let _one_at_a_time = self.0.reading.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.state.read();
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, types, units and help as the conventions of Prometheus ask.
    #[test]
    fn names_are_by_convention() {
        let metrics = Metrics::new("test").unwrap();
        metrics.queue("Test", 1);
        for family in metrics.0.registry.gather() {
            let (name, help) = (family.name(), family.help());
            assert!(name.starts_with("portolan_") || name.starts_with("process_"), "{name}");
            assert!(help.ends_with('.'), "{name}: {help}");
            let counts = family.get_field_type() == prometheus::proto::MetricType::COUNTER;
            assert_eq!(counts, name.ends_with("_total"), "{name}");
            if family.get_field_type() == prometheus::proto::MetricType::HISTOGRAM {
                assert!(name.ends_with("_seconds"), "{name}");
            }
        }
    }
}
