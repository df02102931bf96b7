//! The door to all of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portolan_api::native::git_writer::Forge as ForgeKind;
use portolan_plan::trace::{Evidence, Seek};
use portolan_plan::writer::Place;
use tokio::sync::oneshot;

use crate::actor::{Actors, Command, Pending, Reply};
use crate::cache::Cache;
use crate::client::{Session, Shared};
use crate::error::Error;
use crate::forge::Forge;
use crate::names;
use crate::options::Options;
use crate::planner::{Planner, Written};
use crate::pool::Pool;
use crate::reads::{Archive, Archived, CommitInfo, Log, Look, Looked};
use crate::refs::Refs;
use crate::repository::RemoteRepository;

/// Reads from and writes to git repositories. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
    actors: Actors,
}

/// How often the cache is swept.
const SWEEP: Duration = Duration::from_hours(1);

impl Service {
    /// A service with these options. Makes the folder of the cache.
    pub fn new(options: Options) -> Result<Self, Error> {
        let cache = Cache::open(&options.cache)?;
        let pool = Pool::new(options.limits.workers);
        let swept = Mutex::default();
        let shared = Arc::new(Shared { options, cache, pool, swept });
        Ok(Self { shared, actors: Actors::default() })
    }

    /// Removes, once in a while, what nobody uses any more.
    fn sweep(&self) {
        let mut swept = self.shared.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_none_or(|last: Instant| last.elapsed() > SWEEP) {
            *swept = Some(Instant::now());
            let shared = self.shared.clone();
            tokio::task::spawn_blocking(move || shared.cache.sweep(shared.options.keep));
        }
    }

    /// The references of a repository. Those who ask at the same time share one request.
    pub async fn refs(&self, repository: &RemoteRepository) -> Result<Refs, Error> {
        self.ask(repository, Command::Refs).await
    }

    /// Looks at a place.
    pub async fn look(&self, repository: &RemoteRepository, look: Look) -> Result<Looked, Error> {
        self.ask(repository, |reply| Command::Look(look, reply)).await
    }

    /// Tells a stretch of first-parent history: id and description of each commit, newest first.
    pub async fn log(
        &self,
        repository: &RemoteRepository,
        log: Log,
    ) -> Result<Vec<(String, CommitInfo)>, Error> {
        self.ask(repository, |reply| Command::Log(log, reply)).await
    }

    /// Makes a tarball of a tree: reproducible, with the full paths of the repository.
    pub async fn archive(
        &self,
        repository: &RemoteRepository,
        archive: Archive,
    ) -> Result<Archived, Error> {
        self.ask(repository, |reply| Command::Archive(archive, reply)).await
    }

    /// Looks through the histories of branches for what they show of records.
    pub async fn trace(
        &self,
        repository: &RemoteRepository,
        seek: Seek,
    ) -> Result<Evidence, Error> {
        for branch in &seek.branches {
            names::check_short("branch", branch)?;
        }
        self.ask(repository, |reply| Command::Trace(seek, reply)).await
    }

    /// Writes what the planner decides, as often as it takes. All writes that wait for a repository
    /// share one fetch and one push.
    ///
    /// # Caveats
    ///
    /// After [`Error::TimedOut`] and [`Error::WorkerFailed`] the commit may be there. To write again is
    /// safe: the planner sees it.
    pub async fn write(
        &self,
        repository: &RemoteRepository,
        place: Place,
        planner: Box<dyn Planner>,
    ) -> Result<Written, Error> {
        names::check_short("branch", &place.branch)?;
        if let Some(base) = &place.base {
            names::check_short("base", base)?;
            names::check_beside(&place.branch, base)?;
        }
        names::check_path(&place.path)?;
        for head in &place.declined {
            names::check_full("request", &head.reference)?;
            names::check_commit(&head.commit)?;
        }
        self.ask(repository, |reply| Command::Write(Box::new(Pending::new(place, planner, reply))))
            .await
    }

    /// Deletes a branch by a push that holds only where it is at `commit` still: what somebody else pushed
    /// meanwhile stays. False where it is at another commit; true where it is gone already.
    ///
    /// # Caveats
    ///
    /// After [`Error::TimedOut`] and [`Error::WorkerFailed`] it may be gone. To ask again is safe.
    pub async fn delete_branch(
        &self,
        repository: &RemoteRepository,
        branch: &str,
        commit: &str,
    ) -> Result<bool, Error> {
        names::check_short("branch", branch)?;
        names::check_commit(commit)?;
        let (branch, commit) = (branch.to_owned(), commit.to_owned());
        self.ask(repository, |reply| Command::Delete(branch, commit, reply)).await
    }

    /// The forge of a repository, asked with its credentials and never at an address that is refused to
    /// git; `kind` as for [`Forge::connect`].
    pub async fn forge(
        &self,
        repository: &RemoteRepository,
        kind: Option<ForgeKind>,
    ) -> Result<Forge, Error> {
        let options = &self.shared.options;
        let observer = Arc::clone(&options.observer);
        Forge::observed(repository, kind, &options.refused_addresses, observer).await
    }

    /// Ends all conversations at once, also in the middle of a push: their workers are killed. Those who
    /// wait for an answer get [`Error::WorkerFailed`].
    pub async fn end(&self) {
        self.actors.end().await;
    }

    /// How many workers run now.
    pub fn workers(&self) -> usize {
        self.shared.pool.taken()
    }

    async fn ask<T>(
        &self,
        repository: &RemoteRepository,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, Error> {
        self.sweep();
        let address = repository.address()?;
        let key = address.key(self.shared.cache.salt(), &repository.credentials);
        let (reply, answer) = oneshot::channel();
        self.actors.send(&key, command(reply), || {
            Session::new(self.shared.clone(), address, repository.credentials.clone(), key.clone())
        });
        answer.await.unwrap_or_else(|_| Err(Error::worker("is gone")))
    }
}
