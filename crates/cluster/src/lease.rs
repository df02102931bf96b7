//! Who holds a lease: the rule, without a clock or a server.
//!
//! A holder that stops renewing loses the lease after its duration, measured by the observer's own
//! clock from the moment it last saw the lease change: clocks of others do not matter.

use std::time::Duration;

/// What is seen of a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Who holds it; empty: nobody.
    pub(crate) holder: String,
    /// Version of the lease object.
    pub(crate) version: String,
    /// How long the holder keeps it without renewing.
    pub(crate) duration: Duration,
}

/// What to do about a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is ours: renew it.
    Renew,
    /// It is free, or its holder is gone: take it.
    Take,
    /// It is somebody else's.
    Wait,
}

/// Judges a lease that has not changed for `unchanged`.
pub(crate) fn judge(seen: &Seen, me: &str, unchanged: Duration) -> Claim {
    if seen.holder == me {
        Claim::Renew
    } else if seen.holder.is_empty() || unchanged >= seen.duration {
        Claim::Take
    } else {
        Claim::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_taken_when_it_is_free_or_its_holder_is_silent() {
        let seen = |holder: &str| Seen {
            holder: holder.into(),
            version: "1".into(),
            duration: Duration::from_secs(15),
        };
        let after = Duration::from_secs;
        assert_eq!(judge(&seen("me"), "me", after(100)), Claim::Renew);
        assert_eq!(judge(&seen(""), "me", after(0)), Claim::Take);
        assert_eq!(judge(&seen("other"), "me", after(14)), Claim::Wait);
        assert_eq!(judge(&seen("other"), "me", after(15)), Claim::Take);
    }
}
