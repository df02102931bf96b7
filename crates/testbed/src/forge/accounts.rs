//! Users, organisations, repositories and who may do what.

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use super::{Forge, Login};
use crate::ports;

impl Forge {
    /// Creates a user who may log in with the password at once.
    pub async fn create_user(&self, name: &str, password: &str) -> Result<()> {
        let user = json!({
            "username": name,
            "password": password,
            "email": format!("{name}@example.test"),
            "must_change_password": false,
        });
        self.expect(Method::POST, "/admin/users", Some(user), &[201]).await.map(|_| ())
    }

    /// Creates an access token of a user; scopes are e.g. `all` or `write:repository`.
    pub async fn create_token(
        &self,
        user: &str,
        password: &str,
        scopes: &[&str],
    ) -> Result<String> {
        let login = Login::Password(user.into(), password.into());
        let path = format!("/users/{user}/tokens");
        let name = format!("testbed-{}", ports::free()?);
        let body = json!({ "name": name, "scopes": scopes });
        let (code, token) = self.api_as(&login, Method::POST, &path, Some(body)).await?;
        let text = token["sha1"].as_str();
        Ok(text.with_context(|| format!("no token for {user}: {code} {token}"))?.to_owned())
    }

    /// Creates an organisation.
    pub async fn create_org(&self, name: &str) -> Result<()> {
        let org = json!({ "username": name });
        self.expect(Method::POST, "/orgs", Some(org), &[201]).await.map(|_| ())
    }

    /// Creates a repository of a user or organisation with `main` as its default branch; empty, or with a README.
    pub async fn create_repo(&self, owner: &str, name: &str, with_readme: bool) -> Result<()> {
        let repo = json!({ "name": name, "auto_init": with_readme, "default_branch": "main" });
        let (code, _) = self.api(Method::GET, &format!("/orgs/{owner}"), None).await?;
        let path = match code {
            200 => format!("/orgs/{owner}/repos"),
            _ => format!("/admin/users/{owner}/repos"),
        };
        self.expect(Method::POST, &path, Some(repo), &[201]).await.map(|_| ())
    }

    /// Lets a user into a repository: `read`, `write` or `admin`.
    pub async fn add_collaborator(
        &self,
        owner: &str,
        repo: &str,
        user: &str,
        permission: &str,
    ) -> Result<()> {
        let path = format!("/repos/{owner}/{repo}/collaborators/{user}");
        let body = json!({ "permission": permission });
        self.expect(Method::PUT, &path, Some(body), &[204]).await.map(|_| ())
    }

    /// Protects a branch; the rule is the API's `{"rule_name": "main", "enable_push": false, …}`.
    pub async fn protect_branch(&self, owner: &str, repo: &str, rule: Value) -> Result<()> {
        let path = format!("/repos/{owner}/{repo}/branch_protections");
        self.expect(Method::POST, &path, Some(rule), &[201]).await.map(|_| ())
    }
}
