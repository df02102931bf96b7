//! Attempts: whether what is asked for is in already, and what a new attempt makes of the status.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use portolan_api::condition::rfc3339;
use portolan_api::digest;
use portolan_api::native::git_deployment::{GitDeploymentStatus, InventoryEntry};
use serde_json::json;

/// Everything that is asked for: a revision and the objects made of it. One revision gives other
/// objects when `path` or `targetNamespace` changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    revision: String,
    digest: String,
    ids: BTreeSet<String>,
}

impl Asked {
    /// A revision with its objects: the inventory entry and the digest of each.
    pub fn new<'d>(
        revision: &str,
        objects: impl IntoIterator<Item = (InventoryEntry, &'d str)>,
    ) -> Self {
        let digests: BTreeMap<String, &str> =
            objects.into_iter().map(|(entry, digest)| (entry.id, digest)).collect();
        Self {
            revision: revision.into(),
            digest: digest::of_json(&json!(digests)),
            ids: digests.into_keys().collect(),
        }
    }

    /// Whether exactly this was applied whole, and nothing else was tried since. Then whatever
    /// differs was changed by somebody else.
    pub fn is_applied(&self, status: &GitDeploymentStatus) -> bool {
        let entries = status.inventory.iter().flat_map(|inventory| &inventory.entries);
        let held: BTreeSet<&String> = entries.map(|entry| &entry.id).collect();
        status.applied_revision.as_ref() == Some(&self.revision)
            && status.applied_digest.as_ref() == Some(&self.digest)
            && held.into_iter().eq(&self.ids)
    }

    /// Notes in the status that this is tried, where something else was tried before.
    pub fn attempt(&self, status: &mut GitDeploymentStatus, now: Timestamp) {
        let same_revision = status.attempted_revision.as_ref() == Some(&self.revision);
        // Without a digest nothing was applied since the last attempt began, or an older version
        // did it: neither makes this one new.
        let same_objects = status.applied_digest.as_ref().is_none_or(|old| *old == self.digest);
        if same_revision && same_objects {
            return;
        }
        status.attempted_revision = Some(self.revision.clone());
        status.attempted_at = Some(rfc3339(now));
        status.unhealthy_since = None;
        status.objects.clear();
        status.unchecked.clear();
        // What was whole need not be so from the first write on.
        status.applied_digest = None;
        if status.observed_revision.as_ref() == Some(&self.revision) {
            status.observed_revision = None;
            status.url = None;
        }
    }

    /// Notes in the status that it is applied whole. From now on it has time to become healthy.
    pub fn applied(&self, status: &mut GitDeploymentStatus) {
        status.applied_revision = Some(self.revision.clone());
        status.applied_digest = Some(self.digest.clone());
        status.unhealthy_since = None;
    }
}

#[cfg(test)]
mod tests {
    use portolan_api::native::git_deployment::Inventory;

    use super::*;

    const LATER: Timestamp = Timestamp::constant(1_000_000, 0);

    fn entry(id: &str) -> InventoryEntry {
        InventoryEntry { id: id.into(), v: "v1".into(), adopted: false }
    }

    fn asked(revision: &str, objects: &[(&str, &str)]) -> Asked {
        Asked::new(revision, objects.iter().map(|(id, digest)| (entry(id), *digest)))
    }

    /// A status in which something was applied and is healthy.
    fn reached(asked: &Asked) -> GitDeploymentStatus {
        let mut status = GitDeploymentStatus::default();
        asked.attempt(&mut status, Timestamp::UNIX_EPOCH);
        asked.applied(&mut status);
        let entries = asked.ids.iter().map(|id| entry(id)).collect();
        status.inventory = Some(Inventory { entries });
        status.observed_revision = Some(asked.revision.clone());
        status.url = Some("u".into());
        status
    }

    #[test]
    fn drift_is_what_differs_from_exactly_what_was_applied() {
        let status = reached(&asked("r1", &[("a", "1"), ("b", "2")]));
        for (revision, objects, applied) in [
            ("r1", vec![("a", "1"), ("b", "2")], true),
            ("r1", vec![("b", "2"), ("a", "1")], true),
            ("r2", vec![("a", "1"), ("b", "2")], false),
            ("r1", vec![("a", "1"), ("b", "3")], false),
            ("r1", vec![("a", "1")], false),
            ("r1", vec![("a", "1"), ("c", "2")], false),
            ("r1", vec![], false),
        ] {
            let asked = asked(revision, &objects);
            assert_eq!(asked.is_applied(&status), applied, "{revision} {objects:?}");
        }
    }

    #[test]
    fn what_an_older_version_applied_is_taken_in_again_without_a_new_attempt() {
        let asked = asked("r1", &[("a", "1")]);
        let older = GitDeploymentStatus { applied_digest: None, ..reached(&asked) };
        assert!(!asked.is_applied(&older));
        let mut status = older.clone();
        asked.attempt(&mut status, LATER);
        assert_eq!(status, older);
    }

    #[test]
    fn at_rest_nothing_is_written() {
        let asked = asked("r1", &[("a", "1")]);
        let before = reached(&asked);
        let mut status = before.clone();
        asked.attempt(&mut status, LATER);
        assert_eq!(status, before);
    }

    #[test]
    fn going_back_does_not_claim_to_be_there_before_it_is() {
        let first = asked("r1", &[("a", "1")]);
        let mut status = reached(&first);
        asked("r2", &[("a", "2")]).attempt(&mut status, Timestamp::UNIX_EPOCH);
        assert_eq!(status.observed_revision.as_deref(), Some("r1"), "it was live until now");
        assert!(!first.is_applied(&status), "what r2 wrote is not drift");
        first.attempt(&mut status, Timestamp::UNIX_EPOCH);
        assert_eq!((status.observed_revision, status.url), (None, None));
    }

    #[test]
    fn other_objects_of_the_same_revision_are_a_new_attempt() {
        let mut status = reached(&asked("r1", &[("a", "1")]));
        let other = asked("r1", &[("b", "1")]);
        status.unhealthy_since = Some("then".into());
        other.attempt(&mut status, Timestamp::UNIX_EPOCH);
        assert_eq!((&status.observed_revision, &status.unhealthy_since), (&None, &None));
        let before = status.clone();
        other.attempt(&mut status, LATER);
        assert_eq!(status, before, "trying again is the same attempt");
    }
}
