//! Requests to merge one branch into another, and what people do with them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Forge, Login};
use crate::wait::eventually;

/// Longest time a request may take to be mergeable; it only ends what would hang.
const DEADLINE: Duration = Duration::from_mins(3);

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// It waits for people.
    Open,
    /// It was closed without a merge.
    Closed,
    /// It was merged.
    Merged,
}

/// A request to merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
    /// Who opened it.
    pub author: String,
    /// The branch it takes from, also once that is gone.
    pub branch: String,
    /// The commit it takes.
    pub head: String,
    /// The branch it goes into.
    pub base: String,
    /// How far it has come.
    pub state: RequestState,
    /// Who merged it.
    pub merged_by: Option<String>,
    /// The commit of its base that brought it.
    pub merged_as: Option<String>,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it was closed or merged.
    pub closed: Option<Timestamp>,
}

/// How a request is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge<'m> {
    /// `merge`, `squash`, `rebase` or `fast-forward-only`.
    pub style: &'m str,
    /// Delete the branch afterwards.
    pub delete_branch: bool,
    /// The head that was reviewed: nothing else is merged.
    pub head: Option<&'m str>,
}

impl Request {
    /// Reads a request as the API tells it.
    pub fn read(value: &Value) -> Result<Self> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let must = |pointer: &str| {
            let found = text(pointer).map(str::to_owned);
            found.with_context(|| format!("a request has no {pointer}: {value}"))
        };
        let merged = value["merged"] == true;
        let closed = text("/closed_at").map(str::parse).transpose();
        Ok(Self {
            number: value["number"].as_u64().context("a request has a number")?,
            title: must("/title")?,
            body: text("/body").unwrap_or_default().to_owned(),
            author: must("/user/login")?,
            // The label keeps the branch's name when the branch is gone.
            branch: must("/head/label")?,
            head: must("/head/sha")?,
            base: must("/base/ref")?,
            state: match text("/state") {
                _ if merged => RequestState::Merged,
                Some("open") => RequestState::Open,
                _ => RequestState::Closed,
            },
            merged_by: text("/merged_by/login").filter(|_| merged).map(str::to_owned),
            merged_as: text("/merge_commit_sha").filter(|_| merged).map(str::to_owned),
            opened: must("/created_at")?.parse().context("when a request was opened")?,
            closed: closed.context("when a request was closed")?,
        })
    }
}

impl Forge {
    /// All requests of a repository as the API tells them, the newest first.
    pub async fn requests(&self, owner: &str, repo: &str) -> Result<Vec<Value>> {
        let mut all: Vec<Value> = Vec::new();
        for page in 1.. {
            let path = format!("/repos/{owner}/{repo}/pulls?state=all&limit=50&page={page}");
            let answer = self.expect(Method::GET, &path, None, &[200]).await?;
            match answer.as_array() {
                Some(some) if !some.is_empty() => all.extend_from_slice(some),
                _ => break,
            }
        }
        all.sort_by_key(|request| std::cmp::Reverse(request["number"].as_u64()));
        Ok(all)
    }

    /// One request.
    pub async fn request_of(&self, owner: &str, repo: &str, number: u64) -> Result<Request> {
        let path = format!("/repos/{owner}/{repo}/pulls/{number}");
        Request::read(&self.expect(Method::GET, &path, None, &[200]).await?)
    }

    /// Opens a request as somebody; its number.
    pub async fn open_request(
        &self,
        login: &Login,
        owner: &str,
        repo: &str,
        [branch, base]: [&str; 2],
        [title, body]: [&str; 2],
    ) -> Result<u64> {
        let path = format!("/repos/{owner}/{repo}/pulls");
        let request = json!({"head": branch, "base": base, "title": title, "body": body});
        let answer = self.expect_as(login, Method::POST, &path, Some(request), &[201]).await?;
        answer["number"].as_u64().context("a request has a number")
    }

