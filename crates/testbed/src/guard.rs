//! The small program between a test and a server, which ends the server when the test is gone.
//!
//! The parent holds the guard's standard input open. However the parent ends, also by `kill -9`, the system closes that
//! pipe, and the guard ends the server and everything the server has started.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// What to run under guard, and how.
#[derive(Debug, clap::Args)]
pub struct Guard {
    /// Append what the program prints to this file instead of passing it on.
    #[arg(long)]
    pub log: Option<PathBuf>,
    /// Milliseconds between asking the program to end and killing it.
    #[arg(long, default_value_t = 1000)]
    pub grace: u64,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

impl Guard {
    /// Runs the program until it ends or standard input is closed; returns its exit code.
    ///
    /// Prints the program's process id on standard output: its only line there, if the program has a log file.
    ///
    /// # Caveats
    ///
    /// A thread stays blocked on standard input: leave with `std::process::exit`, or the process stays too.
    pub async fn run(self) -> Result<i32> {
        let (program, args) = self.command.split_first().context("no program to guard")?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).process_group(0);
        if let Some(path) = &self.log {
            let log = OpenOptions::new().create(true).append(true).open(path);
            let log = log.with_context(|| format!("opening {}", path.display()))?;
            command.stdout(log.try_clone()?).stderr(log);
        }
        // A registered signal no longer ends this process. Ctrl-C reaches the parent, whose end we see below.
        let _interrupts = signal(SignalKind::interrupt())?;
        let mut hangups = signal(SignalKind::hangup())?;
        let mut terminations = signal(SignalKind::terminate())?;
        let mut child =
            command.spawn().with_context(|| format!("starting {}", program.to_string_lossy()))?;
        let id = child.id().context("a child that was not waited for has an id")?;
        let group = i32::try_from(id).ok().and_then(Pid::from_raw).context("odd process id")?;
        let mut out = std::io::stdout();
        let told = writeln!(out, "{id}").and_then(|()| out.flush());
        let orphaned = parent_gone();
        let ended = tokio::select! {
            status = child.wait(), if told.is_ok() => Some(status?),
            _ = orphaned => None,
            _ = hangups.recv() => None,
            _ = terminations.recv() => None,
        };
        let status = if let Some(status) = ended {
            status
        } else {
            let _ = kill_process_group(group, Signal::TERM);
            let grace = Duration::from_millis(self.grace);
            if let Ok(status) = tokio::time::timeout(grace, child.wait()).await {
                status?
            } else {
                let _ = kill_process_group(group, Signal::KILL);
                child.wait().await?
            }
        };
        // What the program left behind, e.g. the git processes of a forge.
        let _ = kill_process_group(group, Signal::KILL);
        Ok(code(status))
    }
}

fn parent_gone() -> oneshot::Receiver<()> {
    let (gone, watch) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        let mut input = std::io::stdin().lock();
        while input.read(&mut buffer).is_ok_and(|count| count > 0) {}
        let _ = gone.send(());
    });
    watch
}

/// The exit code as a shell gives it: 128 and the signal for a program that was killed.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}
