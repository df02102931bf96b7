//! A room: network, mounts and processes of one cluster with real nodes, apart from the machine and from
//! the other clusters.
//!
//! ```text
//!   machine │ outside (netns)               │ room 1 (net, mount and pid namespace)
//!           │   10.99.0.1  forge, registry  │   10.99.1.2  API server, kubelet
//!           │   10.99.1.1 ══════ veth ══════╪══ up0
//!           │                               │   cni0  10.244.1.0/24  pods
//! ```
//!
//! The outside does not forward, so a room reaches the forge and the registry and no other room: what
//! the clusters share is a property of the set-up. Ending the room's first process ends every process in
//! it, and its mounts and addresses go with it.

mod inside;
mod outside;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

pub use self::inside::prepare;
pub use self::outside::{Missing, OUTSIDE, enter, is_outside, missing};
use crate::process::Process;
use crate::tools::run;
use crate::wait;

/// File in a room's folder that appears once the room is made.
const READY: &str = "room-is-ready";
/// Longer than making one ever took.
const DEADLINE: Duration = Duration::from_mins(1);

/// Where a room stands in the plan of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub u8);

impl Number {
    /// Address of the room, as seen by the outside.
    pub fn address(self) -> String {
        format!("10.99.{}.2", self.0)
    }

    /// Address of the outside's end of the line.
    fn gateway(self) -> String {
        format!("10.99.{}.1", self.0)
    }

    /// Addresses of the room's pods.
    pub fn pods(self) -> String {
        format!("10.244.{}.0/24", self.0)
    }
}

/// A room. Dropping it ends everything in it.
pub struct Room {
    number: Number,
    /// The first process in it, as the outside numbers it.
    first: u32,
    folder: PathBuf,
    _process: Process,
}

impl Room {
    /// Makes a room that keeps its files in an empty folder, and joins it to the outside.
    ///
    /// # Errors
    ///
    /// When this process is not in the [outside](enter), or the system refuses a namespace or a mount.
    pub async fn new(number: Number, folder: &Path, log: &Path) -> Result<Self> {
        let mut unshare = Command::new("unshare");
        let flags = ["--mount", "--propagation", "private", "--net", "--pid", "--fork"];
        unshare.args(flags).args(["--kill-child", "--mount-proc"]);
        unshare.arg(crate::process::guard_program()?).arg("room").arg(folder);
        let process = Process::spawn("room", unshare, log).await?;
        let ready = folder.join(READY);
        process.ready(DEADLINE, async || ready.exists()).await?;
        let first =
            wait::until("the room's first process", DEADLINE, async || child(process.pid()));
        let this =
            Self { number, first: first.await?, folder: folder.to_owned(), _process: process };
        this.join().await?;
        Ok(this)
    }

    /// Lays the line between the outside and the room.
    async fn join(&self) -> Result<()> {
        let Number(number) = self.number;
        let (here, there) = (self.number.gateway(), self.number.address());
        let (line, first) = (format!("room{number}"), self.first.to_string());
        // The line of a room that ended a moment ago may still be there.
        let _ = ip(&["link", "delete", &line]).await;
        ip(&["link", "add", &line, "type", "veth", "peer", "name", "up0", "netns", &first]).await?;
        ip(&["addr", "add", &format!("{here}/30"), "dev", &line]).await?;
        ip(&["link", "set", &line, "up"]).await?;
        for arguments in [
            &["addr", "add", &format!("{there}/30"), "dev", "up0"][..],
            &["link", "set", "up0", "up"],
            &["route", "add", "default", "via", &here],
        ] {
            let mut inside = self.command(Path::new("ip"));
            inside.args(arguments);
            run(inside).await?;
        }
        ip(&["route", "replace", &self.number.pods(), "via", &there]).await
    }

    /// A command that runs a program in the room. Paths are those of the machine, without `/run`,
    /// `/var/lib` and `/var/log`, which are the room's own.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first.to_string(), "--mount", "--net", "--pid"]);
        command.arg(format!("--wd={}", self.folder.display())).arg("--").arg(program);
        command
    }

    /// Where the outside finds a path of the room.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.first))
    }

    /// Its number.
    pub fn number(&self) -> Number {
        self.number
    }

    /// The first process in it, as the outside numbers it.
    pub fn first(&self) -> u32 {
        self.first
    }
}

async fn ip(arguments: &[&str]) -> Result<()> {
    let mut ip = Command::new("ip");
    ip.args(arguments);
    run(ip).await.map(|_| ())
}

/// The child of a process that has one.
fn child(parent: u32) -> Option<u32> {
    processes().find(|(_, of)| *of == parent).map(|(process, _)| process)
}

/// All processes with their parents.
pub(crate) fn processes() -> impl Iterator<Item = (u32, u32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let process: u32 = entry.file_name().to_str()?.parse().ok()?;
        let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        Some((process, parent.trim().parse().ok()?))
    })
}

/// Says that the room is made.
fn tell_ready(folder: &Path) -> Result<()> {
    let path = folder.join(READY);
    std::fs::write(&path, "").with_context(|| format!("writing {}", path.display()))
}
