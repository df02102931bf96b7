//! Drift: what somebody changed of our fields is put right, but not for ever against a stubborn other.

use jiff::Timestamp;
use portolan_api::native::reasons::CONTESTED;
use portolan_plan::deployment::Moment;
use portolan_plan::object::{self, Gvk};
use portolan_plan::outcome::{Event, Expect};

use super::check::named;
use super::desired::Desired;
use super::live::Live;
use super::{GitDeployments, Round};
use crate::native::{recall, remember};
use crate::trouble::{Class, Trouble};

impl GitDeployments {
    /// Puts right what differs from the applied revision. An object that cannot be put right holds
    /// up none of the others.
    pub(super) async fn repair(
        &self,
        round: &Round<'_>,
        desired: &[Desired],
        mut live: Live,
    ) -> Result<Live, Trouble> {
        let mut first = None;
        for wanted in desired {
            if self.converged(wanted, live.objects.get(&wanted.key)) {
                continue;
            }
            match self.put_right(round, wanted, &mut live).await {
                Ok(()) => {}
                Err(trouble) if trouble.class == Class::Transient => return Err(trouble),
                Err(trouble) => first = first.or(Some(trouble)),
            }
        }
        first.map_or(Ok(live), Err)
    }

    async fn put_right(
        &self,
        round: &Round<'_>,
        wanted: &Desired,
        live: &mut Live,
    ) -> Result<(), Trouble> {
        let found = live.objects.get(&wanted.key);
        let (expect, how) = match found {
            Some(found) => {
                let expect = Expect::Uid(object::uid(found).into());
                (expect, "was changed by somebody else and is put right")
            }
            // Gone, or only its label is: then it is not in the cache either.
            None => match self.missing(round, wanted).await? {
                Expect::Absent => {
                    (Expect::Absent, "was deleted by somebody else and is made again")
                }
                expect @ Expect::Uid(_) => (expect, "lost its label and is taken back"),
            },
        };
        self.count_repair(round, wanted)?;
        // Rights and the objects of others are not watched.
        let applied = self.apply_one(round, wanted, &expect, live).await;
        applied.map_err(|error| Trouble::from(error).unseen())?;
        let message = format!("{} {how}", named(wanted));
        let event = Event::normal("DriftRepaired", message);
        self.cx.events.record(&round.native.value, vec![event]);
        Ok(())
    }

    /// What must be true of an object of the inventory that does not bear our label.
    async fn missing(&self, round: &Round<'_>, wanted: &Desired) -> Result<Expect, Trouble> {
        let served = wanted.kind.clone().or_else(|| self.cx.kinds.get(&Gvk::of(&wanted.object)));
        let Some(kind) = served else { return Ok(Expect::Absent) };
        let (expect, _) = self.unlabelled(round, wanted, &kind, Moment::Drift).await?;
        Ok(expect)
    }

    /// A fight is reported, not fought.
    fn count_repair(&self, round: &Round<'_>, wanted: &Desired) -> Result<(), Trouble> {
        let key = &round.native.key;
        let mut repairs = recall(&self.repairs, key).unwrap_or_default();
        let allowed = repairs.allow(&wanted.key, Timestamp::now());
        remember(&self.repairs, key, Some(repairs));
        if allowed {
            return Ok(());
        }
        let message = format!(
            "somebody keeps changing {}: stop the other writer, or leave the field out of the manifest",
            named(wanted)
        );
        Err(Trouble::stalled(CONTESTED, message).unseen())
    }
}
