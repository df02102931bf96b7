//! Fights: an object that is put right again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::object::ObjectKey;

/// More repairs of one object than this within [`WINDOW`] are a fight.
const REPAIRS: usize = 5;
/// The time in which repairs are counted.
const WINDOW: Duration = Duration::from_mins(1);

/// When which object was put right. Each counts for itself: a person who deletes many objects at
/// once fights nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs(BTreeMap<ObjectKey, Vec<Timestamp>>);

impl Repairs {
    /// Whether an object may be put right once more; then this time counts too.
    pub fn allow(&mut self, key: &ObjectKey, now: Timestamp) -> bool {
        let young =
            |at: &Timestamp| Duration::try_from(now.duration_since(*at)).is_ok_and(|a| a < WINDOW);
        self.0.retain(|_, times| {
            times.retain(young);
            !times.is_empty()
        });
        let times = self.0.entry(key.clone()).or_default();
        let allowed = times.len() < REPAIRS;
        if allowed {
            times.push(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey {
            group: String::new(),
            kind: "Service".into(),
            namespace: "dev".into(),
            name: name.into(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::constant(second, 0)
    }

    #[test]
    fn one_object_again_and_again_is_a_fight_and_many_at_once_are_not() {
        let mut repairs = Repairs::default();
        for name in 0..100 {
            assert!(repairs.allow(&key(&name.to_string()), at(0)));
        }
        for second in 1..5 {
            assert!(repairs.allow(&key("0"), at(second)), "{second}");
        }
        assert!(!repairs.allow(&key("0"), at(5)));
        assert!(repairs.allow(&key("1"), at(5)), "the others go on");
        assert!(repairs.allow(&key("0"), at(61)), "and it too, after a while");
        assert_eq!(repairs.0.len(), 2, "what is long ago is forgotten");
    }
}
