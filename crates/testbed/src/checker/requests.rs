//! Requests: never two for the same, neither at once nor one after the other.

use super::evidence::{Evidence, short};
use super::verdict::Verdict;
use crate::forge::{Request, RequestState};

/// Checks all requests, each against those after it.
pub(super) fn check(evidence: &Evidence, verdict: &mut Verdict) {
    let mut requests: Vec<&Request> = evidence.requests.iter().collect();
    requests.sort_by_key(|request| request.number);
    verdict.requests = requests.len();
    for (index, first) in requests.iter().enumerate() {
        for second in &requests[index + 1..] {
            if (&first.branch, &first.base) != (&second.branch, &second.base) {
                continue;
            }
            let pair = format!(
                "requests {} and {} from {} into {}",
                first.number, second.number, first.branch, first.base
            );
            if first.head == second.head {
                verdict.twice(format!("{pair} offer the same commit {}", short(&first.head)));
            }
            let still_open = first.state == RequestState::Open
                || first.closed.is_some_and(|closed| closed > second.opened);
            if still_open {
                verdict.twice(format!("{pair} were open at once"));
            }
        }
    }
}
