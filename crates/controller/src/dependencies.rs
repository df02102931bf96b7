//! What each object's last round looked at, so that a change of it wakes exactly those who did.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use portolan_cluster::{Key, WatchKey};
use portolan_plan::object::Gvk;

/// An object in the queue of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Item {
    /// Kind, which names the queue.
    pub(crate) kind: &'static str,
    /// The object.
    pub(crate) key: Key,
}

impl Item {
    pub(crate) fn new(kind: &'static str, key: Key) -> Self {
        Self { kind, key }
    }
}

/// Something a round looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    /// An object of a kind, by group and kind; it need not exist.
    Object { group: String, kind: String, key: Key },
    /// Whether a kind is served.
    Kind(Gvk),
    /// Whether a watch is in the cache.
    Watch(WatchKey),
}

impl Thing {
    pub(crate) fn object(group: &str, kind: &str, key: Key) -> Self {
        Self::Object { group: group.into(), kind: kind.into(), key }
    }
}

/// Who looked at what.
#[derive(Debug, Default)]
pub(crate) struct Dependencies(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    lookers: HashMap<Thing, HashSet<Item>>,
    looked_at: HashMap<Item, HashSet<Thing>>,
}

impl Dependencies {
    /// Notes what a round is about to look at, in place of what the round before did. Called before
    /// looking: a change in between wakes.
    pub(crate) fn track(&self, item: &Item, things: impl IntoIterator<Item = Thing>) {
        let things: HashSet<Thing> = things.into_iter().collect();
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if inner.looked_at.get(item) == Some(&things) {
            return;
        }
        for gone in inner.looked_at.remove(item).unwrap_or_default() {
            if things.contains(&gone) {
                continue;
            }
            if let Some(lookers) = inner.lookers.get_mut(&gone) {
                lookers.remove(item);
                if lookers.is_empty() {
                    inner.lookers.remove(&gone);
                }
            }
        }
        for thing in &things {
            inner.lookers.entry(thing.clone()).or_default().insert(item.clone());
        }
        if !things.is_empty() {
            inner.looked_at.insert(item.clone(), things);
        }
    }

    /// Notes one thing more that a round is about to look at.
    pub(crate) fn track_also(&self, item: &Item, thing: Thing) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.lookers.entry(thing.clone()).or_default().insert(item.clone());
        inner.looked_at.entry(item.clone()).or_default().insert(thing);
    }

    /// Those who looked at something.
    pub(crate) fn lookers(&self, thing: &Thing) -> Vec<Item> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.lookers.get(thing).into_iter().flatten().cloned().collect()
    }

    /// Those who looked whether some kind is served.
    pub(crate) fn lookers_at_kinds(&self) -> Vec<Item> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let kinds = inner.lookers.iter().filter(|(thing, _)| matches!(thing, Thing::Kind(_)));
        kinds.flat_map(|(_, lookers)| lookers.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_round_counts() {
        let dependencies = Dependencies::default();
        let item = Item::new("Workload", Key::new("dev", "app"));
        let thing = |name: &str| Thing::object("", "Secret", Key::new("dev", name));
        dependencies.track(&item, [thing("a"), thing("b")]);
        dependencies.track(&item, [thing("b"), thing("c")]);
        assert!(dependencies.lookers(&thing("a")).is_empty());
        assert_eq!(dependencies.lookers(&thing("b")), std::slice::from_ref(&item));
        assert_eq!(dependencies.lookers(&thing("c")), std::slice::from_ref(&item));
        dependencies.track_also(&item, thing("d"));
        assert_eq!(dependencies.lookers(&thing("d")), std::slice::from_ref(&item));
        dependencies.track(&item, []);
        assert!(dependencies.lookers(&thing("d")).is_empty());
        assert!(dependencies.lookers(&thing("c")).is_empty());
    }
}
