//! Conditions in status: the type, and the arithmetic of transition times.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest message the schema accepts, in bytes.
const MESSAGE_LIMIT: usize = 32_768;

/// One observation about an object, in the form of `metav1.Condition`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What is observed, for example `Ready`.
    #[serde(rename = "type")]
    #[schemars(length(max = 316))]
    #[schemars(regex(
        pattern = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
    ))]
    pub type_: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// When status, reason or message last changed.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// Why, in one word for programs.
    #[schemars(length(min = 1, max = 1024))]
    #[schemars(regex(pattern = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
    pub reason: String,
    /// Why, in a sentence for people.
    #[schemars(length(max = 32768))]
    pub message: String,
    /// The `metadata.generation` the condition was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be told yet.
    Unknown,
}

impl ConditionStatus {
    /// The status as text, as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// A condition as it was decided, before times are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Condition type.
    pub type_: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Reason; made valid for the schema when it is not.
    pub reason: String,
    /// Message; cut with a mark when it is longer than the schema allows.
    pub message: String,
}

impl Decided {
    /// A condition that holds.
    pub fn yes(type_: &str, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(type_, ConditionStatus::True, reason, message)
    }

    /// A condition that does not hold.
    pub fn no(type_: &str, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(type_, ConditionStatus::False, reason, message)
    }

    /// A condition that cannot be told yet.
    pub fn unknown(type_: &str, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(type_, ConditionStatus::Unknown, reason, message)
    }

    /// A condition with a given status.
    pub fn new(
        type_: &str,
        status: ConditionStatus,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            type_: type_.into(),
            status,
            reason: valid_reason(&reason.into()),
            message: cut(&message.into()),
        }
    }

    fn is(&self, previous: &Condition) -> bool {
        previous.type_ == self.type_
            && previous.status == self.status
            && previous.reason == self.reason
            && previous.message == self.message
    }
}

/// Which generation a list of conditions is stamped with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Choreography kinds never set `observedGeneration` inside a condition.
    Omit,
    /// Native kinds say which generation a condition was made for.
    Of(i64),
}

/// Puts times on decided conditions. Choreography kinds: a condition that is the same as before keeps
/// its time, any other gets `now` (API reference, section 9.1). Native kinds: the time is that of the
/// last change of `status`, as `metav1.Condition` has it.
pub fn timed(
    decided: &[Decided],
    previous: &[Condition],
    now: Timestamp,
    generation: Generation,
) -> Vec<Condition> {
    decided
        .iter()
        .map(|new| {
            let kept = previous.iter().find(|old| match generation {
                Generation::Omit => new.is(old),
                Generation::Of(_) => old.type_ == new.type_ && old.status == new.status,
            });
            Condition {
                type_: new.type_.clone(),
                status: new.status,
                reason: new.reason.clone(),
                message: new.message.clone(),
                last_transition_time: kept
                    .map_or_else(|| rfc3339(now), |old| old.last_transition_time.clone()),
                observed_generation: match generation {
                    Generation::Omit => None,
                    Generation::Of(generation) => Some(generation),
                },
            }
        })
        .collect()
}

/// The condition of a type, if it is there.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// A point in time as Kubernetes writes it: whole seconds, UTC.
pub fn rfc3339(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A reason that the schema accepts: a reason derived from a user's text (`<type>Condition`) may
/// hold characters that would make the whole status write fail (API reference, 16.2 row 19).
fn valid_reason(reason: &str) -> String {
    let mut valid: String = reason
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "_,:".contains(c) { c } else { '_' })
        .take(1024)
        .collect();
    if !valid.starts_with(|c: char| c.is_ascii_alphabetic()) {
        valid.insert_str(0, "Reason");
        valid.truncate(1024);
    }
    valid.truncate(valid.trim_end_matches([',', ':']).len());
    valid
}

/// A message within the schema's limit, marked where it was cut.
fn cut(message: &str) -> String {
    const MARK: &str = " … (cut)";
    if message.len() <= MESSAGE_LIMIT {
        return message.to_owned();
    }
    let mut end = MESSAGE_LIMIT - MARK.len();
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_time_is_kept_only_while_nothing_changes() {
        let first = timed(&[Decided::no("Ready", "A", "a")], &[], at(0), Generation::Omit);
        let same = timed(&[Decided::no("Ready", "A", "a")], &first, at(9), Generation::Omit);
        let other = timed(&[Decided::no("Ready", "A", "b")], &first, at(9), Generation::Omit);
        assert_eq!(same, first);
        assert_eq!(other[0].last_transition_time, "1970-01-01T00:00:09Z");
    }

    #[test]
    fn reasons_always_pass_the_schema() {
        for (given, valid) in [
            ("Ready", "Ready"),
            ("my.org/Done-Condition", "my_org_Done_Condition"),
            ("9lives", "Reason9lives"),
            ("", "Reason"),
            ("A:", "A"),
        ] {
            assert_eq!(Decided::yes("T", given, "").reason, valid);
        }
    }

    #[test]
    fn long_messages_are_cut_with_a_mark() {
        let message = Decided::yes("T", "R", "é".repeat(40_000)).message;
        assert!(message.len() <= MESSAGE_LIMIT && message.ends_with("(cut)"));
    }
}
