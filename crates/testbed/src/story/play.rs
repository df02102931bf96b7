//! The five rounds of the story, on the landscape of `examples/pull-requests`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use serde_json::Value;

use super::breakage::Breakage;
use super::hop::Place;
use super::journey::{Follower, Journey};
use super::look::record;
use super::people::{Environment, Style, merge, push};
use super::ready::{all_ready, ready};
use super::revert::revert;
use super::teller::Teller;
use crate::forge::{Request, RequestState};
use crate::landscape::{APP, CONFIG, Landscape, Member, TEAM};
use crate::wait::eventually;

/// The second application.
pub const OTHER: &str = "cart";

/// Longest time a look at a server may take, while it comes and goes.
const DEADLINE: Duration = Duration::from_mins(3);

/// The rounds, on one landscape.
pub struct Play<'p> {
    /// Where it happens.
    pub landscape: &'p Landscape,
    /// Who hears of it.
    pub teller: &'p Teller<'p>,
}

/// What came of a round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its number, from 1.
    pub number: u32,
    /// What it is about.
    pub title: String,
    /// The changes in it.
    pub journeys: Vec<Journey>,
}

impl Play<'_> {
    /// A round of the story.
    pub async fn round(&self, number: u32) -> Result<Round> {
        let breakage = Breakage::of(self.landscape);
        let title = match number {
            1 => "new applications; squash, branch deleted".to_owned(),
            2 => "new versions; merge commit, branch kept".to_owned(),
            3 => format!("{APP} {}", breakage.told()),
            4 => format!("production takes {APP} back; {OTHER} goes on"),
            _ => format!("a newer {APP} goes over the revert"),
        };
        self.teller.round(number, &title);
        let journeys = match number {
            1 => self.travel(&[OTHER, APP], 1, Style::SQUASH).await,
            2 => self.travel(&[OTHER, APP], 2, Style::MERGE).await,
            3 => self.breaks(breakage).await.map(|journey| vec![journey]),
            4 => self.reverts().await,
            _ => {
                breakage.mend(self.landscape, APP).await?;
                self.travel(&[OTHER, APP], number, Style::SQUASH).await
            }
        };
        let journeys = journeys.with_context(|| format!("round {number}: {title}"))?;
        Ok(Round { number, title, journeys })
    }

    /// Changes of several applications, from their pushes to production; each step of all, in the given
    /// order, before the next of any.
    async fn travel(&self, apps: &[&str], version: u32, style: Style) -> Result<Vec<Journey>> {
        let landscape = self.landscape;
        let mut followers = Vec::new();
        for app in apps {
            followers.push(self.push(app, version, None).await?);
        }
        for environment in [Environment::Staging, Environment::Production] {
            let offered = match environment {
                Environment::Staging => Place::Offered,
                Environment::Production => Place::ProductionOffered,
            };
            let all = try_join_all(followers.iter_mut().map(|follower| follower.to(offered)));
            all.await?;
            for follower in &mut followers {
                if environment == Environment::Production {
                    let app = &follower.journey().app;
                    let [tested, live] = self.images(app).await?;
                    ensure!(tested != live, "production has {tested} before its merge");
                }
                merge(landscape, follower, environment, style).await?;
            }
        }
        let last = Place::ProductionVerified;
        try_join_all(followers.iter_mut().map(|follower| follower.to(last))).await?;
        for app in apps {
            self.belongs_together(app).await?;
            all_ready(landscape, app).await?;
        }
        Ok(followers.into_iter().map(Follower::into_journey).collect())
    }

    async fn push(
        &self,
        app: &str,
        version: u32,
        breakage: Option<Breakage>,
    ) -> Result<Follower<'_>> {
        let begun = Instant::now();
        let source = push(self.landscape, app, version, breakage).await?;
        let journey = Journey::new(app, &source, &Place::REVIEWED);
        Ok(Follower::new(self.landscape, journey, begun, self.teller))
    }

    /// The same image runs in both environments, and one passage tells of both.
    async fn belongs_together(&self, app: &str) -> Result<()> {
        let [tested, live] = self.images(app).await?;
        ensure!(tested == live, "staging runs {tested}, production {live}");
        let [staging, production] = eventually("the records of both", DEADLINE, async || {
            let tips = [self.tip("staging").await?, self.tip("production").await?];
            let staging = record(self.landscape, app, &tips[0]).await?;
            Ok(Some([staging, record(self.landscape, app, &tips[1]).await?]))
        })
        .await?;
        ensure!(staging.passage == production.passage, "{staging:?}\n{production:?}");
        Ok(())
    }

    /// A change that staging stops: production stays as it is, and nothing is offered to it.
    async fn breaks(&self, breakage: Breakage) -> Result<Journey> {
        let before = self.tip("production").await?;
        breakage.make(self.landscape, APP).await?;
        let mut follower = self.push(APP, 3, Some(breakage)).await?;
        follower.may_stop = Some(breakage.reason());
        merge(self.landscape, &mut follower, Environment::Staging, Style::SQUASH).await?;
        let arrived = follower.to(Place::Verified).await?;
        ensure!(!arrived, "it did not stop");
        let why = follower.journey().stopped.clone().unwrap_or_default();
        self.teller.say(&format!("{APP:<5} staging stopped it: {why}"));
        ready(&self.landscape.staging, "GitDeployment", APP, "False", "Unhealthy").await?;
        ensure!(self.tip("production").await? == before, "production moved");
        ensure!(self.offers(APP).await? == 0, "what is broken is offered to production");
        self.teller.say("production is as it was, and no request offers it anything");
        Ok(follower.into_journey())
    }

    /// Production takes the last merge back; another application's change goes through meanwhile, and
    /// nobody undoes the revert.
    async fn reverts(&self) -> Result<Vec<Journey>> {
        let before = self.directory(APP).await?;
        let mut follower = revert(self.landscape, APP, self.teller).await?;
        let undone = self.directory(APP).await?;
        ensure!(undone != before, "the revert changed nothing");
        follower.to(Place::Reverted).await?;
        let others = self.travel(&[OTHER], 4, Style::SQUASH).await?;
        let promoter = super::promoter(APP);
        ready(&self.landscape.staging, "GitWriter", &promoter, "False", "Reverted").await?;
        ensure!(self.directory(APP).await? == undone, "somebody undid the revert");
        ensure!(self.offers(APP).await? == 0, "what was taken back is offered again");
        self.teller.say(&format!("{APP:<5} is as it was taken back, and nothing offers it again"));
        Ok([vec![follower.into_journey()], others].concat())
    }

    async fn tip(&self, branch: &str) -> Result<String> {
        eventually(&format!("branch {branch}"), DEADLINE, async || {
            self.landscape.forge.branch_tip(TEAM, CONFIG, branch).await
        })
        .await
    }

    /// What production's branch has of an application: the id of the directory.
    async fn directory(&self, app: &str) -> Result<String> {
        let path = format!("/repos/{TEAM}/{CONFIG}/contents/apps?ref=production");
        eventually("the directories of production", DEADLINE, async || {
            let (_, found) = self.landscape.forge.api(http::Method::GET, &path, None).await?;
            let entries = found.as_array().cloned().unwrap_or_default();
            let entry = entries.into_iter().find(|entry| entry["name"] == app);
            Ok(entry.and_then(|entry| entry["sha"].as_str().map(str::to_owned)))
        })
        .await
    }

    /// Open requests of an application into production.
    async fn offers(&self, app: &str) -> Result<usize> {
        let branch = format!("production-{app}");
        eventually("the requests into production", DEADLINE, async || {
            let all = self.landscape.forge.requests(TEAM, CONFIG).await?;
            let all = all.iter().map(Request::read).collect::<Result<Vec<_>>>()?;
            let open = |request: &&Request| {
                request.state == RequestState::Open && request.branch == branch
            };
            Ok(Some(all.iter().filter(open).count()))
        })
        .await
    }

    /// The images that staging and production run.
    async fn images(&self, app: &str) -> Result<[Value; 2]> {
        let production = self.landscape.production.as_ref().context("there is production")?;
        eventually(&format!("the images of {app}"), DEADLINE, async || {
            let staging = image(&self.landscape.staging, app).await?;
            Ok(Some([staging, image(production, app).await?]))
        })
        .await
    }
}

/// The image that a cluster's Deployment names; null where there is none.
pub async fn image(member: &Member, app: &str) -> Result<Value> {
    let deployment = member.object("apps/v1", "Deployment", app).await?;
    let image = deployment.pointer("/spec/template/spec/containers/0/image");
    Ok(image.cloned().unwrap_or_default())
}
