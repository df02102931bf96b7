//! The actor of one repository and credential: takes everything that waits, and answers it in one turn.

mod batch;
mod board;
mod pending;
mod settle;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use portolan_plan::trace::{Evidence, Seek};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

pub(crate) use self::pending::Pending;
use self::pending::Queue;
use crate::client::{Session, Trouble};
use crate::error::Error;
use crate::reads::{Archive, Archived, CommitInfo, Log, Look, Looked};
use crate::refs::Refs;
use crate::wire::{Request, Response};

/// Where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What an actor is asked.
pub(crate) enum Command {
    Refs(Reply<Refs>),
    Look(Look, Reply<Looked>),
    Log(Log, Reply<Vec<(String, CommitInfo)>>),
    Trace(Seek, Reply<Evidence>),
    Archive(Archive, Reply<Archived>),
    /// A branch, and the commit at which it is deleted.
    Delete(String, String, Reply<bool>),
    Write(Box<Pending>),
}

/// The actors that are there.
#[derive(Clone, Default)]
pub(crate) struct Actors(Arc<List>);

impl Actors {
    /// Sends a command to the actor of a key, which is started if there is none.
    pub(crate) fn send(&self, key: &str, command: Command, session: impl FnOnce() -> Session) {
        let mut actors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An actor leaves under this lock, so one that is listed takes the command.
        let command = match actors.get(key) {
            Some((actor, _)) => match actor.send(command) {
                Ok(()) => return,
                Err(refused) => refused.0,
            },
            None => command,
        };
        let (sender, commands) = mpsc::unbounded_channel();
        let _ = sender.send(command);
        let actor = Actor { session: session(), commands, queue: Queue::default() };
        // Not the list itself, which holds our own sender: when the service goes, so do we.
        let list = Arc::downgrade(&self.0);
        let task = tokio::spawn(actor.run(list, key.to_owned()));
        actors.insert(key.to_owned(), (sender, task));
    }

    /// Ends all actors at once, and kills their workers whatever they do.
    pub(crate) async fn end(&self) {
        let actors = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, task) in actors.values() {
            task.abort();
        }
        for (_, task) in actors.into_values() {
            let _ = task.await;
        }
    }
}

type List = Mutex<HashMap<String, (mpsc::UnboundedSender<Command>, JoinHandle<()>)>>;

/// Takes an actor off the list, unless somebody has just asked it something.
fn leave(list: &Weak<List>, key: &str, commands: &mpsc::UnboundedReceiver<Command>) -> bool {
    let Some(list) = list.upgrade() else { return true };
    let mut actors = list.lock().unwrap_or_else(PoisonError::into_inner);
    let leaves = commands.is_empty();
    if leaves {
        actors.remove(key);
    }
    leaves
}

struct Actor {
    session: Session,
    commands: mpsc::UnboundedReceiver<Command>,
    queue: Queue,
}

