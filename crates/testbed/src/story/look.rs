//! What each cluster and the forge show of a change.

use anyhow::{Context as _, Result};
use portolan_api::record::{FILE, Record};
use serde_json::Value;

use super::hop::Place;
use super::journey::Journey;
use super::ready;
use crate::forge::{Request, RequestState};
use crate::landscape::{CONFIG, Landscape, Member, TEAM};

/// What shows where a change is.
pub(super) enum Seen {
    /// It is there: the commit, image or revision that shows it.
    There(String),
    /// A request that offers it.
    Offered(Box<Request>),
    /// It will not go on: why.
    Stopped(String),
}

/// What shows that a change has got to a place, or that it will not.
pub(super) async fn look(
    landscape: &Landscape,
    journey: &Journey,
    place: Place,
) -> Result<Option<Seen>> {
    let (build, staging) = (&landscape.build, &landscape.staging);
    let app = journey.app.as_str();
    let in_staging = journey.what(Place::Fetched).unwrap_or_default();
    let in_production = journey.what(Place::ProductionDeployed).unwrap_or_default();
    let production = || landscape.production.as_ref().context("there is a production cluster");
    let deployed = "/status/observedRevision";
    let verified = "/status/verified/revision";
    let found = match place {
        Place::Pushed | Place::Merged | Place::ProductionMerged => None,
        Place::Source => {
            let found = status(build, "GitSource", app, "/status/artifact/revision").await?;
            found.filter(|found| *found == journey.source)
        }
        Place::Image => {
            let image = build.own("SourceImage", app).await?;
            let current = text(&image, "/status/builtFrom/revision") == Some(&journey.source);
            text(&image, "/status/latestImage").filter(|_| current).map(str::to_owned)
        }
        Place::Config => written(landscape, journey, "staging").await?,
        Place::Promoted => written(landscape, journey, "production").await?,
        Place::Offered => return offered(landscape, journey, "staging").await,
        Place::ProductionOffered => return offered(landscape, journey, "production").await,
        Place::Fetched => {
            let found = status(staging, "GitSource", app, "/status/artifact/revision").await?;
            holding(landscape, journey, found, journey.in_staging()).await?
        }
        Place::Deployed => match status(staging, "GitDeployment", app, deployed).await? {
            Some(found) if found == in_staging => Some(found),
            _ => return Ok(stopped(staging, app, in_staging).await?.map(Seen::Stopped)),
        },
        Place::Verified => {
            let found = status(staging, "Verification", app, verified).await?;
            found.filter(|found| found == in_staging)
        }
        Place::ProductionDeployed => {
            let found = status(production()?, "GitDeployment", app, deployed).await?;
            holding(landscape, journey, found, journey.what(Place::ProductionMerged)).await?
        }
        Place::ProductionVerified => {
            let found = status(production()?, "Verification", app, verified).await?;
            found.filter(|found| found == in_production)
        }
        Place::Reverted => {
            let writer = staging.own("GitWriter", &promoter(app)).await?;
            let (status, reason, message) = ready::condition(&writer, "Ready");
            (status == "False" && reason == "Reverted").then_some(message)
        }
    };
    Ok(found.map(Seen::There))
}

/// The GitWriter of the staging cluster that brings an application to production.
pub fn promoter(app: &str) -> String {
    format!("{app}-to-production")
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

async fn status(member: &Member, kind: &str, name: &str, pointer: &str) -> Result<Option<String>> {
    Ok(text(&member.own(kind, name).await?, pointer).map(str::to_owned))
}

/// A revision that a cluster names, if it has of the application what the expected commit brought. It is
/// a later commit where the cluster had its first look after another application's change.
async fn holding(
    landscape: &Landscape,
    journey: &Journey,
    found: Option<String>,
    expected: Option<&str>,
) -> Result<Option<String>> {
    let (Some(found), Some(expected)) = (found, expected) else { return Ok(None) };
    if found == expected {
        return Ok(Some(found));
    }
    let Ok(there) = record(landscape, &journey.app, &found).await else { return Ok(None) };
    let same = there == record(landscape, &journey.app, expected).await?;
    Ok(Some(found).filter(|_| same))
}

/// The branch that an application's configuration is written to.
fn branch(journey: &Journey, environment: &str) -> String {
    if journey.way.contains(&Place::Offered) {
        format!("{environment}-{}", journey.app)
    } else {
        environment.to_owned()
    }
}

/// The tip of the branch that is written for an environment, if it brings the change.
async fn written(
    landscape: &Landscape,
    journey: &Journey,
    environment: &str,
) -> Result<Option<String>> {
    let branch = branch(journey, environment);
    let Some(tip) = landscape.forge.branch_tip(TEAM, CONFIG, &branch).await? else {
        return Ok(None);
    };
    let Ok(record) = record(landscape, &journey.app, &tip).await else { return Ok(None) };
    let brings = if environment == "staging" {
        let source = record.provenance.source.as_ref();
        source.is_some_and(|source| source.revision == journey.source)
            && record.provenance.image.as_deref() == journey.what(Place::Image)
    } else {
        record.hops.last().map(|hop| hop.revision.as_str()) == journey.what(Place::Fetched)
    };
    Ok(Some(tip).filter(|_| brings))
}

/// The open request that offers the change to an environment and says so.
async fn offered(
    landscape: &Landscape,
    journey: &Journey,
    environment: &str,
) -> Result<Option<Seen>> {
    let Some(tip) = written(landscape, journey, environment).await? else { return Ok(None) };
    let told = format!("`{}`", super::short(&journey.source));
    let branch = branch(journey, environment);
    for value in landscape.forge.requests(TEAM, CONFIG).await? {
        let request = Request::read(&value)?;
        let fits = request.state == RequestState::Open && request.base == environment;
        if fits && request.branch == branch && request.head == tip && request.body.contains(&told) {
            return Ok(Some(Seen::Offered(Box::new(request))));
        }
    }
    Ok(None)
}

/// An application's record at a commit.
pub async fn record(landscape: &Landscape, app: &str, commit: &str) -> Result<Record> {
    let path = format!("apps/{app}/{FILE}");
    let bytes = landscape.forge.read_file(TEAM, CONFIG, commit, &path).await?;
    let bytes = bytes.with_context(|| format!("commit {commit} has no {path}"))?;
    Ok(Record::read(&bytes)?)
}

/// Why the deployment of a revision does not go on, once a person has to act.
async fn stopped(member: &Member, app: &str, revision: &str) -> Result<Option<String>> {
    let deployment = member.own("GitDeployment", app).await?;
    let ours = text(&deployment, "/status/attemptedRevision") == Some(revision);
    let (status, reason, message) = ready::condition(&deployment, "Stalled");
    Ok((ours && status == "True").then(|| format!("{reason}: {message}")))
}

/// Where things stand, for the error that ends a journey without end.
pub(super) async fn standing(landscape: &Landscape, app: &str) -> String {
    let promoter = promoter(app);
    let mut lines = vec!["what the clusters say:".to_owned()];
    for member in landscape.members() {
        let objects = match member.name() {
            "build" => {
                &[("Workload", app), ("GitSource", app), ("SourceImage", app), ("GitWriter", app)]
            }
            _ => &[
                ("Deliverable", app),
                ("GitDeployment", app),
                ("Verification", app),
                ("GitWriter", promoter.as_str()),
            ],
        };
        for (kind, name) in objects {
            let object = member.own(kind, name).await.unwrap_or_default();
            let conditions = object.pointer("/status/conditions").cloned().unwrap_or_default();
            lines.push(format!("{} {kind} {name}: {conditions}", member.name()));
        }
    }
    lines.join("\n")
}
