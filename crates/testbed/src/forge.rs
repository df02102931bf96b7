//! A real forge on loopback, for pull requests, protected branches and webhooks: Gitea.

mod accounts;
mod config;
mod contents;
mod requests;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http::Method;
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::sync::Mutex;

pub use self::requests::{Merge, Request, RequestState};
use crate::process::{Process, port_was_taken};
use crate::scratch::{Scratch, write_secret};
use crate::tools::output;
use crate::{ports, programs};

const DEADLINE: Duration = Duration::from_mins(2);

/// The administrator's name; the password is [`ADMIN_PASSWORD`].
pub const ADMIN: &str = "root1";
/// The administrator's password.
pub const ADMIN_PASSWORD: &str = "Passw0rd!x";

/// A running forge. Dropping it ends the server and removes its scratch folder.
///
/// Cheap to share: one forge for a whole test run, an owner or a repository for each test.
pub struct Forge {
    host: String,
    port: u16,
    token: String,
    program: PathBuf,
    http: Client,
    server: Mutex<Option<Process>>,
    scratch: Scratch,
}

/// As whom to call the API.
#[derive(Debug, Clone)]
pub enum Login {
    /// An access token.
    Token(String),
    /// A user's name and password.
    Password(String, String),
}

impl Forge {
    /// Starts a forge in a scratch folder and waits until it answers.
    pub async fn start() -> Result<Self> {
        Self::start_in(None, "127.0.0.1").await
    }

    /// Starts a forge in a folder that stays (and must be empty), or in a scratch folder, on an address
    /// of this machine.
    pub async fn start_in(dir: Option<&Path>, host: &str) -> Result<Self> {
        let scratch = Scratch::new("forge", dir)?;
        let module = programs::module_dir("gitea").await?;
        config::static_root(&scratch.folder("static")?, &module)?;
        for folder in ["home", "data", "custom/conf"] {
            scratch.folder(folder)?;
        }
        // Connections are not kept: they would belong to the runtime of the test that opened them.
        let http = Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
        let mut this = Self {
            host: host.to_owned(),
            port: 0,
            token: String::new(),
            program: programs::program("gitea").await?,
            http,
            server: Mutex::new(None),
            scratch,
        };
        let user = output(Command::new("id").arg("-un"))?;
        let mut attempt = 1;
        loop {
            this.port = ports::free()?;
            let ini = config::app_ini(this.dir(), host, this.port, user.trim());
            write_secret(&this.dir().join("app.ini"), &ini)?;
            if attempt == 1 {
                this.create_admin().await?;
            }
            match this.start_server().await {
                Ok(()) => return Ok(this),
                Err(error) if attempt == 3 || !port_was_taken(&error) => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    async fn create_admin(&mut self) -> Result<()> {
        self.run(&["migrate"]).await?;
        let password = format!("--password={ADMIN_PASSWORD}");
        let user = ["admin", "user", "create", "--admin", "--username", ADMIN, &password];
        let more = ["--email=root1@example.test", "--must-change-password=false"];
        self.run(&[&user[..], &more].concat()).await?;
        let token = ["admin", "user", "generate-access-token", "--username", ADMIN, "--raw"];
        let printed =
            self.run(&[&token[..], &["--token-name=testbed", "--scopes=all"]].concat()).await?;
        // Log lines come on the same stream.
        let is_token =
            |line: &&str| line.len() == 40 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
        let token = printed.lines().map(str::trim).rfind(is_token);
        let token = token.context("gitea printed no token")?;
        token.trim().clone_into(&mut self.token);
        Ok(())
    }

    async fn run(&self, args: &[&str]) -> Result<String> {
        let mut command = self.command();
        command.args(args);
        tokio::task::spawn_blocking(move || output(&mut command)).await?
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("HOME", self.dir().join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("XDG_CONFIG_HOME")
            .arg("-c")
            .arg(self.dir().join("app.ini"))
            .current_dir(self.dir());
        command
    }

    /// Starts the server again on the same data and port; nothing to do while it runs.
    pub async fn start_server(&self) -> Result<()> {
        let mut slot = self.server.lock().await;
        if slot.as_ref().is_some_and(Process::is_running) {
            return Ok(());
        }
        let mut command = self.command();
        command.arg("web");
        let server = Process::spawn("gitea", command, &self.scratch.log("gitea")?).await?;
        let health = format!("{}/api/healthz", self.base_url());
        server
            .ready(DEADLINE, async || {
                self.http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success())
            })
            .await?;
        *slot = Some(server);
        Ok(())
    }

    /// Stops the server, as in an outage; [`start_server`](Self::start_server) brings it back.
    pub async fn stop_server(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.stop().await;
        }
    }

    /// `http://ADDRESS:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    /// The address to clone a repository from, without credentials.
    pub fn http_url(&self, owner: &str, repo: &str) -> String {
        format!("{}/{owner}/{repo}.git", self.base_url())
    }

    /// A token of the administrator, for everything.
    pub fn admin_token(&self) -> &str {
        &self.token
    }

    /// The administrator's login.
    pub fn admin(&self) -> Login {
        Login::Token(self.token.clone())
    }

    /// The folder of data, settings and `logs/`.
    pub fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// Calls the API as the administrator; the path starts behind `/api/v1`. The body is null where it is no JSON.
    pub async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value)> {
        self.api_as(&self.admin(), method, path, body).await
    }

    /// Calls the API as somebody, e.g. to review another's pull request.
    pub async fn api_as(
        &self,
        login: &Login,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value)> {
        let answer = self.request(method, path, body, login).await?;
        let code = answer.status().as_u16();
        let text = answer.bytes().await?;
        Ok((code, serde_json::from_slice(&text).unwrap_or_default()))
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        login: &Login,
    ) -> Result<Response> {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base_url()));
        let request = match login {
            Login::Token(token) => request.header("Authorization", format!("token {token}")),
            Login::Password(user, password) => request.basic_auth(user, Some(password)),
        };
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.with_context(|| format!("calling the forge: {path}"))
    }

    async fn expect(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        codes: &[u16],
    ) -> Result<Value> {
        self.expect_as(&self.admin(), method, path, body, codes).await
    }

    async fn expect_as(
        &self,
        login: &Login,
        method: Method,
        path: &str,
        body: Option<Value>,
        codes: &[u16],
    ) -> Result<Value> {
        let (code, answer) = self.api_as(login, method.clone(), path, body).await?;
        if !codes.contains(&code) {
            bail!("the forge answered {method} {path} with {code}: {answer}");
        }
        Ok(answer)
    }
}
