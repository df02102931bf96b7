//! A maintainer takes production's last merge back.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::clone::Clone;
use super::hop::Place;
use super::journey::{Follower, Journey, Tell};
use super::people::{Environment, Style, maintainer, review};
use crate::forge::{Request, RequestState};
use crate::landscape::{CONFIG, Landscape, TEAM};
use crate::wait::eventually;

/// Longest time anything on the forge may take, while it comes and goes.
const DEADLINE: Duration = Duration::from_mins(3);

/// The branch that takes it back.
const BRANCH: &str = "take-back";
const BASE: &str = "production";

/// Production's maintainer reverts the last merge into production by git and offers that; staging's
/// approves, production's merges. Follows it until the revert is live.
pub async fn revert<'l>(
    landscape: &'l Landscape,
    app: &str,
    tell: &'l dyn Tell,
) -> Result<Follower<'l>> {
    let journey = Journey::new(app, "", &Place::REVERTED);
    let mut follower = Follower::new(landscape, journey, Instant::now(), tell);
    tell.waits(app, Place::ProductionOffered);
    let head = reverted(landscape).await?;
    let number = offered(landscape, app).await?;
    follower.reached(Place::ProductionOffered, format!("#{number}"));
    let (own, other) = (Environment::Production, Environment::Staging);
    // A merge commit would do as well; the branch has served.
    review(landscape, &mut follower, own, other, number, &head, Style::SQUASH).await?;
    follower.to(Place::ProductionDeployed).await?;
    Ok(follower)
}

/// Pushes the revert to a branch; returns the commit.
async fn reverted(landscape: &Landscape) -> Result<String> {
    let (user, password) = landscape.maintainer(BASE);
    let clone = Clone::new(landscape, CONFIG, (&user, password)).await?;
    clone.git(&["checkout", "-q", "-b", BRANCH, &format!("origin/{BASE}")]).await?;
    clone.git(&["revert", "-m", "1", "--no-edit", "HEAD"]).await?;
    clone.push(BRANCH).await
}

/// Opens the request, unless the forge did so and went away before it answered.
async fn offered(landscape: &Landscape, app: &str) -> Result<u64> {
    let login = maintainer(landscape, Environment::Production);
    let title = format!("Take the last change of {app} back");
    let body = format!("Reverts what the last merge brought of {app}: users miss the old page.");
    eventually("a request that takes it back", DEADLINE, async || {
        let all = landscape.forge.requests(TEAM, CONFIG).await?;
        let all = all.iter().map(Request::read).collect::<Result<Vec<_>>>()?;
        let open =
            |request: &&Request| request.state == RequestState::Open && request.branch == BRANCH;
        match all.iter().find(open) {
            Some(request) => Ok(Some(request.number)),
            None => landscape
                .forge
                .open_request(&login, TEAM, CONFIG, [BRANCH, BASE], [&title, &body])
                .await
                .map(Some),
        }
    })
    .await
}