impl Actor {
    async fn run(mut self, list: Weak<List>, key: String) {
        let mut waiting = Vec::new();
        loop {
            let (idle, pool) = (self.session.shared.options.idle, self.session.shared.pool.clone());
            let due = self.queue.due();
            let has_nothing = due.is_none();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => waiting.push(command),
                    None => break,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                () = pool.wanted(), if has_nothing && self.session.has_worker() => {
                    self.session.end_worker().await;
                }
                () = sleep(idle), if has_nothing => {
                    self.session.end_worker().await;
                    if leave(&list, &key, &self.commands) {
                        break;
                    }
                }
            }
            self.take(&mut waiting);
            self.read(&mut waiting).await;
            self.write(&mut waiting).await;
        }
        self.session.end_worker().await;
    }

    /// Takes what else waits.
    fn take(&mut self, waiting: &mut Vec<Command>) {
        while let Ok(command) = self.commands.try_recv() {
            waiting.push(command);
        }
    }

    /// Answers all but writes; one list of references does for all that ask for it.
    async fn read(&mut self, waiting: &mut Vec<Command>) {
        let mut lists = Vec::new();
        for command in std::mem::take(waiting) {
            match command {
                Command::Refs(reply) => lists.push(reply),
                command => waiting.push(command),
            }
        }
        lists.retain(|reply| !reply.is_closed());
        if !lists.is_empty() {
            let refs = self.refs().await;
            for reply in lists {
                let _ = reply.send(refs.clone());
            }
        }
        for command in std::mem::take(waiting) {
            match command {
                Command::Look(look, reply) if !reply.is_closed() => {
                    let _ = reply.send(self.look(look).await);
                }
                Command::Log(log, reply) if !reply.is_closed() => {
                    let _ = reply.send(self.log(log).await);
                }
                Command::Trace(seek, reply) if !reply.is_closed() => {
                    let _ = reply.send(self.trace(seek).await);
                }
                Command::Archive(archive, reply) if !reply.is_closed() => {
                    let _ = reply.send(self.archive(archive).await);
                }
                Command::Delete(branch, commit, reply) if !reply.is_closed() => {
                    let _ = reply.send(settle::delete(&mut self.session, branch, commit).await);
                }
                Command::Write(pending) => waiting.push(Command::Write(pending)),
                Command::Refs(_)
                | Command::Look(..)
                | Command::Log(..)
                | Command::Trace(..)
                | Command::Archive(..)
                | Command::Delete(..) => {}
            }
        }
    }

    /// Does all writes that are due, together.
    async fn write(&mut self, waiting: &mut Vec<Command>) {
        // Who has come while we read goes with the others.
        self.take(waiting);
        for command in std::mem::take(waiting) {
            match command {
                Command::Write(pending) => self.queue.add(*pending),
                read => waiting.push(read),
            }
        }
        for group in self.queue.take_due(Instant::now()) {
            for again in batch::run(&mut self.session, group).await {
                self.queue.add(again);
            }
        }
        if !waiting.is_empty() {
            self.read(waiting).await;
            for command in std::mem::take(waiting) {
                if let Command::Write(pending) = command {
                    self.queue.add(*pending);
                }
            }
        }
    }

    async fn refs(&mut self) -> Result<Refs, Error> {
        match self.session.ask(Request::Refs).await {
            Ok(Response::Refs(refs)) => Ok(refs),
            other => Err(unexpected(other)),
        }
    }

    async fn look(&mut self, look: Look) -> Result<Looked, Error> {
        match self.session.ask(Request::Look(look)).await {
            Ok(Response::Looked(looked)) => Ok(looked),
            other => Err(unexpected(other)),
        }
    }

    async fn log(&mut self, log: Log) -> Result<Vec<(String, CommitInfo)>, Error> {
        match self.session.ask(Request::Log(log)).await {
            Ok(Response::Log(commits)) => Ok(commits),
            other => Err(unexpected(other)),
        }
    }

    async fn trace(&mut self, seek: Seek) -> Result<Evidence, Error> {
        match self.session.ask(Request::Trace(seek)).await {
            Ok(Response::Traced(evidence)) => Ok(*evidence),
            other => Err(unexpected(other)),
        }
    }

    async fn archive(&mut self, archive: Archive) -> Result<Archived, Error> {
        let draft = draft_of(&archive);
        match self.session.ask(Request::Archive(archive, draft.clone())).await {
            Ok(Response::Archived(archived)) => Ok(archived),
            other => {
                // A worker that was killed leaves half an archive behind.
                let _ = tokio::fs::remove_file(&draft).await;
                Err(unexpected(other))
            }
        }
    }
}

/// A name beside the archive's own that no other archive has.
fn draft_of(archive: &Archive) -> PathBuf {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = archive.to.file_name().unwrap_or_default().to_string_lossy().into_owned();
    archive.to.with_file_name(format!(".{name}.{}-{count}.part", std::process::id()))
}

/// The error in an answer that is not the one asked for.
pub(crate) fn unexpected(answer: Result<Response, Trouble>) -> Error {
    match answer {
        Err(trouble) => trouble.into_error(),
        Ok(_) => Error::worker("answered something else"),
    }
}
