//! Deleting a GitDeployment: its objects go with it, or stay, and nothing holds it for ever.

use portolan_api::native::GitDeployment;
use portolan_api::native::common::ArtifactRef;
use portolan_api::native::git_deployment::DeletionPolicy;
use portolan_plan::object;
use portolan_plan::outcome::{Again, Event};

use super::live::Live;
use super::prune::Left;
use super::{GitDeployments, KIND, Round};
use crate::native::{Native, has_finalizer, identity, is_recently_deleted, set_finalizer};

impl GitDeployments {
    /// Keeps the finalizer, and cleans up when the object is being deleted. Returns when the round
    /// ends here.
    pub(super) async fn finalize(&self, native: &Native<GitDeployment>) -> Option<Again> {
        let held = has_finalizer(&native.value);
        if !object::is_terminating(&native.value) {
            let wanted = native.typed.spec.deletion_policy == DeletionPolicy::Prune;
            if wanted == held {
                return None;
            }
            return Some(set_finalizer(&self.cx, KIND, &native.value, wanted).await);
        }
        if !held {
            return Some(Again::OnChange);
        }
        let left = self.clean_up(native).await;
        if left.iter().any(|left| left.passing) && is_recently_deleted(&native.value) {
            return Some(Again::BackOff);
        }
        if !left.is_empty() {
            let message = format!("deleted; these objects are left: {}", Left::told(&left));
            self.cx.events.record(&native.value, vec![Event::warning("ObjectsLeft", message)]);
        }
        // An account that is gone, or a namespace that is going, must not hold the object.
        Some(set_finalizer(&self.cx, KIND, &native.value, false).await)
    }

    async fn clean_up(&self, native: &Native<GitDeployment>) -> Vec<Left> {
        let spec = &native.typed.spec;
        let inventory = native.typed.status.as_ref().and_then(|status| status.inventory.clone());
        let entries = inventory.unwrap_or_default().entries;
        if spec.deletion_policy == DeletionPolicy::Orphan || entries.is_empty() {
            return Vec::new();
        }
        let account = identity(&self.cx, &native.key.namespace, &spec.service_account_name);
        let identity = match account {
            Ok(identity) => identity,
            Err(trouble) => return vec![Left::lasting(trouble.message)],
        };
        let round = Round {
            native,
            spec,
            identity,
            source: ArtifactRef::default(),
            uid: object::uid(&native.value).to_owned(),
        };
        // Adopted objects that never saw a successful revision were somebody else's.
        let ours = entries.iter().filter(|entry| !entry.adopted);
        self.delete_all(&round, ours, &Live::default()).await
    }
}
