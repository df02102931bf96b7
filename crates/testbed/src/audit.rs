//! The API server's audit log: who asked for what, counted request by request.

mod entry;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{collections::BTreeMap, process};

use anyhow::{Context as _, Result};
use kube::{Client, Config};

pub use self::entry::AuditEntry;
use crate::wait;

/// Path of the requests that [`AuditLog::settle`] makes; they are never shown.
const SETTLE: &str = "/version?portolan-settle=";

/// The audit log of one control plane.
pub struct AuditLog {
    path: PathBuf,
    config: Config,
}

/// A place in the log: what was written before it is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// How often one user wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writes {
    /// Writes of anything but leases and events.
    pub objects: usize,
    /// Writes of events.
    pub events: usize,
}

impl AuditLog {
    pub(crate) fn new(path: PathBuf, config: Config) -> Self {
        Self { path, config }
    }

    /// The log file, one JSON object a line.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The end of the log now.
    pub fn mark(&self) -> Mark {
        Mark(std::fs::metadata(&self.path).map_or(0, |file| file.len()))
    }

    /// Every request that ended since the mark.
    ///
    /// # Caveats
    ///
    /// A client can have a long answer before its line is in the log: call [`settle`](Self::settle) first. A watch is
    /// logged when it ends.
    pub fn requests(&self, since: Mark) -> Result<Vec<AuditEntry>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).context(format!("opening {}", self.path.display())),
        };
        file.seek(SeekFrom::Start(since.0))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // The last line may be half written.
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let text = std::str::from_utf8(&bytes[..end]).context("the audit log is not UTF-8")?;
        let entries = text.lines().map(|line| {
            AuditEntry::parse(line).with_context(|| format!("reading the audit line {line}"))
        });
        let mut entries = entries.collect::<Result<Vec<_>>>()?;
        entries.retain(|entry| !entry.path.starts_with(SETTLE));
        Ok(entries)
    }

    /// Waits until every request that was answered before this call is in the log; returns the end of the log then.
    pub async fn settle(&self) -> Result<Mark> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let client = Client::try_from(self.config.clone())?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = format!("{SETTLE}{}-{number}", process::id());
        let before = self.mark();
        client.request_text(http::Request::get(&path).body(Vec::new())?).await?;
        wait::until("the audit log to settle", Duration::from_mins(1), async || {
            let mut file = File::open(&self.path).ok()?;
            file.seek(SeekFrom::Start(before.0)).ok()?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).ok()?;
            let text = String::from_utf8_lossy(&bytes);
            text.lines().any(|line| line.contains(&path)).then(|| self.mark())
        })
        .await
    }
}

/// Writes by whom the server acted for (the impersonated user, where there is one), events counted apart.
pub fn writes_by_user(entries: &[AuditEntry]) -> BTreeMap<String, Writes> {
    let mut users: BTreeMap<String, Writes> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.is_write() && !entry.is_lease()) {
        let writes = users.entry(entry.actor().to_owned()).or_default();
        if entry.is_event() {
            writes.events += 1;
        } else {
            writes.objects += 1;
        }
    }
    users
}

/// The requests that cost something at rest: all but watches and leases.
pub fn besides_watches_and_leases(entries: &[AuditEntry]) -> Vec<&AuditEntry> {
    entries.iter().filter(|entry| !entry.is_watch() && !entry.is_lease()).collect()
}

#[cfg(test)]
mod tests;
