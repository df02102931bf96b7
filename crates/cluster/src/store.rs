//! The objects of one watch.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::stored::{Key, Stored};

/// The objects of one watch, found by name and by the owner that controls them.
///
/// Two writers feed it: the watch, and answers to our own writes, which usually come first. A write's
/// answer counts only while it is newer than everything the watch has told: so neither an old answer
/// nor one about an object that is gone again can bring back the past.
#[derive(Debug, Default)]
pub struct Store(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    objects: HashMap<Key, Arc<Stored>>,
    by_owner: HashMap<String, BTreeSet<Key>>,
    /// The newest version the watch has told of.
    told: u64,
}

/// An object before and after a change.
pub(crate) type BeforeAfter = (Option<Arc<Stored>>, Option<Arc<Stored>>);

impl Store {
    /// The object with a name.
    pub fn get(&self, key: &Key) -> Option<Arc<Stored>> {
        self.read().objects.get(key).cloned()
    }

    /// All objects, in no order.
    pub fn all(&self) -> Vec<Arc<Stored>> {
        self.read().objects.values().cloned().collect()
    }

    /// The objects that an owner controls, by name.
    pub fn owned_by(&self, uid: &str) -> Vec<Arc<Stored>> {
        let inner = self.read();
        let keys = inner.by_owner.get(uid).into_iter().flatten();
        keys.filter_map(|key| inner.objects.get(key).cloned()).collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.read().objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes what the watch tells of an object.
    pub(crate) fn tell(&self, object: Stored) -> Option<BeforeAfter> {
        let mut inner = self.write();
        inner.told = inner.told.max(object.version);
        let before = inner.objects.get(&object.key).cloned();
        let stale = before.as_ref().is_some_and(|before| {
            before.uid == object.uid && before.version >= object.version && before.version > 0
        });
        if stale {
            return None;
        }
        Some((before, Some(inner.put(object))))
    }

    /// Takes the answer to a write of our own.
    pub(crate) fn answer(&self, object: Stored) -> Option<BeforeAfter> {
        let mut inner = self.write();
        let before = inner.objects.get(&object.key).cloned();
        let known =
            before.as_ref().is_some_and(|b| b.uid == object.uid && b.version >= object.version);
        if known || (object.version <= inner.told && object.version > 0) {
            return None;
        }
        Some((before, Some(inner.put(object))))
    }

    /// Takes the watch's word that an object is gone.
    pub(crate) fn remove(&self, object: &Stored) -> Option<BeforeAfter> {
        let mut inner = self.write();
        inner.told = inner.told.max(object.version);
        let current = inner.objects.get(&object.key)?;
        if current.uid != object.uid {
            return None;
        }
        let before = inner.take(&object.key);
        Some((before, None))
    }

    /// Replaces everything by a complete list; tells what differs. Objects that we wrote after the
    /// list was made stay.
    pub(crate) fn replace(&self, list: Vec<Stored>) -> Vec<BeforeAfter> {
        let mut inner = self.write();
        let newest = list.iter().map(|object| object.version).max().unwrap_or_default();
        inner.told = inner.told.max(newest);
        let listed: BTreeSet<Key> = list.iter().map(|object| object.key.clone()).collect();
        let gone: Vec<Key> = inner
            .objects
            .iter()
            .filter(|(key, object)| {
                !listed.contains(*key) && object.version <= newest.max(inner.told)
            })
            .map(|(key, _)| key.clone())
            .collect();
        let mut changes: Vec<BeforeAfter> =
            gone.iter().map(|key| (inner.take(key), None)).collect();
        for object in list {
            let before = inner.objects.get(&object.key).cloned();
            let same =
                before.as_ref().is_some_and(|b| b.uid == object.uid && b.version >= object.version);
            if !same {
                changes.push((before, Some(inner.put(object))));
            }
        }
        changes
    }

    // A poisoned lock means that a reader or writer panicked between two map operations; the maps
    // themselves are whole.
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    fn put(&mut self, object: Stored) -> Arc<Stored> {
        self.take(&object.key);
        if let Some(owner) = &object.owner {
            self.by_owner.entry(owner.clone()).or_default().insert(object.key.clone());
        }
        let object = Arc::new(object);
        self.objects.insert(object.key.clone(), Arc::clone(&object));
        object
    }

    fn take(&mut self, key: &Key) -> Option<Arc<Stored>> {
        let object = self.objects.remove(key)?;
        if let Some(owner) = &object.owner
            && let Some(keys) = self.by_owner.get_mut(owner)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.by_owner.remove(owner);
            }
        }
        Some(object)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, uid: &str, version: u64) -> Stored {
        let owner = json!([{"uid": "o", "controller": true}]);
        Stored::new(json!({"metadata": {
            "name": name, "uid": uid, "resourceVersion": version.to_string(), "ownerReferences": owner,
        }}))
    }

    fn version(store: &Store, name: &str) -> Option<u64> {
        store.get(&Key::new("", name)).map(|object| object.version)
    }

    #[test]
    fn the_watch_and_our_own_writes_agree_whatever_comes_first() {
        let store = Store::default();
        assert!(store.tell(object("a", "1", 5)).is_some());
        assert!(store.answer(object("a", "1", 7)).is_some());
        assert!(store.tell(object("a", "1", 6)).is_none(), "older than our own write");
        assert!(store.tell(object("a", "1", 7)).is_none(), "known already");
        assert_eq!(version(&store, "a"), Some(7));
    }

    #[test]
    fn an_answer_about_an_object_that_is_gone_again_does_not_bring_it_back() {
        let store = Store::default();
        store.tell(object("a", "1", 5));
        store.remove(&object("a", "1", 9));
        assert!(store.answer(object("a", "1", 8)).is_none());
        assert_eq!(version(&store, "a"), None);
        assert!(store.owned_by("o").is_empty());
    }

    #[test]
    fn a_new_object_of_the_same_name_replaces_the_old_one() {
        let store = Store::default();
        store.tell(object("a", "1", 5));
        assert!(store.tell(object("a", "2", 9)).is_some());
        assert!(store.remove(&object("a", "1", 8)).is_none(), "that one is gone already");
        assert_eq!(version(&store, "a"), Some(9));
    }

    #[test]
    fn a_list_tells_what_vanished_in_a_gap() {
        let store = Store::default();
        store.tell(object("a", "1", 5));
        store.tell(object("b", "2", 6));
        let changes = store.replace(vec![object("b", "2", 6), object("c", "3", 8)]);
        let names: Vec<_> = changes
            .iter()
            .map(|(before, after)| {
                let name = |object: &Option<Arc<Stored>>| {
                    object.as_ref().map(|object| object.key.name.clone()).unwrap_or_default()
                };
                format!("{}>{}", name(before), name(after))
            })
            .collect();
        assert_eq!(names, ["a>", ">c"]);
    }

    #[test]
    fn what_we_wrote_after_a_list_was_made_stays() {
        let store = Store::default();
        store.answer(object("ours", "1", 20));
        store.replace(vec![object("b", "2", 6)]);
        assert_eq!(version(&store, "ours"), Some(20));
        assert_eq!(store.owned_by("o").len(), 2);
    }
}
