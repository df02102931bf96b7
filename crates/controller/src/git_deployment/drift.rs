//! Drift: what somebody changed of our fields is put right, but not for ever against a stubborn other.

use std::time::Duration;

use jiff::Timestamp;
use portolan_api::native::reasons::CONTESTED;
use portolan_plan::object;
use portolan_plan::outcome::{Event, Expect};

use super::desired::Desired;
use super::live::Live;
use super::{GitDeployments, Round};
use crate::native::{recall, remember};
use crate::trouble::Trouble;

/// More repairs than this within [`WINDOW`] are a fight.
const REPAIRS: usize = 5;
/// The time in which repairs are counted.
const WINDOW: Duration = Duration::from_mins(1);

impl GitDeployments {
    /// Puts right what differs from the applied revision.
    pub(super) async fn repair(
        &self,
        round: &Round<'_>,
        desired: &[Desired],
        mut live: Live,
    ) -> Result<Live, Trouble> {
        for wanted in desired {
            let found = live.objects.get(&wanted.key);
            if self.converged(wanted, found) {
                continue;
            }
            let expect =
                found.map_or(Expect::Absent, |found| Expect::Uid(object::uid(found).into()));
            self.count_repair(round, wanted)?;
            self.apply_one(round, wanted, &expect, &mut live).await?;
            let message = format!(
                "{} {}/{} was changed by somebody else and is put right",
                wanted.key.kind, wanted.key.namespace, wanted.key.name
            );
            let event = Event::normal("DriftRepaired", message);
            self.cx.events.record(&round.native.value, vec![event]);
        }
        Ok(live)
    }

    /// A fight is reported, not fought.
    fn count_repair(&self, round: &Round<'_>, wanted: &Desired) -> Result<(), Trouble> {
        let key = &round.native.key;
        let now = Timestamp::now();
        let mut repairs = recall(&self.repairs, key).unwrap_or_default();
        repairs
            .retain(|at| Duration::try_from(now.duration_since(*at)).is_ok_and(|age| age < WINDOW));
        let fight = repairs.len() >= REPAIRS;
        if !fight {
            repairs.push(now);
        }
        remember(&self.repairs, key, Some(repairs));
        if !fight {
            return Ok(());
        }
        let message = format!(
            "somebody keeps changing {} {}/{}: stop the other writer, or leave the field out of the \
             manifest",
            wanted.key.kind, wanted.key.namespace, wanted.key.name
        );
        Err(Trouble::stalled(CONTESTED, message).unseen())
    }
}
