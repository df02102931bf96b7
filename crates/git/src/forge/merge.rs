//! Merging a request.

use portolan_plan::writer::RequestState;
use reqwest::Method;
use serde_json::json;

use super::answer::Repository;
use super::request::state;
use super::server::Call;
use super::{Forge, Merged};
use crate::error::Error;
use crate::names::check_commit;

impl Forge {
    /// Merges a request in the way the repository has as its default, provided that its head is still
    /// `head`.
    pub async fn merge(&self, number: i64, head: &str) -> Result<Merged, Error> {
        check_commit(head)?;
        let action = format!("to merge request #{number}");
        let repository: Repository = self.get(self.site().repository(&[]), &action).await?;
        let url = self.site().repository(&["pulls", &number.to_string(), "merge"]);
        let body = json!({ "do": style(&repository), "head_commit_id": head });
        let answer = self.server().ask(Call::new(Method::POST, url).with(body)).await?;
        if answer.is_success() {
            let pull = self.pull(number).await?;
            if !pull.merged || check_commit(&pull.merge_commit_sha).is_err() {
                return Err(self.server().odd("that it merged a request, which it shows unmerged"));
            }
            return Ok(Merged::Yes { revision: pull.merge_commit_sha });
        }
        let words = answer.words(self.server());
        if is_for_later(answer.status, &words) {
            return Ok(Merged::Later { why: words });
        }
        if matches!(answer.status, 404 | 405) {
            // Somebody may have been faster.
            let pull = self.pull(number).await?;
            match state(pull.merged, &pull.state) {
                RequestState::Open => {}
                RequestState::Merged => return Ok(later("it was merged meanwhile")),
                RequestState::Closed => return Ok(later("it was closed meanwhile")),
            }
        }
        Err(self.refusal(&answer, &action).await)
    }
}

fn later(why: &str) -> Merged {
    Merged::Later { why: why.into() }
}

/// Whether a refusal passes by itself: while the branches are compared, or once the new head is seen.
fn is_for_later(status: u16, words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    match status {
        405 => words.contains("try again later"),
        409 => words.contains("out of date"),
        _ => false,
    }
}

/// The way in which the repository merges: its default, if it is allowed, else what is.
fn style(repository: &Repository) -> &str {
    let allowed = [
        ("merge", repository.merge),
        ("squash", repository.squash),
        ("rebase-merge", repository.rebase_merge),
        ("rebase", repository.rebase),
        ("fast-forward-only", repository.fast_forward_only),
    ];
    let allowed: Vec<&str> =
        allowed.into_iter().filter(|(_, is_allowed)| *is_allowed).map(|(style, _)| style).collect();
    let default = repository.default_merge_style.as_str();
    match allowed.first() {
        _ if allowed.contains(&default) => default,
        Some(first) => first,
        // A server that does not tell.
        None => "merge",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"{"default_merge_style":"squash","allow_squash_merge":true}"#, "squash")]
    #[case(
        r#"{"default_merge_style":"rebase","allow_rebase":true,"allow_merge_commits":true}"#,
        "rebase"
    )]
    #[case(
        r#"{"default_merge_style":"merge","allow_fast_forward_only_merge":true}"#,
        "fast-forward-only"
    )]
    #[case(
        r#"{"default_merge_style":"manually-merged","allow_rebase_explicit":true}"#,
        "rebase-merge"
    )]
    #[case(r#"{"default_merge_style":null}"#, "merge")]
    fn styles(#[case] repository: &str, #[case] expected: &str) {
        assert_eq!(style(&serde_json::from_str(repository).unwrap()), expected);
    }

    #[rstest]
    #[case(405, "Please try again later", true)]
    #[case(409, "head out of date", true)]
    #[case(409, "merge push out of date", true)]
    #[case(405, "Does not have enough approvals", false)]
    #[case(409, "PushRejected with remote message: no", false)]
    #[case(422, "try again later", false)]
    fn refusals_that_pass(#[case] status: u16, #[case] words: &str, #[case] passes: bool) {
        assert_eq!(is_for_later(status, words), passes);
    }
}
