//! A plain git server over HTTP, in this process: for hooks, refusals, races, and answers that never arrive.
//!
//! It serves with git's own `git http-backend`, on a thread and a runtime of its own: a test may block while it talks to
//! it, and several tests may share it.

mod cgi;
mod fault;
mod history;
mod listener;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::oneshot;

use self::fault::Faults;
pub use self::fault::{Fault, FaultRule};
pub use self::history::{Change, How};
use self::listener::{Cut, CuttableListener};
use crate::scratch::Scratch;
use crate::tools::{git, run};

/// A running git server. Dropping it closes the port and removes its repositories.
pub struct GitServer {
    port: u16,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A request as it came in, before anything was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Whether it carried credentials, right or wrong.
    pub authorization: bool,
}

struct Shared {
    credentials: Mutex<Option<(String, String)>>,
    seen: Mutex<Vec<Seen>>,
    faults: Faults,
    repos: PathBuf,
    home: PathBuf,
    _scratch: Scratch,
}

impl GitServer {
    /// Starts a server without repositories that lets everybody in.
    pub async fn start() -> Result<Self> {
        let scratch = Scratch::new("git", None)?;
        let shared = Arc::new(Shared {
            credentials: Mutex::default(),
            seen: Mutex::default(),
            faults: Faults::default(),
            repos: scratch.folder("repos")?,
            home: scratch.folder("home")?,
            _scratch: scratch,
        });
        let app = Router::new().fallback(serve).with_state(shared.clone());
        let app = app.into_make_service_with_connect_info::<Cut>();
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("git-server".into()).spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
                let port = listener.as_ref().ok().and_then(|one| one.local_addr().ok());
                let _ = tell.send(port);
                let Ok(listener) = listener else { return };
                tokio::select! {
                    _ = axum::serve(CuttableListener(listener), app) => {}
                    _ = stopped => {}
                }
            });
            // Connections end here, also those that hang; a backend may finish on its own.
            runtime.shutdown_background();
        })?;
        let address = told.await?.context("no port for the git server")?;
        Ok(Self { port: address.port(), shared, stop: Some(stop), thread: Some(thread) })
    }

    /// From now on asks for these credentials (basic authentication), or for none.
    pub fn set_credentials(&self, credentials: Option<(&str, &str)>) {
        let owned = credentials.map(|(user, password)| (user.to_owned(), password.to_owned()));
        *locked(&self.shared.credentials) = owned;
    }

    /// Makes the server misbehave; the first rule that fits a request strikes.
    pub fn inject(&self, fault: Fault, containing: &str, times: Option<u32>) {
        self.shared.faults.add(FaultRule { fault, containing: containing.to_owned(), times });
    }

    /// Makes the server behave again; requests that already hang go on hanging.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.shared.seen).clone()
    }

    /// Forgets the requests so far.
    pub fn clear_seen(&self) {
        locked(&self.shared.seen).clear();
    }

    /// Creates an empty repository that can be pushed to, with `main` as its head. The name may have slashes.
    pub async fn create_repo(&self, name: &str) -> Result<()> {
        let mut init = git(self.home());
        init.args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(self.repo_path(name));
        run(init).await?;
        self.git(name, &["config", "http.receivepack", "true"]).await.map(|_| ())
    }

    /// The bare repository on disk.
    pub fn repo_path(&self, name: &str) -> PathBuf {
        self.shared.repos.join(format!("{name}.git"))
    }

    /// The address to clone a repository from, without credentials.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.base_url())
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A scratch home folder for git commands, see [`git`].
    pub fn home(&self) -> &Path {
        &self.shared.home
    }

    /// Runs git in a repository; its standard output.
    pub async fn git(&self, name: &str, args: &[&str]) -> Result<String> {
        let mut command = git(self.home());
        command.arg("-C").arg(self.repo_path(name)).args(args);
        run(command).await
    }

    /// The commit a branch points to; `None` if the branch is not there.
    pub async fn tip(&self, name: &str, branch: &str) -> Result<Option<String>> {
        let reference = format!("refs/heads/{branch}");
        let args = ["for-each-ref", "--format=%(objectname) %(refname)", &reference];
        let listed = self.git(name, &args).await?;
        let mut lines = listed.lines().filter_map(|line| line.split_once(' '));
        Ok(lines.find(|(_, name)| *name == reference).map(|(id, _)| id.to_owned()))
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<Body> {
    // An earlier answer on the same connection may have been shorter than its cut.
    cut.after(u64::MAX);
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let sent = head.headers.get(header::AUTHORIZATION);
    locked(&shared.seen).push(Seen {
        method: head.method.to_string(),
        path: path.clone(),
        authorization: sent.is_some(),
    });
    let wanted = locked(&shared.credentials).clone();
    if let Some((user, password)) = &wanted {
        let right = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        if sent.is_none_or(|sent| sent.as_bytes() != right.as_bytes()) {
            let mut refusal = empty(StatusCode::UNAUTHORIZED);
            let realm = header::HeaderValue::from_static("Basic realm=\"testbed\"");
            refusal.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
            return refusal;
        }
    }
    let fault = shared.faults.strike(&format!("{} {path}", head.method));
    match &fault {
        Some(Fault::Hang) => return std::future::pending().await,
        Some(Fault::Status(code)) => {
            return empty(StatusCode::from_u16(*code).unwrap_or(StatusCode::IM_A_TEAPOT));
        }
        Some(Fault::Redirect(base)) => return redirect(&format!("{base}{path}")),
        Some(Fault::CutAfter(_) | Fault::LoseAnswer) | None => {}
    }
    let user = wanted.map(|(user, _)| user);
    // A task of its own: the work goes on when the client hangs up and this future is dropped.
    let work = tokio::spawn(async move {
        cgi::run(&shared.repos, &shared.home, user.as_deref(), &head, body).await
    });
    let answer = match work.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => failure(error.to_string()),
        Err(error) => failure(error.to_string()),
    };
    match fault {
        Some(Fault::CutAfter(bytes)) => cut.after(bytes),
        Some(Fault::LoseAnswer) => cut.after(0),
        _ => {}
    }
    answer
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

fn failure(message: String) -> Response<Body> {
    let mut answer = empty(StatusCode::INTERNAL_SERVER_ERROR);
    *answer.body_mut() = Body::from(message);
    answer
}

fn redirect(to: &str) -> Response<Body> {
    let mut answer = empty(StatusCode::FOUND);
    if let Ok(to) = header::HeaderValue::from_str(to) {
        answer.headers_mut().insert(header::LOCATION, to);
    }
    answer
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
