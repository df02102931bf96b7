//! Files, commits and branches of a repository, through the forge's API.

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::{Forge, Login};

impl Forge {
    /// Commits files to a branch (`None` removes one) and returns the commit's id.
    ///
    /// Works on an empty repository too; a branch that is not there starts at the default branch.
    pub async fn commit_files(
        &self,
        owner: &str,
        repo: &str,
        branch: &str,
        files: &[(&str, Option<&[u8]>)],
        message: &str,
    ) -> Result<String> {
        self.commit_files_as(&self.admin(), owner, repo, branch, files, message).await
    }

    /// Like [`commit_files`](Self::commit_files), as somebody, who is the commit's author.
    pub async fn commit_files_as(
        &self,
        login: &Login,
        owner: &str,
        repo: &str,
        branch: &str,
        files: &[(&str, Option<&[u8]>)],
        message: &str,
    ) -> Result<String> {
        let base = match self.branch_tip(owner, repo, branch).await? {
            Some(_) => branch.to_owned(),
            None => self.base_of_new_branch(owner, repo, branch).await?,
        };
        let mut changes = Vec::new();
        for (path, content) in files {
            let url = format!("/repos/{owner}/{repo}/contents/{path}?ref={base}");
            let known = match self.api(Method::GET, &url, None).await? {
                (200, file) => Some(file["sha"].clone()),
                (404, _) => None,
                (code, body) => bail!("looking for {path} in {owner}/{repo}: {code} {body}"),
            };
            let content = content.map(|bytes| STANDARD.encode(bytes));
            changes.push(match (known, content) {
                (None, None) => {
                    bail!("cannot remove {path}: {owner}/{repo}@{base} has no such file")
                }
                (None, Some(content)) => {
                    json!({ "operation": "create", "path": path, "content": content })
                }
                (Some(sha), Some(content)) => {
                    json!({ "operation": "update", "path": path, "content": content, "sha": sha })
                }
                (Some(sha), None) => json!({ "operation": "delete", "path": path, "sha": sha }),
            });
        }
        let request = json!({
            "branch": base, "new_branch": branch, "message": message, "files": changes,
        });
        let url = format!("/repos/{owner}/{repo}/contents");
        let answer = self.expect_as(login, Method::POST, &url, Some(request), &[201]).await?;
        let id = answer["commit"]["sha"].as_str().context("a commit has an id")?;
        Ok(id.to_owned())
    }

    async fn base_of_new_branch(&self, owner: &str, repo: &str, branch: &str) -> Result<String> {
        let url = format!("/repos/{owner}/{repo}");
        let repository = self.expect(Method::GET, &url, None, &[200]).await?;
        if repository["empty"] == json!(true) {
            return Ok(branch.to_owned());
        }
        let default = repository["default_branch"].as_str();
        Ok(default.context("a repository has a default branch")?.to_owned())
    }

    /// A file of a branch, tag or commit; `None` if it is not there.
    pub async fn read_file(
        &self,
        owner: &str,
        repo: &str,
        reference: &str,
        path: &str,
    ) -> Result<Option<Vec<u8>>> {
        let url = format!("/repos/{owner}/{repo}/raw/{path}?ref={reference}");
        let answer = self.request(Method::GET, &url, None, &self.admin()).await?;
        match answer.status().as_u16() {
            200 => Ok(Some(answer.bytes().await?.to_vec())),
            404 => Ok(None),
            code => bail!("reading {path} of {owner}/{repo}@{reference}: {code}"),
        }
    }

    /// The commits of a branch, newest first, as the API describes them (`sha`, `commit.message`, `author`, `files`).
    pub async fn commits(&self, owner: &str, repo: &str, branch: &str) -> Result<Vec<Value>> {
        let mut commits = Vec::new();
        for page in 1.. {
            let url = format!(
                "/repos/{owner}/{repo}/commits?sha={branch}&limit=50&page={page}&stat=false&verification=false"
            );
            let answer = self.expect(Method::GET, &url, None, &[200]).await?;
            let Some(some) = answer.as_array().filter(|some| !some.is_empty()) else {
                break;
            };
            commits.extend_from_slice(some);
        }
        Ok(commits)
    }

    /// The commit a branch points to; `None` if the branch is not there.
    pub async fn branch_tip(
        &self,
        owner: &str,
        repo: &str,
        branch: &str,
    ) -> Result<Option<String>> {
        let url = format!("/repos/{owner}/{repo}/branches/{branch}");
        let mut answer = self.api(Method::GET, &url, None).await?;
        if answer.0 == 500 {
            // Gitea's answer for any branch of an empty repository, which may have got its first branch
            // just now.
            if self.is_empty(owner, repo).await? {
                return Ok(None);
            }
            answer = self.api(Method::GET, &url, None).await?;
        }
        match answer {
            (200, found) => Ok(found["commit"]["id"].as_str().map(str::to_owned)),
            (404, _) => self.tip_in_git(owner, repo, branch).await,
            (code, body) => bail!("reading branch {branch} of {owner}/{repo}: {code} {body}"),
        }
    }

    /// The commit a branch points to in git itself: a forge that was stopped between a push and its own
    /// note of it does not know the branch.
    async fn tip_in_git(&self, owner: &str, repo: &str, branch: &str) -> Result<Option<String>> {
        let url = format!("/repos/{owner}/{repo}/git/refs/heads/{branch}");
        let (code, found) = self.api(Method::GET, &url, None).await?;
        // A list where other names begin like this one.
        let found = match (code, found) {
            (200, Value::Array(all)) => all,
            (200, one) => vec![one],
            (404 | 409, _) => Vec::new(),
            (code, body) => bail!("reading ref {branch} of {owner}/{repo}: {code} {body}"),
        };
        let name = format!("refs/heads/{branch}");
        let found = found.iter().find(|found| found["ref"] == name.as_str());
        Ok(found.and_then(|found| found["object"]["sha"].as_str()).map(str::to_owned))
    }

    async fn is_empty(&self, owner: &str, repo: &str) -> Result<bool> {
        let (_, found) = self.api(Method::GET, &format!("/repos/{owner}/{repo}"), None).await?;
        Ok(found["empty"].as_bool().unwrap_or_default())
    }
}
