//! Following one change: what each cluster and the forge show of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use portolan_api::record::{FILE, Record};
use serde_json::Value;

use super::hop::{Hop, Place};
use crate::landscape::{APP, CONFIG, Landscape, TEAM};

/// Longest time one change may take, on a busy machine.
const DEADLINE: Duration = Duration::from_mins(5);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// The way of one change.
#[derive(Clone, Debug)]
pub struct Journey {
    /// The source commit.
    pub source: String,
    /// The hops that happened.
    pub hops: Vec<Hop>,
    /// Id of the passage, once its configuration is written.
    pub passage: Option<String>,
    /// Why it stopped, where it did.
    pub stopped: Option<String>,
}

impl Journey {
    /// What a hop left behind.
    pub fn what(&self, place: Place) -> Option<&str> {
        self.hops.iter().find(|hop| hop.place == place).map(|hop| hop.what.as_str())
    }

    /// Whether the change came to its end.
    pub fn arrived(&self) -> bool {
        self.what(Place::Promoted).is_some()
    }
}

/// Follows a pushed source commit until it is promoted, or stops in staging. Each hop is told once,
/// when it is seen.
pub async fn follow(
    landscape: &Landscape,
    source: &str,
    pushed: Instant,
    tell: &(dyn Fn(&Hop) + Sync),
) -> Result<Journey> {
    let mut journey =
        Journey { source: source.into(), hops: Vec::new(), passage: None, stopped: None };
    let hop = Hop { place: Place::Pushed, what: source.into(), after: Duration::ZERO };
    tell(&hop);
    journey.hops.push(hop);
    for place in Place::ALL.into_iter().skip(1) {
        let what = loop {
            if let Some(what) = look(landscape, &journey, place).await? {
                break what;
            }
            if place == Place::Deployed
                && let Some(reason) = stopped(landscape, &journey).await?
            {
                journey.stopped = Some(reason);
                return Ok(journey);
            }
            if pushed.elapsed() > DEADLINE {
                bail!("no end: {}", standing(landscape, place).await);
            }
            tokio::time::sleep(LOOK).await;
        };
        if place == Place::Config {
            journey.passage = Some(record(landscape, "staging", &what).await?.passage);
        }
        let hop = Hop { place, what, after: pushed.elapsed() };
        tell(&hop);
        journey.hops.push(hop);
    }
    Ok(journey)
}

/// What shows that the change has got to a place.
async fn look(landscape: &Landscape, journey: &Journey, place: Place) -> Result<Option<String>> {
    let Landscape { build, staging: target, .. } = landscape;
    let at = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let config = journey.what(Place::Config).unwrap_or_default();
    Ok(match place {
        Place::Pushed => None,
        Place::Source => {
            let source = build.own("GitSource", APP).await?;
            Some(at(&source, "/status/artifact/revision")).filter(|found| *found == journey.source)
        }
        Place::Image => {
            let image = build.own("SourceImage", APP).await?;
            let current = at(&image, "/status/builtFrom/revision") == journey.source;
            Some(at(&image, "/status/latestImage")).filter(|_| current)
        }
        Place::Config => {
            written(landscape, "staging", |record| {
                record.provenance.source.as_ref().is_some_and(|s| s.revision == journey.source)
            })
            .await?
        }
        Place::Fetched => {
            let source = target.own("GitSource", APP).await?;
            Some(at(&source, "/status/artifact/revision")).filter(|found| found == config)
        }
        Place::Deployed => {
            let deployment = target.own("GitDeployment", APP).await?;
            Some(at(&deployment, "/status/observedRevision")).filter(|found| found == config)
        }
        Place::Verified => {
            let verification = target.own("Verification", APP).await?;
            Some(at(&verification, "/status/verified/revision")).filter(|found| found == config)
        }
        Place::Promoted => {
            written(landscape, "production", |record| {
                record.hops.last().is_some_and(|hop| hop.revision == config)
            })
            .await?
        }
    })
}

/// The tip of a configuration branch, if its record passes.
async fn written(
    landscape: &Landscape,
    branch: &str,
    passes: impl Fn(&Record) -> bool,
) -> Result<Option<String>> {
    let Some(tip) = landscape.forge.branch_tip(TEAM, CONFIG, branch).await? else {
        return Ok(None);
    };
    let found = record(landscape, branch, &tip).await.ok();
    Ok(found.filter(passes).map(|_| tip))
}

/// The application's record at a commit.
pub(super) async fn record(landscape: &Landscape, branch: &str, commit: &str) -> Result<Record> {
    let path = format!("apps/{APP}/{FILE}");
    let bytes = landscape.forge.read_file(TEAM, CONFIG, commit, &path).await?;
    let bytes = bytes.with_context(|| format!("{path} is not on branch {branch}"))?;
    Ok(Record::read(&bytes)?)
}

/// Why the deployment of this change does not go on, once a person has to act.
async fn stopped(landscape: &Landscape, journey: &Journey) -> Result<Option<String>> {
    let deployment = landscape.staging.own("GitDeployment", APP).await?;
    let attempted = deployment.pointer("/status/attemptedRevision").and_then(Value::as_str);
    let conditions = deployment.pointer("/status/conditions").and_then(Value::as_array);
    let stalled = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Stalled" && condition["status"] == "True");
    let ours = attempted.is_some() && attempted == journey.what(Place::Config);
    Ok(stalled.filter(|_| ours).map(|condition| {
        let text = |key: &str| condition[key].as_str().unwrap_or_default();
        format!("{}: {}", text("reason"), text("message"))
    }))
}

/// Where things stand, for the error that ends a journey without end.
async fn standing(landscape: &Landscape, place: Place) -> String {
    let mut lines = vec![format!("waiting for: {}", place.told())];
    for (member, kinds) in [
        (&landscape.build, &["Workload", "GitSource", "SourceImage", "GitWriter"][..]),
        (&landscape.staging, &["Deliverable", "GitSource", "GitDeployment", "Verification"][..]),
    ] {
        for kind in kinds {
            let object = member.own(kind, APP).await.unwrap_or_default();
            let conditions = object.pointer("/status/conditions").cloned().unwrap_or_default();
            lines.push(format!("{} {kind}: {conditions}", member.name()));
        }
    }
    lines.join("\n")
}
