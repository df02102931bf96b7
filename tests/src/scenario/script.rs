//! The form of a scenario file.

use std::path::Path;

use anyhow::Context;
use portolan_plan::choreography::RefusalKind;
use serde::Deserialize;
use serde_json::Value;

/// A scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Script {
    /// What the story is about. Only for people.
    #[serde(rename = "title")]
    pub(super) _title: String,
    /// The sections of the API reference it holds up to. Only for people.
    #[serde(rename = "reference")]
    pub(super) _reference: String,
    /// Kinds that the API server serves beside the built-in ones.
    #[serde(default)]
    pub(super) kinds: Vec<KindLine>,
    /// Whether the controller was started with `--allow-cluster-scoped`.
    #[serde(default)]
    pub(super) allow_cluster_scoped: bool,
    /// Whether the golden file shows what blueprints say of themselves.
    #[serde(default)]
    pub(super) report_blueprints: bool,
    /// What happens, in order.
    pub(super) steps: Vec<Step>,
}

/// One thing that happens, and what the controller does about it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Step {
    /// What happens, in a sentence.
    #[serde(rename = "step")]
    pub(super) title: String,
    /// By how much the clock moves before anything else; ten seconds where nothing is said.
    pub(super) now: Option<String>,
    /// Kinds that are served from now on, differently, or no more.
    #[serde(default)]
    pub(super) kinds: Vec<KindLine>,
    /// Objects that somebody creates or changes: merged into what is there, null removes.
    #[serde(default)]
    pub(super) apply: Vec<Value>,
    /// Objects that somebody deletes: `Kind/name`, or `Kind/namespace/name`.
    #[serde(default)]
    pub(super) delete: Vec<String>,
    /// Writes that the API server refuses during this step.
    #[serde(default)]
    pub(super) refuse: Vec<RefuseLine>,
    /// Whether the controller starts anew before it looks: it forgets what it knew.
    #[serde(default)]
    pub(super) restart: bool,
    /// How many reconciles may pass until nothing is left to do.
    #[serde(default = "one")]
    pub(super) reconciles: usize,
}

/// A kind of the API server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct KindLine {
    pub(super) api_version: String,
    pub(super) kind: String,
    /// The kind in lower case and an s, where nothing is said.
    pub(super) plural: Option<String>,
    #[serde(default = "yes")]
    pub(super) namespaced: bool,
    #[serde(default)]
    pub(super) watch: Watch,
    /// Whether it is served at all.
    #[serde(default = "yes")]
    pub(super) served: bool,
    /// What the server, or a webhook, sets in every object whatever was written.
    pub(super) server_sets: Option<Value>,
}

/// How the controller sees the objects of a kind.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Watch {
    #[default]
    Synced,
    Pending,
    Forbidden,
}

/// A write that the API server refuses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefuseLine {
    /// `Kind/name`.
    pub(super) write: String,
    #[serde(rename = "as")]
    pub(super) kind: Refused,
    /// What the API server says.
    pub(super) message: String,
}

/// The kind of a refusal.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Refused {
    Forbidden,
    Invalid,
    Conflict,
    Unavailable,
}

impl From<Refused> for RefusalKind {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Forbidden => Self::Forbidden,
            Refused::Invalid => Self::Invalid,
            Refused::Conflict => Self::Conflict,
            Refused::Unavailable => Self::Unavailable,
        }
    }
}

impl Script {
    /// Reads a scenario file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_saphyr::from_str(&text).with_context(|| format!("reading {}", path.display()))
    }
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}
