//! The worker's only way out: a small proxy on loopback that leads to one repository and nowhere else.
//!
//! libgit2 follows a redirect to another port of a server even where it is told to follow none, has no
//! timeout for a connection, no cap on what a server sends, no say in where a name leads, and uses
//! freed memory where a certificate is refused behind a proxy. So it does not talk to the server: it
//! talks plain HTTP to this gate, which does, and which alone knows the credentials.
//!
//! **Invariants:** every request goes to the repository's url, at an address that is not refused, over
//! TLS that is verified where the url says https; no redirect is followed; no more bytes come in than
//! the budget allows; who does not know the gate's secret path gets nothing.

mod pass;

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use axum::Router;
use reqwest::header::HeaderValue;
use url::Url;

use crate::credentials::Login;
use crate::error::Error;
use crate::http::{self, Unreached};

/// The way out to one repository.
pub(super) struct Gate {
    route: Arc<Route>,
    url: String,
}

/// Why something did not get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// No connection, or one that broke.
    Unreachable(String),
    /// The name leads to an address that is refused.
    Refused(IpAddr),
    /// The certificate is not trusted.
    Untrusted(String),
    /// The server sent us elsewhere.
    Redirected(String),
    /// The server answered with this status, and these words.
    Status(u16, String),
    /// More bytes than this budget came.
    TooMuch(u64),
}

/// What the gate knows of the last step, for the message of an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) stopped: Option<Stopped>,
    /// When the server wants to be asked again.
    pub(super) retry_after: Option<Duration>,
}

/// Where the gate leads, as whom, and how much may come back.
struct Route {
    /// The repository, without a slash at its end.
    url: Url,
    /// What libgit2 has to put before the repository's path.
    secret: String,
    authorization: Option<HeaderValue>,
    refused: Vec<IpAddr>,
    client: reqwest::Client,
    budget: AtomicU64,
    left: AtomicU64,
    report: Mutex<Report>,
}

impl From<Unreached> for Stopped {
    fn from(why: Unreached) -> Self {
        match why {
            Unreached::Unreachable(problem) => Self::Unreachable(problem),
            Unreached::Refused(address) => Self::Refused(address),
            Unreached::Untrusted(problem) => Self::Untrusted(problem),
        }
    }
}

impl Gate {
    /// Opens a gate to this repository.
    pub(super) fn open(
        url: &Url,
        login: &Login,
        ca_pem: Option<&str>,
        refused: &[IpAddr],
    ) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::worker(format!("has no way out: {error}"));
        let secret = secret().map_err(failed)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let route = Arc::new(Route {
            url: url.clone(),
            secret: format!("/{secret}"),
            authorization: http::authorization(login)?,
            refused: refused.iter().map(IpAddr::to_canonical).collect(),
            client: client(ca_pem, refused)?,
            budget: AtomicU64::new(0),
            left: AtomicU64::new(0),
            report: Mutex::default(),
        });
        serve(listener, route.clone()).map_err(failed)?;
        Ok(Self { route, url: format!("http://127.0.0.1:{port}/{secret}{}", url.path()) })
    }

    /// The url that libgit2 is given.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Begins a step of the conversation, in which this many bytes may come.
    pub(super) fn begin(&self, budget: u64) {
        self.route.budget.store(budget, Ordering::SeqCst);
        self.route.left.store(budget, Ordering::SeqCst);
        *self.route.report() = Report::default();
    }

    /// What is known of the step.
    pub(super) fn report(&self) -> Report {
        self.route.report().clone()
    }
}

impl Route {
    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes why something did not get through; what comes first is the reason of the rest.
    fn stop(&self, why: Stopped) {
        self.report().stopped.get_or_insert(why);
    }

    /// Counts bytes that came; `false` where there is no budget for them.
    fn spend(&self, bytes: usize) -> bool {
        let less = |left: u64| left.checked_sub(bytes as u64);
        let fits = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
        if !fits {
            self.stop(Stopped::TooMuch(self.budget.load(Ordering::SeqCst)));
        }
        fits
    }
}

fn client(ca_pem: Option<&str>, refused: &[IpAddr]) -> Result<reqwest::Client, Error> {
    http::client(ca_pem.map(str::as_bytes), refused)?
        .user_agent(concat!("git/portolan-", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::worker(format!("has no way out: {error}")))
}

/// Serves in a thread of its own, on a runtime of its own: libgit2 blocks the thread it is called on.
fn serve(listener: TcpListener, route: Arc<Route>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let app = Router::new().fallback(pass::pass).with_state(route);
    let (tell, told) = mpsc::channel();
    std::thread::Builder::new().name("gate".into()).spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener);
            let _ = tell.send(listener.as_ref().map(|_| ()).map_err(io::Error::kind));
            if let Ok(listener) = listener {
                let _ = axum::serve(listener, app).await;
            }
        });
    })?;
    told.recv().map_err(io::Error::other)?.map_err(io::Error::from)
}

/// A path that nobody guesses.
fn secret() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests;
