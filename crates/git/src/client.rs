//! Our end of a worker: started when it is needed, killed when it hangs.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::cache::Cache;
use crate::credentials::{Credentials, WireLogin};
use crate::error::Error;
use crate::frame::{receive_async, send_async};
use crate::observe::Loss;
use crate::options::Options;
use crate::pool::Pool;
use crate::repository::Address;
use crate::text::Redactor;
use crate::wire::{Failure, Hello, Request, Response};

/// How long a killed process may take to be gone.
const BURIAL: Duration = Duration::from_secs(5);
/// A file became longer than the process may write.
const SIGXFSZ: i32 = 25;

/// What all actors share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) cache: Cache,
    pub(crate) pool: Pool,
    /// When the cache was swept last.
    pub(crate) swept: Mutex<Option<Instant>>,
}

/// Conversations about one repository with one credential.
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: Address,
    credentials: Credentials,
    redactor: Redactor,
    key: String,
    worker: Option<Worker>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The request failed, and nothing else.
    Failed(Error),
    /// The cached repository was broken and is gone: begin again.
    CacheDropped(Error),
    /// The worker is gone. What was asked for may have happened.
    Gone(Error),
}

impl Trouble {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Failed(error) | Self::CacheDropped(error) | Self::Gone(error) => error,
        }
    }
}

struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    _place: OwnedSemaphorePermit,
}

impl Session {
    pub(crate) fn new(
        shared: Arc<Shared>,
        address: Address,
        credentials: Credentials,
        key: String,
    ) -> Self {
        let redactor = credentials.redactor();
        Self { shared, address, credentials, redactor, key, worker: None }
    }

    pub(crate) fn has_worker(&self) -> bool {
        self.worker.is_some()
    }

