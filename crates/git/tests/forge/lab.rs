//! A repository of its own for each test, on a forge that they share.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::Method;
use portolan_git::{Credentials, Forge, NewRequest, RemoteRepository};
use portolan_plan::writer::{PullRequest, RequestState};
use portolan_testbed::{Login, tools, wait};
use serde_json::{Value, json};
use tokio::sync::Mutex;

pub(crate) const DEADLINE: Duration = Duration::from_mins(1);
pub(crate) const REPO: &str = "app";
/// Writes, opens and merges.
pub(crate) const BOT: &str = "bot";
/// People who may write; `eve` may only read.
const PEOPLE: [&str; 3] = ["ann", "ben", "eve"];

/// Runs as long as a test needs it; a scratch folder in a static would stay behind.
static SHARED: Mutex<Weak<portolan_testbed::Forge>> = Mutex::const_new(Weak::new());

pub(crate) fn password(user: &str) -> String {
    format!("{user}-Passw0rd-2f81")
}

async fn shared() -> Arc<portolan_testbed::Forge> {
    let mut slot = SHARED.lock().await;
    if let Some(forge) = slot.upgrade() {
        return forge;
    }
    let forge = Arc::new(portolan_testbed::Forge::start().await.unwrap());
    for user in [BOT].iter().chain(&PEOPLE) {
        forge.create_user(user, &password(user)).await.unwrap();
    }
    *slot = Arc::downgrade(&forge);
    forge
}

pub(crate) struct Lab {
    pub(crate) server: Arc<portolan_testbed::Forge>,
    pub(crate) org: String,
    pub(crate) forge: Forge,
}

impl Lab {
    /// A repository `app` of an organisation of this name, with a README on `main`.
    pub(crate) async fn new(org: &str) -> Self {
        let server = shared().await;
        server.create_org(org).await.unwrap();
        server.create_repo(org, REPO, true).await.unwrap();
        for (user, right) in [(BOT, "write"), ("ann", "write"), ("ben", "write"), ("eve", "read")] {
            server.add_collaborator(org, REPO, user, right).await.unwrap();
        }
        let repository = RemoteRepository::new(server.http_url(org, REPO), credentials(BOT));
        let forge = Forge::connect(&repository, None, &[]).await.unwrap();
        Self { server, org: org.into(), forge }
    }

    pub(crate) fn repository(&self, credentials: Credentials) -> RemoteRepository {
        RemoteRepository::new(self.server.http_url(&self.org, REPO), credentials)
    }

    pub(crate) async fn as_user(&self, user: &str) -> Forge {
        Forge::connect(&self.repository(credentials(user)), None, &[]).await.unwrap()
    }

    /// Calls the API below the repository, as a user.
    pub(crate) async fn api(
        &self,
        user: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let path = format!("/repos/{}/{REPO}{path}", self.org);
        let login = match user {
            "admin" => self.server.admin(),
            user => Login::Password(user.into(), password(user)),
        };
        let body = (!body.is_null()).then_some(body);
        self.server.api_as(&login, method, &path, body).await.unwrap()
    }

    /// The same, where it has to succeed.
    pub(crate) async fn must(&self, user: &str, method: Method, path: &str, body: Value) -> Value {
        let (code, answer) = self.api(user, method, path, body).await;
        assert!((200..300).contains(&code), "{path}: {code} {answer}");
        answer
    }

    /// Commits a file of the branch's name, or another, to a branch that begins at main's tip.
    pub(crate) async fn push(&self, branch: &str, file: &str, text: &str) -> String {
        let files = [(file, Some(text.as_bytes()))];
        self.server.commit_files(&self.org, REPO, branch, &files, "Change").await.unwrap()
    }

    /// Deletes a branch as a person does.
    pub(crate) async fn delete_branch(&self, branch: &str) {
        self.must("ann", Method::DELETE, &format!("/branches/{branch}"), Value::Null).await;
    }

    /// A branch with a change, and an open request from it to main.
    pub(crate) async fn offered(&self, branch: &str) -> PullRequest {
        let head = self.push(branch, &format!("{branch}.txt"), "A").await;
        let request = self.forge.open(&new(branch)).await.unwrap();
        assert_eq!((request.head.as_str(), request.state), (head.as_str(), RequestState::Open));
        request
    }

    /// A request as the list shows it.
    pub(crate) async fn listed(&self, number: i64) -> PullRequest {
        let requests = self.forge.requests(100).await.unwrap();
        requests.into_iter().find(|request| request.number == number).unwrap()
    }

    /// The same, once it has this head.
    pub(crate) async fn with_head(&self, number: i64, head: &str) -> PullRequest {
        wait::until("the head to be seen", DEADLINE, async || {
            Some(self.listed(number).await).filter(|request| request.head == head)
        })
        .await
        .unwrap()
    }

    /// What git gives out.
    pub(crate) async fn refs(&self) -> BTreeMap<String, String> {
        let mut git = tools::git(Path::new("/nonexistent"));
        git.args(["ls-remote", &self.server.http_url(&self.org, REPO)]);
        let text = tools::run(git).await.unwrap();
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        lines.map(|(commit, name)| (name.to_owned(), commit.to_owned())).collect()
    }

    pub(crate) async fn tip(&self, branch: &str) -> Option<String> {
        self.server.branch_tip(&self.org, REPO, branch).await.unwrap()
    }

    /// Protects main: one approval, and `ci/check`.
    pub(crate) async fn protect(&self, more: Value) {
        let mut rule = json!({
            "rule_name": "main", "enable_push": false, "required_approvals": 1,
            "enable_status_check": true, "status_check_contexts": ["ci/check"],
            "block_on_rejected_reviews": true, "block_admin_merge_override": true,
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            rule[key] = value.clone();
        }
        self.server.protect_branch(&self.org, REPO, rule).await.unwrap();
    }

    pub(crate) async fn check(&self, commit: &str, name: &str, state: &str) {
        let status = json!({ "context": name, "state": state });
        self.must(BOT, Method::POST, &format!("/statuses/{commit}"), status).await;
    }

    pub(crate) async fn review(&self, user: &str, number: i64, event: &str) -> Value {
        let review = json!({ "event": event, "body": "words" });
        self.must(user, Method::POST, &format!("/pulls/{number}/reviews"), review).await
    }
}

pub(crate) fn credentials(user: &str) -> Credentials {
    Credentials::basic(user, password(user))
}

/// A request from a branch to main.
pub(crate) fn new(branch: &str) -> NewRequest {
    NewRequest {
        branch: branch.into(),
        base: "main".into(),
        title: format!("{branch} to main"),
        body: "Words\n\n- one\n".into(),
        ..NewRequest::default()
    }
}
