//! How a round ended, as it is counted.
//!
//! A round tells what holds its object up, and writes through the API; both are noted beside the round
//! in its own task, so that no round has to hand its counts around.

use std::cell::Cell;

use portolan_api::native::reasons::READY;
use portolan_plan::outcome::Again;
use serde_json::Value;

use crate::trouble::Class;

tokio::task_local! {
    static ROUND: Cell<Noted>;
}

/// What is noted of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    wrote: bool,
    held_up: Option<Class>,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Converged,
    Written,
    Waiting,
    Stalled,
    Transient,
    Panic,
}

impl Ending {
    /// All, in the order of their numbers.
    pub(super) const ALL: [(Self, &'static str); 6] = [
        (Self::Converged, "converged"),
        (Self::Written, "written"),
        (Self::Waiting, "waiting"),
        (Self::Stalled, "stalled"),
        (Self::Transient, "transient"),
        (Self::Panic, "panic"),
    ];

    /// What a round came to; no `again` where it panicked.
    pub(super) fn of(noted: Noted, again: Option<Again>) -> Self {
        match (again, noted.held_up) {
            (None, _) => Self::Panic,
            (_, Some(Class::Waiting)) => Self::Waiting,
            (_, Some(Class::Stalled)) => Self::Stalled,
            (_, Some(Class::Transient)) | (Some(Again::BackOff), None) => Self::Transient,
            _ if noted.wrote => Self::Written,
            _ => Self::Converged,
        }
    }
}

/// Runs a round; tells what was noted of it.
pub(super) async fn noting<T>(round: impl Future<Output = T>) -> (T, Noted) {
    let noted = async {
        let result = round.await;
        (result, ROUND.with(Cell::get))
    };
    ROUND.scope(Cell::default(), noted).await
}

/// Something was written in the round that runs in this task, if one does.
pub(super) fn wrote() {
    note(|noted| noted.wrote = true);
}

/// What holds up the object of the round that runs in this task; none: nothing does.
pub(crate) fn held_up(class: Option<Class>) {
    note(|noted| noted.held_up = class);
}

/// The same, as the status of the object tells it.
pub(crate) fn held_up_as_told(status: &Value) {
    let conditions = status["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == READY);
    held_up(match ready.and_then(|ready| ready["status"].as_str()) {
        Some("False") => Some(Class::Stalled),
        Some("Unknown") => Some(Class::Waiting),
        _ => None,
    });
}

fn note(change: impl FnOnce(&mut Noted)) {
    // Outside of rounds there is nobody to note it for.
    let _ = ROUND.try_with(|round| {
        let mut noted = round.get();
        change(&mut noted);
        round.set(noted);
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    async fn ending(again: Again, round: impl FnOnce()) -> Ending {
        let (again, noted) = noting(async {
            round();
            again
        })
        .await;
        Ending::of(noted, Some(again))
    }

    #[tokio::test]
    async fn what_holds_an_object_up_counts_more_than_what_was_written() {
        wrote();
        let change = Again::OnChange;
        assert_eq!(ending(change, || {}).await, Ending::Converged, "that was not in a round");
        assert_eq!(ending(change, wrote).await, Ending::Written);
        assert_eq!(ending(Again::After(Duration::ZERO), wrote).await, Ending::Written);
        assert_eq!(ending(Again::BackOff, wrote).await, Ending::Transient);
        for (class, expected) in [
            (Class::Transient, Ending::Transient),
            (Class::Waiting, Ending::Waiting),
            (Class::Stalled, Ending::Stalled),
        ] {
            let told = || {
                wrote();
                held_up(Some(class));
            };
            assert_eq!(ending(change, told).await, expected);
            assert_eq!(ending(Again::BackOff, || held_up(Some(class))).await, expected);
        }
        assert_eq!(Ending::of(Noted::default(), None), Ending::Panic);
    }

    #[tokio::test]
    async fn a_status_tells_what_holds_its_object_up() {
        for (ready, expected) in
            [("True", Ending::Converged), ("Unknown", Ending::Waiting), ("False", Ending::Stalled)]
        {
            let other = json!({"type": "Other", "status": "False"});
            let status = json!({"conditions": [other, {"type": "Ready", "status": ready}]});
            assert_eq!(ending(Again::OnChange, || held_up_as_told(&status)).await, expected);
        }
        assert_eq!(
            ending(Again::OnChange, || held_up_as_told(&json!({}))).await,
            Ending::Converged
        );
    }
}
