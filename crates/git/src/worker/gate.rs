//! The worker's only way out: a listener on loopback that leads to one server and nowhere else.
//!
//! libgit2 follows a redirect to another port of a server even where it is told to follow none, has no
//! timeout for a connection, no cap on what a server sends before the pack, and no say in where a name
//! leads. So it does not connect to the server: it connects to this gate, which does.
//!
//! **Invariants:** every byte goes to the host and port of the repository's url, at an address that is
//! not refused; no redirect leads elsewhere; no more bytes come in than the budget allows.

mod address;
mod forward;
mod head;
mod pipe;
mod tunnel;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use url::Url;

/// Stack of a thread that copies bytes.
const STACK: usize = 256 << 10;

/// The way out to one server.
pub(super) struct Gate {
    route: Arc<Route>,
    port: u16,
}

/// Why something did not get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// No connection, or none in time.
    Unreachable(String),
    /// The name leads to an address that is refused.
    Refused(IpAddr),
    /// The server sent us elsewhere.
    Redirected(String),
    /// More bytes than the budget came.
    TooMuch,
}

/// What the gate knows of the last request, for the message of an error.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) stopped: Option<Stopped>,
    /// When the server wants to be asked again (plain http only: TLS is not ours to read).
    pub(super) retry_after: Option<Duration>,
}

/// Where the gate leads, and how much may come back.
struct Route {
    host: String,
    port: u16,
    tls: bool,
    refused: Vec<IpAddr>,
    budget: AtomicU64,
    report: Mutex<Report>,
}

impl Gate {
    /// Opens a gate to the server of this url.
    pub(super) fn open(url: &Url, refused: &[IpAddr]) -> io::Result<Self> {
        let host = url.host_str().unwrap_or_default();
        let route = Arc::new(Route {
            // An IPv6 address stands in brackets in a url, and only there.
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            tls: url.scheme() == "https",
            refused: refused.iter().map(IpAddr::to_canonical).collect(),
            budget: AtomicU64::new(0),
            report: Mutex::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = route.clone();
        spawn(move || {
            for client in listener.incoming().flatten() {
                let route = shared.clone();
                // Without a thread the connection closes, and libgit2 says so.
                let _ = spawn(move || serve(&route, client));
            }
        })?;
        Ok(Self { route, port })
    }

    /// The url that libgit2 connects to. Over plain http that is the gate itself.
    pub(super) fn url(&self, url: &Url) -> String {
        if self.route.tls {
            return url.to_string();
        }
        format!("http://127.0.0.1:{}{}", self.port, url.path())
    }

    /// The proxy that libgit2 is told to use: with TLS the gate sees the name of the server only.
    pub(super) fn proxy(&self) -> Option<String> {
        self.route.tls.then(|| format!("http://127.0.0.1:{}", self.port))
    }

    /// Begins a step of the conversation, in which this many bytes may come.
    pub(super) fn begin(&self, budget: u64) {
        self.route.budget.store(budget, Ordering::SeqCst);
        *self.route.lock() = Report::default();
    }

    /// What is known of the step.
    pub(super) fn report(&self) -> Report {
        self.route.lock().clone()
    }
}

impl Route {
    fn lock(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self, why: Stopped) {
        self.lock().stopped.get_or_insert(why);
    }

    /// Counts bytes that came; `false` where there is no budget for them.
    fn spend(&self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let spent = self
            .budget
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(bytes));
        if spent.is_err() {
            self.stop(Stopped::TooMuch);
        }
        spent.is_ok()
    }

    /// Connects to the server, and says why where that fails.
    fn connect(&self) -> Option<TcpStream> {
        match address::connect(&self.host, self.port, &self.refused) {
            Ok(stream) => Some(stream),
            Err(why) => {
                self.stop(why);
                None
            }
        }
    }

    /// Host and port as they stand in a `Host` header.
    fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let default = if self.tls { 443 } else { 80 };
        if self.port == default { host } else { format!("{host}:{}", self.port) }
    }
}

fn serve(route: &Arc<Route>, client: TcpStream) {
    // Whatever goes wrong here, libgit2 meets a connection that ends.
    let _ = client.set_nodelay(true);
    let end = client.try_clone();
    let _ = if route.tls { tunnel::serve(route, client) } else { forward::serve(route, client) };
    // A thread that sends on what the client says may hold the connection still.
    if let Ok(end) = end {
        let _ = end.shutdown(Shutdown::Both);
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().stack_size(STACK).spawn(work).map(|_| ())
}

#[cfg(test)]
mod tests;
