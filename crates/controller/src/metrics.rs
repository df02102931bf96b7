//! What the program counts, for a metrics server to read.

use std::time::Duration;

use portolan_plan::outcome::Again;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// The program's metrics. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    rounds: IntCounterVec,
    seconds: HistogramVec,
    queued: IntGaugeVec,
}

impl Metrics {
    /// Metrics that have counted nothing.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let rounds = IntCounterVec::new(
            Opts::new(
                "portolan_reconciles_total",
                "Rounds of reconciling, by kind and how they ended.",
            ),
            &["kind", "result"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("portolan_reconcile_seconds", "Time a round took, by kind.")
                .buckets(vec![0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0]),
            &["kind"],
        )?;
        let queued = IntGaugeVec::new(
            Opts::new("portolan_queue_depth", "Objects that wait for a round, by kind."),
            &["kind"],
        )?;
        registry.register(Box::new(rounds.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(queued.clone()))?;
        Ok(Self { registry, rounds, seconds, queued })
    }

    pub(crate) fn round(&self, kind: &str, took: Duration, again: Option<Again>) {
        let result = match again {
            Some(Again::OnChange | Again::After(_)) => "done",
            Some(Again::BackOff) => "back_off",
            None => "panic",
        };
        self.rounds.with_label_values(&[kind, result]).inc();
        self.seconds.with_label_values(&[kind]).observe(took.as_secs_f64());
    }

    pub(crate) fn queued(&self, kind: &str, depth: usize) {
        self.queued.with_label_values(&[kind]).set(depth.try_into().unwrap_or(i64::MAX));
    }

    /// All metrics in the text format.
    pub(crate) fn text(&self) -> String {
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => format!("# {error}\n"),
        }
    }
}
