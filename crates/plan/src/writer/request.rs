//! A request from one branch to another as the forge shows it: a pull request, or a merge request.

use serde::{Deserialize, Serialize};

/// A request as the forge shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Number on the forge.
    pub number: i64,
    /// Page of the request.
    pub url: String,
    /// Where it stands.
    pub state: RequestState,
    /// The branch it comes from, of the same repository.
    pub branch: String,
    /// The branch it goes to.
    pub base: String,
    /// Commit at its head; of one that is closed, the last there was.
    pub head: String,
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
    /// Name of who opened it.
    pub author: String,
    /// Not meant to be merged yet.
    pub draft: bool,
    /// Commit by which it came to the base.
    pub merged_revision: Option<String>,
    /// Full name of the reference by which git gives out its head, also once the branch is gone.
    pub reference: String,
    /// When it was changed last, as the forge tells it; only compared.
    pub updated: String,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RequestState {
    /// It waits for people.
    Open,
    /// It is in the base.
    Merged,
    /// Somebody closed it, and it is not in the base.
    Closed,
}

impl RequestState {
    /// The word in status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
        }
    }
}

/// What a request lacks, as far as forge and people are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// The head this was found for.
    pub head: String,
    /// Whether the forge demands approvals or checks for the base.
    pub guarded: bool,
    /// Approvals that the forge demands.
    pub demanded_approvals: i64,
    /// Checks that the forge demands; names may hold `*`.
    pub demanded_checks: Vec<String>,
    /// Approvals that count: of exactly this head, not dismissed, not by who opened the request.
    pub approvals: i64,
    /// People who ask for changes.
    pub rejected_by: Vec<String>,
    /// State of each check of the head, by name.
    pub checks: std::collections::BTreeMap<String, CheckState>,
    /// The two branches conflict.
    pub conflicts: bool,
}

/// State of a check of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckState {
    /// Not done yet.
    Pending,
    /// Passed.
    Success,
    /// Failed, or could not run.
    Failure,
}