    /// Approves one head of a request as somebody.
    pub async fn approve(
        &self,
        login: &Login,
        owner: &str,
        repo: &str,
        number: u64,
        head: &str,
    ) -> Result<()> {
        let path = format!("/repos/{owner}/{repo}/pulls/{number}/reviews");
        let review = json!({"event": "APPROVED", "commit_id": head});
        self.expect_as(login, Method::POST, &path, Some(review), &[200]).await.map(|_| ())
    }

    /// Merges a request as somebody; tries again while the forge still checks it, or is away. One that
    /// was closed meanwhile comes back as it is.
    pub async fn merge(
        &self,
        login: &Login,
        owner: &str,
        repo: &str,
        number: u64,
        how: &Merge<'_>,
    ) -> Result<Request> {
        let path = format!("/repos/{owner}/{repo}/pulls/{number}/merge");
        let mut body = json!({"do": how.style, "delete_branch_after_merge": how.delete_branch});
        if let Some(head) = how.head {
            body["head_commit_id"] = head.into();
        }
        let what = format!("request {number} to be merged");
        let mut refusals = 0_u32;
        let merged = eventually(&what, DEADLINE, async || {
            let answer =
                self.expect_as(login, Method::POST, &path, Some(body.clone()), &[200]).await;
            let request = self.request_of(owner, repo, number).await?;
            match request.state {
                RequestState::Merged | RequestState::Closed => Ok(Some(request)),
                // Its answer says why not, where there was one.
                RequestState::Open => {
                    refusals += 1;
                    if refusals.is_multiple_of(50) {
                        self.check_again(owner, repo, &request.base).await?;
                    }
                    answer.map(|_| None)
                }
            }
        })
        .await?;
        if how.delete_branch && merged.state == RequestState::Merged {
            self.delete_merged(login, owner, repo, &merged).await?;
        }
        Ok(merged)
    }

    /// Has the forge check all requests into a branch anew. It does so when the branch's protection is
    /// written, and never by itself where a check failed for a reason of its own.
    async fn check_again(&self, owner: &str, repo: &str, base: &str) -> Result<()> {
        let rules = format!("/repos/{owner}/{repo}/branch_protections");
        let rule = format!("{rules}/{base}");
        let (code, _) = self.api(Method::PATCH, &rule, Some(json!({}))).await?;
        if code == 404 {
            // A rule for a moment, which permits what was permitted.
            let open = json!({"rule_name": base, "enable_push": true});
            self.api(Method::POST, &rules, Some(open)).await?;
            self.api(Method::DELETE, &rule, None).await?;
        }
        Ok(())
    }

    /// Deletes a merged branch that is still there: the forge went away between merge and deletion.
    async fn delete_merged(
        &self,
        login: &Login,
        owner: &str,
        repo: &str,
        merged: &Request,
    ) -> Result<()> {
        eventually(&format!("branch {} to be deleted", merged.branch), DEADLINE, async || {
            // A tip that moved is somebody's new work.
            if self.branch_tip(owner, repo, &merged.branch).await?.as_ref() != Some(&merged.head) {
                return Ok(Some(()));
            }
            // One that the forge forgot of while it was away cannot be deleted there.
            let deleted = self.delete_branch(login, owner, repo, &merged.branch).await?;
            Ok((!deleted).then_some(()))
        })
        .await
    }

    /// Deletes a branch as somebody; false where the forge knows of none.
    pub async fn delete_branch(
        &self,
        login: &Login,
        owner: &str,
        repo: &str,
        branch: &str,
    ) -> Result<bool> {
        let path = format!("/repos/{owner}/{repo}/branches/{}", branch.replace('/', "%2F"));
        let (code, answer) = self.api_as(login, Method::DELETE, &path, None).await?;
        ensure!([204, 404].contains(&code), "deleting {branch}: {code} {answer}");
        Ok(code == 204)
    }
}
