//! What a git server can do wrong, on request.

use std::sync::{Mutex, PoisonError};

/// A misbehaviour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this status and does nothing.
    Status(u16),
    /// Never answers.
    Hang,
    /// Does its work, sends this many bytes of the answer (its head included, which has about 250) and drops the
    /// connection. Git takes an answer that is cut in its head for an empty one.
    CutAfter(u64),
    /// Does its work and drops the connection instead of answering: the client cannot know whether a push happened.
    LoseAnswer,
    /// Sends the client to the same path and query at another base url.
    Redirect(String),
}

/// When a fault strikes. Requests without valid credentials are refused before that, and do not count.
#[derive(Debug, Clone)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault,
    /// Only requests whose method, path and query contain this text, e.g. `POST /app.git/git-receive-pack`.
    pub containing: String,
    /// How many requests it strikes; `None` for all until [`GitServer::clear_faults`](super::GitServer::clear_faults).
    pub times: Option<u32>,
}

#[derive(Default)]
pub(super) struct Faults(Mutex<Vec<FaultRule>>);

impl Faults {
    pub(super) fn add(&self, rule: FaultRule) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fault that strikes this request, counted.
    pub(super) fn strike(&self, request: &str) -> Option<Fault> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = rules.iter().position(|rule| {
            request.contains(&rule.containing) && rule.times.is_none_or(|times| times > 0)
        })?;
        if let Some(times) = &mut rules[index].times {
            *times -= 1;
        }
        Some(rules[index].fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_what_it_names_as_often_as_it_says() {
        let faults = Faults::default();
        let containing = "git-receive-pack".to_owned();
        faults.add(FaultRule { fault: Fault::Status(503), containing, times: Some(1) });
        assert_eq!(faults.strike("GET /a.git/info/refs?service=git-upload-pack"), None);
        assert_eq!(faults.strike("POST /a.git/git-receive-pack"), Some(Fault::Status(503)));
        assert_eq!(faults.strike("POST /a.git/git-receive-pack"), None);
        faults.add(FaultRule { fault: Fault::Hang, containing: String::new(), times: None });
        assert_eq!(faults.strike("GET /"), Some(Fault::Hang));
        faults.clear();
        assert_eq!(faults.strike("GET /"), None);
    }
}
