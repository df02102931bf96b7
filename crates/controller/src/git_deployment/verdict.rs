//! The verdict on an applied revision: live, on the way, or not healthy in time.

use std::time::Duration;

use jiff::Timestamp;
use portolan_api::condition::Decided;
use portolan_api::native::git_deployment::GitDeploymentStatus;
use portolan_api::native::reasons::{
    DRIFT_NOT_WATCHED, READY, RECONCILING, STALLED, stalled, succeeded, waiting,
};
use portolan_plan::deployment::{Overall, all_healthy, overall, unhealthy_for};
use portolan_plan::outcome::Again;

use super::desired::Desired;
use super::live::Live;
use super::{GitDeployments, Round, health};
use crate::git_source::short;
use crate::metrics::{Hop, since};
use crate::native::Done;
use crate::trouble::Trouble;

/// A look is taken this much after the time it is for, so that the time is over.
const MOMENT: Duration = Duration::from_millis(100);

impl GitDeployments {
    /// Judges the health of everything that was applied.
    pub(super) async fn judge(
        &self,
        round: &Round<'_>,
        desired: &[Desired],
        live: &Live,
        status: &mut GitDeploymentStatus,
        timeout: Duration,
    ) -> Result<Done, Trouble> {
        let reports = health::reports(round.spec, desired, live);
        let healthy = all_healthy(&reports);
        let unhealthy = unhealthy_for(status, healthy, Timestamp::now());
        let revision = &round.source.revision;
        let at = short(revision).to_owned();
        let was_live = status.observed_revision.as_ref() == Some(revision);
        let mut unwatched: Vec<Decided> = Vec::new();
        if !live.unwatched.is_empty() {
            let message = live.unwatched.join("; ");
            unwatched.push(Decided::yes(DRIFT_NOT_WATCHED, "WatchForbidden", message));
        }
        // Objects that are not watched are looked at again from time to time.
        let look = if live.unwatched.is_empty() { Again::OnChange } else { Again::BackOff };
        match overall(&reports, unhealthy, timeout) {
            Overall::Healthy => {
                status.observed_revision = Some(revision.clone());
                status.url = Some(round.source.url.clone());
                status.objects.clear();
                reached(status);
                if !was_live && let Some(took) = status.attempted_at.as_deref().and_then(since) {
                    self.cx.metrics.hop(Hop::Deployed, took);
                }
                let message = format!("{at} is live: {} objects", desired.len());
                let ready = vec![Decided::yes(READY, succeeded::SUCCEEDED, message)];
                // Being healthy, drift of what is not watched is only seen by those looks.
                let look = if live.unwatched.is_empty() { look } else { Again::After(timeout) };
                Ok(Done::with([ready, unwatched].concat()).again(look))
            }
            Overall::Progressing { left, .. } if !was_live && unhealthy < health::PATIENCE => {
                let soon = health::PATIENCE.saturating_sub(unhealthy).min(left) + MOMENT;
                let conditions = [progressing(&rolling_out(revision)), unwatched].concat();
                Ok(Done::with(conditions).again(Again::After(soon)))
            }
            Overall::Progressing { left, mut objects } => {
                health::explain(&self.cx, round, desired, live, &mut objects).await;
                let message = format!("{at}: {}", health::sentence(&objects));
                status.objects = objects;
                let soon = health::NEXT_LOOK.min(left + MOMENT);
                let conditions = [progressing(&message), unwatched].concat();
                Ok(Done::with(conditions).again(Again::After(soon)))
            }
            Overall::Unhealthy { mut objects } => {
                health::explain(&self.cx, round, desired, live, &mut objects).await;
                let (seconds, why) = (timeout.as_secs(), health::sentence(&objects));
                let message = format!("{at} is not healthy after {seconds} s: {why}");
                status.objects = objects;
                let stalled = vec![
                    Decided::no(READY, stalled::UNHEALTHY, &message),
                    Decided::yes(STALLED, stalled::UNHEALTHY, message),
                ];
                Ok(Done::with([stalled, unwatched].concat()).again(look))
            }
        }
    }
}

/// Conditions while objects are on the way.
pub(super) fn progressing(message: &str) -> Vec<Decided> {
    vec![
        Decided::unknown(READY, waiting::PROGRESSING, message),
        Decided::yes(RECONCILING, waiting::PROGRESSING, message),
    ]
}

/// What is told of a revision while it goes in and for the first moments after.
pub(super) fn rolling_out(revision: &str) -> String {
    format!("{} is rolled out", short(revision))
}

/// What was taken over is ours once a revision with it was healthy.
fn reached(status: &mut GitDeploymentStatus) {
    for entry in status.inventory.iter_mut().flat_map(|inventory| &mut inventory.entries) {
        entry.adopted = false;
    }
}
