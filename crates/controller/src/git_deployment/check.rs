//! Checking a revision before its first write: whose its objects are, and what the server says to
//! them.
//!
//! **Invariant:** nothing here changes an object.

use std::collections::BTreeSet;

use portolan_api::labels::DEPLOYMENT;
use portolan_api::native::git_deployment::{Force, GitDeploymentStatus};
use portolan_cluster::{ApplyOptions, HeldBy, Key, Selection, WriteError, WriteErrorKind};
use portolan_plan::deployment::{Claim, DEFINITION_COMES, DryRun, Moment, Stage, listed};
use portolan_plan::object::{self, ServedKind};
use portolan_plan::outcome::Expect;

use super::desired::{Desired, refused};
use super::live::Live;
use super::{GitDeployments, KIND, MANAGER, Round};
use crate::dependencies::{Item, Thing};
use crate::kinds::ours;
use crate::trouble::{Class, Trouble};

/// How an object goes in.
pub(super) enum Way {
    /// It is there and as it should be.
    Converged,
    /// It has to be applied.
    Apply {
        /// What must be true of the live object.
        expect: Expect,
        /// Whether it is taken over from nobody.
        adopted: bool,
        /// Why the server could not be asked about it.
        unchecked: Option<String>,
    },
}

/// What the server says to an object.
type Answer = Result<Option<String>, String>;

impl GitDeployments {
    /// Checks every object; all that could not be asked about are noted in the status.
    pub(super) async fn check_all(
        &self,
        round: &Round<'_>,
        desired: &[Desired],
        live: &Live,
        status: &mut GitDeploymentStatus,
    ) -> Result<Vec<Way>, Trouble> {
        let coming = desired.iter().filter(|wanted| wanted.stage == Stage::Namespaces);
        let coming: BTreeSet<&str> = coming.map(|wanted| wanted.key.name.as_str()).collect();
        let mut ways = Vec::new();
        let mut mistakes = Vec::new();
        for wanted in desired {
            match self.check(round, wanted, live, &coming).await.map_err(nothing_changed)? {
                Ok(way) => ways.push(way),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if !mistakes.is_empty() {
            // What the server refuses today (a webhook, a quota) it may accept tomorrow.
            return Err(refused(&mistakes).unseen());
        }
        status.unchecked =
            listed(desired.iter().zip(&ways).filter_map(|(wanted, way)| match way {
                Way::Apply { unchecked: Some(why), .. } => {
                    Some(format!("{} {}: {why}", wanted.manifest.file, named(wanted)))
                }
                _ => None,
            }));
        Ok(ways)
    }

    async fn check(
        &self,
        round: &Round<'_>,
        wanted: &Desired,
        live: &Live,
        coming: &BTreeSet<&str>,
    ) -> Result<Result<Way, String>, Trouble> {
        let found = live.objects.get(&wanted.key);
        if self.converged(wanted, found) {
            return Ok(Ok(Way::Converged));
        }
        let Some(kind) = &wanted.kind else {
            let unchecked = Some(DEFINITION_COMES.to_owned());
            return Ok(Ok(Way::Apply { expect: Expect::Absent, adopted: false, unchecked }));
        };
        let (expect, adopted) = match found {
            Some(found) => (Expect::Uid(object::uid(found).into()), false),
            None => self.unlabelled(round, wanted, kind, Moment::Revision).await?,
        };
        let comes = coming.contains(wanted.key.namespace.as_str());
        let answer = self.dry_run(round, wanted, kind, &expect, comes).await?;
        Ok(answer.map(|unchecked| Way::Apply { expect, adopted, unchecked }))
    }

    /// Asks the server what it would say; `comes` tells whether the namespace is in the revision.
    async fn dry_run(
        &self,
        round: &Round<'_>,
        wanted: &Desired,
        kind: &ServedKind,
        expect: &Expect,
        comes: bool,
    ) -> Result<Answer, Trouble> {
        let options = ApplyOptions { manager: MANAGER, dry_run: true, owner: None };
        let cluster = &self.cx.cluster;
        let asked = cluster.apply(&round.identity, kind, &wanted.object, expect, options).await;
        let Err(error) = asked else { return Ok(Ok(None)) };
        match error.kind {
            WriteErrorKind::Unavailable | WriteErrorKind::Conflict => Err(error.into()),
            _ if may_force(round, &error) => Ok(Ok(None)),
            _ => Ok(match DryRun::read(&error.message, &wanted.key.namespace, comes) {
                DryRun::Unchecked(why) => Ok(Some(why)),
                DryRun::Refused(why) => Err(wanted.manifest.mistake(why).to_string()),
            }),
        }
    }

    /// What an object must be like that does not bear our label, if it may be taken over; and
    /// whether it counts as adopted then.
    pub(super) async fn unlabelled(
        &self,
        round: &Round<'_>,
        wanted: &Desired,
        kind: &ServedKind,
        moment: Moment,
    ) -> Result<(Expect, bool), Trouble> {
        let (namespace, name) = (&wanted.key.namespace, &wanted.key.name);
        let found = match self.cx.cluster.get(&round.identity, kind, namespace, name).await {
            Ok(HeldBy::Object(found)) => found,
            Ok(HeldBy::Nobody) => return Ok((Expect::Absent, false)),
            // Whoever may not read an object may still be allowed to make it.
            Err(WriteError {
                kind: WriteErrorKind::NotFound | WriteErrorKind::Forbidden, ..
            }) => {
                return Ok((Expect::Absent, false));
            }
            Err(error) => return Err(error.into()),
        };
        let claim = match object::label(&found, DEPLOYMENT) {
            Some(uid) if uid == round.uid => Claim::Ours,
            Some(uid) => self.holder(round, uid).unwrap_or(Claim::Gone),
            None => Claim::Nobody,
        };
        match claim.take(&named(wanted), round.spec.adopt, moment) {
            Ok(adopted) => Ok((Expect::Uid(object::uid(&found).into()), adopted)),
            // What becomes of it is not watched: it does not bear our label.
            Err((reason, message)) => Err(Trouble::stalled(reason, message).unseen()),
        }
    }

    /// The live GitDeployment with a UID. What becomes of it wakes us.
    fn holder(&self, round: &Round<'_>, uid: &str) -> Option<Claim> {
        let store = self.cx.caches.store(&ours(KIND), &Selection::default())?;
        let find = || store.all().into_iter().find(|stored| stored.uid == uid);
        let item = Item::new(KIND, round.native.key.clone());
        let key: Key = find()?.key.clone();
        self.cx.dependencies.track_also(&item, Thing::object(portolan_api::GROUP, KIND, key));
        let found = find()?;
        let owner = object::controller_uid(&round.native.value);
        let sibling = owner.is_some() && found.owner.as_deref() == owner;
        Some(Claim::Live { name: found.key.to_string(), sibling })
    }
}

/// `<kind> <namespace>/<name>` of an object, for messages.
pub(super) fn named(wanted: &Desired) -> String {
    let key = &wanted.key;
    format!("{} {}/{}", key.kind, key.namespace, key.name)
}

/// The same trouble, saying that it came before the first write.
fn nothing_changed(mut trouble: Trouble) -> Trouble {
    if trouble.class == Class::Stalled {
        trouble.message = format!("nothing was changed: {}", trouble.message);
    }
    trouble
}

/// Whether an object that refuses a change may be replaced by a new one.
pub(super) fn may_force(round: &Round<'_>, error: &WriteError) -> bool {
    round.spec.force == Force::OnImmutable
        && error.kind == WriteErrorKind::Invalid
        && error.message.contains("immutable")
}
