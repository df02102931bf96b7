//! How the service works: where its workers and their cache are, how long and how much they may.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::observe::{Nobody, Observer};

/// First argument that makes a program a git worker.
pub const WORKER_ARGUMENT: &str = "git-worker";

/// How the service works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Program and arguments of a worker; this program itself with [`WORKER_ARGUMENT`].
    pub worker: Vec<OsString>,
    /// Folder of the repositories' cache. Everything in it can be removed at any time.
    pub cache: PathBuf,
    /// A worker that has not answered a request after this long is killed.
    pub deadline: Duration,
    /// A worker that has had nothing to do for this long is ended.
    pub idle: Duration,
    /// The pause after the second lost race; the next are longer.
    pub pause: Duration,
    /// A repository's cache that nobody has used for this long is removed.
    pub keep: Duration,
    /// Addresses beside link-local and metadata ones that are never connected to: the cluster's API.
    pub refused_addresses: Vec<IpAddr>,
    /// Caps.
    pub limits: Limits,
    /// Who hears of the work.
    pub observer: Arc<dyn Observer>,
}

impl Options {
    /// The usual options, with this program as its own worker.
    pub fn new(cache: impl Into<PathBuf>) -> std::io::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self::with_worker(vec![program.into(), WORKER_ARGUMENT.into()], cache))
    }

    /// The usual options, with another program as the worker.
    pub fn with_worker(worker: Vec<OsString>, cache: impl Into<PathBuf>) -> Self {
        Self {
            worker,
            cache: cache.into(),
            deadline: Duration::from_mins(1),
            idle: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            keep: Duration::from_hours(7 * 24),
            refused_addresses: Vec::new(),
            limits: Limits::default(),
            observer: Arc::new(Nobody),
        }
    }
}

/// Caps, so that no repository and no server can fill memory or disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Workers at the same time; a worker with nothing to do makes room.
    pub workers: usize,
    /// Memory of a worker, in bytes.
    pub memory: u64,
    /// Bytes of a list of references.
    pub advertised: u64,
    /// References of a repository.
    pub references: usize,
    /// Bytes that one fetch may bring.
    pub fetched: u64,
    /// Bytes of the files of an archive.
    pub archive_bytes: u64,
    /// Entries of an archive.
    pub archive_entries: usize,
    /// Entries below the directory of a writer.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: 16,
            memory: 1 << 30,
            advertised: 64 << 20,
            references: 200_000,
            fetched: 1 << 30,
            archive_bytes: 512 << 20,
            archive_entries: 100_000,
            files: 100_000,
        }
    }
}
