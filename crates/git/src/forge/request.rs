//! Requests: listed, opened, changed, closed.

use std::collections::HashSet;

use portolan_plan::writer::{PullRequest, RequestState};
use reqwest::Method;
use serde_json::json;

use super::answer::{Comment, Pull};
use super::page::list;
use super::server::{Call, Server};
use super::{Forge, NewRequest, title};
use crate::error::Error;
use crate::names::check_commit;

/// How often a list is read that changes while it is read.
const READINGS: usize = 3;
/// How many open requests are looked through for one of which the forge says that it is there.
const OPEN: usize = 1000;

impl Forge {
    /// All requests between branches of the repository, the most recently updated first, out of the
    /// forge's newest `limit`.
    ///
    /// # Caveats
    ///
    /// The head of an open request may be a moment behind its branch. Older servers may tell of a closed
    /// one the tip of its branch as long as there is a branch: what git has at `reference` is its head.
    pub async fn requests(&self, limit: usize) -> Result<Vec<PullRequest>, Error> {
        for _ in 1..READINGS {
            let (requests, is_sound) = self.read_requests("all", limit).await?;
            if is_sound {
                return Ok(requests);
            }
        }
        Ok(self.read_requests("all", limit).await?.0)
    }

    /// One reading of the list, and whether nothing moved from page to page meanwhile: what moves to the
    /// front while later pages are read is not seen, and pushes something else onto the next page again.
    async fn read_requests(
        &self,
        state: &str,
        limit: usize,
    ) -> Result<(Vec<PullRequest>, bool), Error> {
        let mut url = self.site().repository(&["pulls"]);
        url.query_pairs_mut().append_pair("state", state).append_pair("sort", "recentupdate");
        let pulls = self.all(&url, limit, list::<Pull>, "to list requests").await?;
        let (mut seen, count) = (HashSet::new(), pulls.len());
        let requests = pulls.into_iter().filter(|pull| seen.insert(pull.number));
        let requests = requests.filter_map(|pull| read(pull, self.server())).collect();
        Ok((requests, seen.len() == count))
    }

    /// Opens a request. Where one is open between the two branches already, that one is returned as it
    /// is. Labels and reviewers that the forge does not take are left out.
    pub async fn open(&self, new: &NewRequest) -> Result<PullRequest, Error> {
        let action = format!("to open a request from {} to {}", new.branch, new.base);
        let title = if new.draft { title::marked(&new.title) } else { new.title.clone() };
        let labels = self.label_ids(&new.labels).await?;
        let body = json!({
            "head": new.branch, "base": new.base, "title": title, "body": new.body, "labels": labels,
        });
        let call = Call::new(Method::POST, self.site().repository(&["pulls"])).with(body);
        let answer = self.server().ask(call).await?;
        if answer.status == 409 {
            let found = self.find_open(&new.branch, &new.base).await?;
            return found.ok_or_else(|| self.server().refused(&answer, &action));
        }
        if !answer.is_success() {
            return Err(self.refusal(&answer, &action).await);
        }
        let opened = read(answer.read(self.server())?, self.server());
        let opened = opened.ok_or_else(|| self.server().odd("a request without number or head"))?;
        self.ask_reviewers(opened.number, &new.reviewers).await;
        Ok(opened)
    }

    async fn find_open(&self, branch: &str, base: &str) -> Result<Option<PullRequest>, Error> {
        let (open, _) = self.read_requests("open", OPEN).await?;
        Ok(open.into_iter().find(|request| request.branch == branch && request.base == base))
    }

    /// Changes title and text. A draft stays one.
    pub async fn edit(&self, number: i64, title: &str, body: &str) -> Result<(), Error> {
        let pull = self.pull(number).await?;
        let is_draft = pull.draft || title::plain(&pull.title).1;
        let title = if is_draft { title::marked(title) } else { title.to_owned() };
        let url = self.site().repository(&["pulls", &number.to_string()]);
        let change = json!({ "title": title, "body": body });
        let action = format!("to change request #{number}");
        self.send(Method::PATCH, url, change, &action).await.map(|_| ())
    }

    /// Says something below a request.
    pub async fn comment(&self, number: i64, text: &str) -> Result<(), Error> {
        let url = self.site().repository(&["issues", &number.to_string(), "comments"]);
        let action = format!("to comment on request #{number}");
        self.send(Method::POST, url, json!({ "body": text }), &action).await.map(|_| ())
    }

