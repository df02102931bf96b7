//! What Gitea answers, as far as it matters here. Fields that are missing or null are empty.

use serde::{Deserialize, Deserializer};

/// `GET /version`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Version {
    #[serde(deserialize_with = "or_empty")]
    pub(super) version: String,
}

/// Why something is refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    #[serde(deserialize_with = "or_empty")]
    pub(super) message: String,
}

/// A repository.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Repository {
    #[serde(deserialize_with = "or_empty")]
    pub(super) default_merge_style: String,
    #[serde(rename = "allow_merge_commits", deserialize_with = "or_empty")]
    pub(super) merge: bool,
    #[serde(rename = "allow_rebase", deserialize_with = "or_empty")]
    pub(super) rebase: bool,
    #[serde(rename = "allow_rebase_explicit", deserialize_with = "or_empty")]
    pub(super) rebase_merge: bool,
    #[serde(rename = "allow_squash_merge", deserialize_with = "or_empty")]
    pub(super) squash: bool,
    #[serde(rename = "allow_fast_forward_only_merge", deserialize_with = "or_empty")]
    pub(super) fast_forward_only: bool,
}

/// A pull request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pull {
    #[serde(deserialize_with = "or_empty")]
    pub(super) number: i64,
    #[serde(deserialize_with = "or_empty")]
    pub(super) html_url: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) state: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) title: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) body: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) user: User,
    #[serde(deserialize_with = "or_empty")]
    pub(super) draft: bool,
    #[serde(deserialize_with = "or_empty")]
    pub(super) merged: bool,
    #[serde(deserialize_with = "or_empty")]
    pub(super) mergeable: bool,
    #[serde(deserialize_with = "or_empty")]
    pub(super) merge_commit_sha: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) updated_at: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) head: Side,
    #[serde(deserialize_with = "or_empty")]
    pub(super) base: Side,
}

/// What somebody said below a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Comment {
    #[serde(deserialize_with = "or_empty")]
    pub(super) body: String,
}

/// One of the two branches of a pull request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Side {
    /// The branch, also once it is gone. Empty for one that was never a branch.
    #[serde(deserialize_with = "or_empty")]
    pub(super) label: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) sha: String,
    /// -1 for a repository that is gone.
    #[serde(deserialize_with = "or_empty")]
    pub(super) repo_id: i64,
}

/// An account.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    #[serde(deserialize_with = "or_empty")]
    pub(super) login: String,
}

/// A label of a repository or an organisation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Label {
    #[serde(deserialize_with = "or_empty")]
    pub(super) id: i64,
    #[serde(deserialize_with = "or_empty")]
    pub(super) name: String,
}

/// A branch with what its rules demand; anybody who reads the repository may ask.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Branch {
    #[serde(deserialize_with = "or_empty")]
    pub(super) required_approvals: i64,
    #[serde(deserialize_with = "or_empty")]
    pub(super) enable_status_check: bool,
    #[serde(deserialize_with = "or_empty")]
    pub(super) status_check_contexts: Vec<String>,
}

/// A person's review.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Review {
    #[serde(deserialize_with = "or_empty")]
    pub(super) id: i64,
    #[serde(deserialize_with = "or_empty")]
    pub(super) user: User,
    #[serde(deserialize_with = "or_empty")]
    pub(super) state: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) commit_id: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) official: bool,
    #[serde(deserialize_with = "or_empty")]
    pub(super) stale: bool,
    #[serde(deserialize_with = "or_empty")]
    pub(super) dismissed: bool,
}

/// The newest status of each check of a commit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Combined {
    #[serde(deserialize_with = "or_empty")]
    pub(super) statuses: Vec<Option<Status>>,
}

/// The status of a check.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    #[serde(deserialize_with = "or_empty")]
    pub(super) context: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) status: String,
}

/// Null is empty.
fn or_empty<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_null_or_missing_is_empty() {
        let pull: Pull = serde_json::from_str(
            r#"{"number":1,"user":null,"head":null,"base":{"label":null},"draft":null,"x":[]}"#,
        )
        .unwrap();
        assert_eq!((pull.number, pull.user.login.as_str(), pull.draft), (1, "", false));
        let combined: Combined = serde_json::from_str(r#"{"statuses":null}"#).unwrap();
        assert!(combined.statuses.is_empty());
    }
}