    /// Ends the worker. It has nothing to do and nothing to lose.
    pub(crate) async fn end_worker(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.bury().await;
        }
    }

    /// Text without the credentials.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.redactor.clean(text)
    }

    /// Asks the worker, which is started if there is none.
    pub(crate) async fn ask(&mut self, request: Request) -> Result<Response, Trouble> {
        let waited = self.worker.is_some();
        let answer = self.ask_once(&request).await;
        // One that died while it had nothing to do is nobody's trouble.
        match answer {
            Err(Trouble::Gone(Error::WorkerFailed { .. })) if waited && request.begins_anew() => {
                self.ask_once(&request).await
            }
            answer => answer,
        }
    }

    async fn ask_once(&mut self, request: &Request) -> Result<Response, Trouble> {
        if self.worker.is_none() {
            self.worker = Some(self.start().await.map_err(Trouble::Failed)?);
            let hello = self.hello()?;
            match self.exchange(&hello).await? {
                Response::Ready => {}
                response => return Err(self.failed(response)),
            }
        }
        match self.exchange(request).await? {
            response @ Response::Failed(_) => Err(self.failed(response)),
            response => Ok(response),
        }
    }

    fn failed(&self, response: Response) -> Trouble {
        match response {
            Response::Failed(Failure::Error(error)) => Trouble::Failed(error),
            Response::Failed(Failure::CacheDropped(why)) => {
                let problem = format!("it was broken ({}) and is fetched anew", self.clean(&why));
                Trouble::CacheDropped(Error::storage(problem))
            }
            _ => Trouble::Failed(Error::worker("answered something else")),
        }
    }

    async fn exchange(&mut self, request: &Request) -> Result<Response, Trouble> {
        let began = Instant::now();
        let answer = self.exchange_once(request).await;
        let broken;
        let error = match &answer {
            Ok(Response::Failed(Failure::Error(error))) => Some(error),
            Ok(Response::Failed(Failure::CacheDropped(_))) => {
                broken = Error::storage("a cached repository was broken");
                Some(&broken)
            }
            Ok(_) => None,
            Err(Trouble::Failed(error) | Trouble::CacheDropped(error) | Trouble::Gone(error)) => {
                Some(error)
            }
        };
        let observer = &self.shared.options.observer;
        observer.operation(request.operation(), error, began.elapsed());
        answer
    }

    async fn exchange_once(&mut self, request: &Request) -> Result<Response, Trouble> {
        let deadline = self.shared.options.deadline;
        let Some(worker) = &mut self.worker else {
            return Err(Trouble::Failed(Error::worker("is not there")));
        };
        let work = async {
            // A worker that died says so by the end of its answers.
            let _ = send_async(&mut worker.stdin, request).await;
            receive_async(&mut worker.stdout).await
        };
        let answer = timeout(deadline, work).await;
        if let Ok(Ok(response)) = answer {
            return Ok(response);
        }
        let status = match self.worker.take() {
            Some(worker) => worker.bury().await,
            None => None,
        };
        let host = self.address.host().to_owned();
        let error = match answer {
            Err(_) => Error::TimedOut { host, seconds: deadline.as_secs() },
            Ok(_) => self.death(status),
        };
        tracing::warn!(host = self.address.host(), %error, "git worker lost");
        self.shared.options.observer.worker_lost(match &error {
            Error::TimedOut { .. } => Loss::Deadline,
            Error::TooLarge { .. } => Loss::Size,
            _ => Loss::Died,
        });
        Err(Trouble::Gone(error))
    }

    fn death(&self, status: Option<ExitStatus>) -> Error {
        match status.map(|status| (status.signal(), status.code())) {
            Some((Some(SIGXFSZ), _)) => {
                let limit = format!("{} MiB", self.shared.options.limits.fetched >> 20);
                Error::TooLarge { what: "the repository".into(), limit }
            }
            Some((Some(signal), _)) => Error::worker(format!("was ended by signal {signal}")),
            Some((_, Some(code))) => Error::worker(format!("ended with code {code}")),
            _ => Error::worker("ended"),
        }
    }

    fn hello(&self) -> Result<Request, Trouble> {
        let ca = self.credentials.ca_pem.as_ref();
        Ok(Request::Hello(Box::new(Hello {
            url: self.address.url.to_string(),
            login: WireLogin::from(&self.credentials.login),
            ca_pem: ca.map(|pem| String::from_utf8_lossy(pem).into_owned()),
            limits: self.shared.options.limits.clone(),
            refused: self.shared.options.refused_addresses.clone(),
            folder: self.folder().map_err(Trouble::Failed)?,
        })))
    }

    fn folder(&self) -> Result<PathBuf, Error> {
        self.shared.cache.folder(&self.key)
    }

    async fn start(&self) -> Result<Worker, Error> {
        let place = self.shared.pool.place().await.ok_or_else(|| Error::worker("has no place"))?;
        let folder = self.folder()?;
        let home = folder.join("home");
        let mut command = self.command(&home)?;
        let started = command.spawn();
        let mut child =
            started.map_err(|error| Error::worker(format!("does not start: {error}")))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::worker("has no pipes"));
        };
        self.shared.options.observer.worker_started();
        Ok(Worker { child, stdin, stdout, _place: place })
    }

    /// A process with nothing of ours but two pipes and a scratch folder.
    fn command(&self, home: &Path) -> Result<Command, Error> {
        let mut words = self.shared.options.worker.iter();
        let program = words.next().ok_or_else(|| Error::worker("has no program"))?;
        let mut command = Command::new(program);
        command
            .args(words)
            .env_clear()
            .env("HOME", home)
            .env("TMPDIR", home)
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A signal to our group must not end a push.
            .process_group(0)
            .kill_on_drop(true);
        Ok(command)
    }
}

impl Worker {
    /// Kills the process and waits until it is gone, and its hold on the cache with it.
    async fn bury(mut self) -> Option<ExitStatus> {
        // One that has just died tells more than one that is killed.
        if let Ok(Ok(status)) = timeout(Duration::from_millis(20), self.child.wait()).await {
            return Some(status);
        }
        let _ = self.child.start_kill();
        timeout(BURIAL, self.child.wait()).await.ok()?.ok()
    }
}