    /// Whether something is said below a request, by whomever.
    pub async fn has_comment(&self, number: i64, text: &str) -> Result<bool, Error> {
        // This list comes whole, on one page.
        let url = self.site().repository(&["issues", &number.to_string(), "comments"]);
        let action = format!("to list the comments on request #{number}");
        let comments: Vec<Comment> = list(self.get(url, &action).await?);
        Ok(comments.iter().any(|comment| comment.body.trim_end() == text.trim_end()))
    }

    /// Closes a request without merging it.
    pub async fn close(&self, number: i64) -> Result<(), Error> {
        let url = self.site().repository(&["pulls", &number.to_string()]);
        let action = format!("to close request #{number}");
        self.send(Method::PATCH, url, json!({ "state": "closed" }), &action).await.map(|_| ())
    }

    /// A request as it is now. Of one that is closed, the head may not be its own.
    pub(super) async fn pull(&self, number: i64) -> Result<Pull, Error> {
        let url = self.site().repository(&["pulls", &number.to_string()]);
        self.get(url, &format!("to show request #{number}")).await
    }
}

/// A request between two branches of the repository; `None` for one from elsewhere.
fn read(pull: Pull, server: &Server) -> Option<PullRequest> {
    let Pull { number, head, base, .. } = pull;
    let is_ours = head.repo_id == base.repo_id && base.repo_id > 0 && !head.label.is_empty();
    if !is_ours {
        return None;
    }
    if number < 1 || check_commit(&head.sha).is_err() {
        tracing::debug!(number, host = server.host(), "a request without number or head");
        return None;
    }
    let state = state(pull.merged, &pull.state);
    let (title, is_marked) = title::plain(&pull.title);
    Some(PullRequest {
        number,
        url: page(&pull.html_url, server),
        state,
        branch: head.label,
        base: base.label,
        head: head.sha,
        title: title.to_owned(),
        body: pull.body,
        author: pull.user.login,
        draft: pull.draft || is_marked,
        merged_revision: Some(pull.merge_commit_sha)
            .filter(|commit| state == RequestState::Merged && check_commit(commit).is_ok()),
        reference: format!("refs/pull/{number}/head"),
        updated: pull.updated_at,
    })
}

/// Where a request stands.
pub(super) fn state(merged: bool, state: &str) -> RequestState {
    match state {
        _ if merged => RequestState::Merged,
        "open" => RequestState::Open,
        _ => RequestState::Closed,
    }
}

/// The page of a request, as it may be shown.
fn page(url: &str, server: &Server) -> String {
    let is_page = url.starts_with("https://") || url.starts_with("http://");
    if is_page { server.clean(url) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Credentials;

    const HEAD: &str = "0123456789012345678901234567890123456789";

    fn found(json: serde_json::Value) -> Option<PullRequest> {
        let server = Server::new("h".into(), &Credentials::basic("me", "canary"), &[]).unwrap();
        read(serde_json::from_value(json).unwrap(), &server)
    }

    #[test]
    fn requests_of_this_repository_are_read() {
        let head = json!({ "label": "a", "ref": "refs/pull/1/head", "sha": HEAD, "repo_id": 7 });
        let mut pull = json!({
            "number": 1, "head": head, "base": { "label": "main", "repo_id": 7 }, "state": "closed",
            "title": "[WIP] T", "html_url": "https://h/canary/1", "merge_commit_sha": HEAD,
        });
        let request = found(pull.clone()).unwrap();
        assert_eq!((request.branch.as_str(), request.base.as_str()), ("a", "main"));
        assert_eq!((request.state, request.merged_revision), (RequestState::Closed, None));
        assert_eq!((request.title.as_str(), request.draft), ("T", true));
        assert_eq!(request.url, "https://h/***/1");
        assert_eq!(request.reference, "refs/pull/1/head");
        pull["merged"] = json!(true);
        assert_eq!(found(pull.clone()).unwrap().merged_revision.as_deref(), Some(HEAD));
        for repository in [json!(8), json!(-1), json!(null)] {
            pull["head"]["repo_id"] = repository;
            assert_eq!(found(pull.clone()), None);
        }
        pull["head"]["repo_id"] = json!(7);
        for head in [json!("../x"), json!(null), json!("")] {
            pull["head"]["sha"] = head;
            assert_eq!(found(pull.clone()), None);
        }
    }

    #[test]
    fn a_page_is_a_page() {
        let server = Server::new("h".into(), &Credentials::none(), &[]).unwrap();
        assert_eq!(page("javascript:alert(1)", &server), "");
        assert_eq!(page("http://h/1\nx", &server), "http://h/1 x");
    }
}
