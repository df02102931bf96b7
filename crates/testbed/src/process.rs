//! A server process that ends with this process, however this one ends.
//!
//! **Invariant:** every server runs below a [`Guard`](crate::guard::Guard), so none outlives the test that started it.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, Error, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use crate::guard;
use crate::tools::last_lines;
use crate::wait;

/// Where to look for the guard program instead of beside the running program.
const GUARD: &str = "PORTOLAN_TESTBED";

/// A running program. Dropping it ends the program: a request first, after a second by force.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    pid: Pid,
    /// While this is open the program may live.
    lease: Mutex<Option<ChildStdin>>,
    exit: watch::Receiver<Option<i32>>,
    waiter: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts a program under guard; what it prints is appended to the log file.
    ///
    /// Of the command only the program, arguments, environment and working directory count.
    pub async fn spawn(name: &str, command: Command, log: &Path) -> Result<Self> {
        let (name, log) = (name.to_owned(), log.to_owned());
        tokio::task::spawn_blocking(move || Self::spawn_blocking(name, &command, log)).await?
    }

    fn spawn_blocking(name: String, command: &Command, log: PathBuf) -> Result<Self> {
        let errors = fs::OpenOptions::new().create(true).append(true).open(&log);
        let errors = errors.with_context(|| format!("opening {}", log.display()))?;
        let mut guard = guarded(command, &log)?;
        guard.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).process_group(0);
        let mut child = guard.spawn().with_context(|| format!("starting the guard of {name}"))?;
        let lease = child.stdin.take();
        let stdout = child.stdout.take().context("the guard's output is piped")?;
        let (ended, exit) = watch::channel(None);
        let waiter = std::thread::spawn(move || {
            let code = child.wait().map_or(1, guard::code);
            ended.send_replace(Some(code));
        });
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(pid) = line.trim().parse().ok().and_then(Pid::from_raw) else {
            let tail = last_lines(&log, 20);
            bail!("{name} did not start ({}):\n{tail}", command.get_program().to_string_lossy());
        };
        let lease = Mutex::new(lease);
        Ok(Self { name, log, pid, lease, exit, waiter: Some(waiter) })
    }

    /// The process id of the program itself, not of its guard.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The file that holds what the program prints.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Kills the program at once, as a crash would.
    pub fn kill_9(&self) -> Result<()> {
        self.signal(Signal::KILL)
    }

    /// Asks the program to end, and leaves it all the time it wants.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Sends the program a signal by its number's name; a program that has ended is no error.
    fn signal(&self, signal: Signal) -> Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        match kill_process(self.pid, signal) {
            Err(error) if error != rustix::io::Errno::SRCH => {
                Err(error).with_context(|| format!("signalling {}", self.name))
            }
            _ => Ok(()),
        }
    }

    /// Lets the program go: asked to end, killed after a second. Does not wait for it.
    pub fn release(&self) {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Ends the program and waits until it is gone.
    pub async fn stop(&self) {
        self.release();
        self.wait().await;
    }

    /// Waits until the program is gone; its exit code, 128 and the signal's number if it was killed.
    pub async fn wait(&self) -> i32 {
        let mut exit = self.exit.clone();
        let code = exit.wait_for(Option::is_some).await.ok().and_then(|code| *code);
        code.unwrap_or(1)
    }

    /// Whether the program has not ended yet.
    pub fn is_running(&self) -> bool {
        self.exit.borrow().is_none()
    }

    /// Waits until the probe says yes; fails early, with the end of the log, when the program ends instead.
    pub async fn ready<F>(&self, deadline: Duration, mut probe: F) -> Result<()>
    where
        F: AsyncFnMut() -> bool,
    {
        let what = format!("{} to answer", self.name);
        let poll = wait::until(&what, deadline, async || probe().await.then_some(()));
        tokio::select! {
            ready = poll => ready.map_err(|error| self.failure(&error.to_string())),
            code = self.wait() => Err(self.failure(&format!("{} ended with code {code}", self.name))),
        }
    }

    /// An error that quotes the end of the log.
    pub fn failure(&self, what: &str) -> Error {
        anyhow!("{what}; the end of {}:\n{}", self.log.display(), last_lines(&self.log, 20))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.release();
        // Its folder may be removed next: be sure that nothing writes there any more.
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
    }
}

/// Whether an error of a start says that somebody else took the port; then new ports are worth a try.
pub(crate) fn port_was_taken(error: &Error) -> bool {
    format!("{error:#}").contains("address already in use")
}

fn guarded(command: &Command, log: &Path) -> Result<Command> {
    let mut guard = Command::new(guard_program()?);
    guard.arg("guard").arg("--log").arg(log).arg("--").arg(command.get_program());
    guard.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => guard.env(name, value),
            None => guard.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        guard.current_dir(folder);
    }
    Ok(guard)
}

/// The program of this crate, which guards and makes rooms: named by the environment, or beside the running one (tests run one folder deeper).
pub(crate) fn guard_program() -> Result<PathBuf> {
    if let Some(path) = env::var_os(GUARD).filter(|path: &OsString| !path.is_empty()) {
        return Ok(path.into());
    }
    let this = env::current_exe().context("where am I")?;
    let name = format!("portolan-testbed{}", env::consts::EXE_SUFFIX);
    this.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|path| path.is_file()).with_context(|| {
        format!(
            "no program portolan-testbed beside {}: run `cargo build -p portolan-testbed`, or name it in {GUARD}",
            this.display()
        )
    })
}
