//! What a worker has: one server, two repositories, and what it remembers of them.

use std::collections::BTreeMap;

use super::gate::Gate;
use super::history::Memory;
use super::objects::Objects;
use super::remote::{Head, Server, again};
use super::slot::Slot;
use super::store::Store;
use super::{archive, commit, history, look, push, setup, trace, view};
use crate::credentials::{Credentials, Login};
use crate::error::Error;
use crate::refs::{HEADS, Refs};
use crate::repository::Address;
use crate::wire::{Failure, Hello, Request, Response, Tips};

/// A worker that knows its repository.
pub(super) struct State {
    server: Server,
    /// Shallow, for looks and archives.
    read: Store,
    /// With history, for writes.
    write: Store,
    memory: Memory,
    _slot: Slot,
}

impl State {
    pub(super) fn new(hello: Hello) -> Result<Self, Error> {
        setup::check_library()?;
        setup::limits(&hello.limits);
        let storage = |error: std::io::Error| Error::storage(error.to_string());
        let url = Address::parse(&hello.url)?.url;
        let login = Login::from(hello.login);
        let slot = Slot::take(&hello.folder).map_err(storage)?;
        let gate = Gate::open(&url, &login, hello.ca_pem.as_deref(), &hello.refused)?;
        let redactor = Credentials { login, ca_pem: None }.redactor().and(gate.url());
        Ok(Self {
            server: Server { gate, url, limits: hello.limits, redactor },
            read: Store::new(slot.folder("read.git"), false),
            write: Store::new(slot.folder("write.git"), true),
            memory: Memory::default(),
            _slot: slot,
        })
    }

    /// Text without the credentials.
    pub(super) fn clean(&self, text: &str) -> String {
        self.server.redactor.clean(text)
    }

    pub(super) fn answer(&mut self, request: Request) -> Result<Response, Failure> {
        match request {
            Request::Hello(_) => Err(Error::worker("was asked in the wrong order").into()),
            Request::Refs => {
                let Self { server, read, .. } = self;
                twice(read, |read| refs(server, read)).map(Response::Refs)
            }
            Request::Look(wanted) => {
                let Self { server, read, .. } = self;
                twice(read, |read| look::look(server, read, &wanted)).map(Response::Looked)
            }
            Request::Log(wanted) => {
                let Self { server, read, .. } = self;
                twice(read, |read| look::log(server, read, &wanted)).map(Response::Log)
            }
            Request::Trace(seek) => {
                let Self { server, write, .. } = self;
                twice(write, |write| trace::remote(server, write, &seek))
                    .map(|evidence| Response::Traced(Box::new(evidence)))
            }
            Request::Archive(wanted, draft) => {
                let Self { server, read, .. } = self;
                twice(read, |read| {
                    let _ = std::fs::remove_file(&draft);
                    archive::archive(server, read, &wanted, &draft)
                })
                .map(Response::Archived)
            }
            request => {
                let done = self.write(request);
                if let Err(Failure::CacheDropped(_)) = done {
                    self.write.drop_cache();
                    self.memory = Memory::default();
                }
                done
            }
        }
    }

    fn write(&mut self, request: Request) -> Result<Response, Failure> {
        let limits = &self.server.limits;
        match request {
            Request::Fetch { branches, references } => {
                self.fetch(&branches, &references).map(Response::Tips)
            }
            Request::View(observe) => {
                let objects = Objects::of(self.write.repo()?)?;
                view::view(&objects, limits, &observe).map(|view| Response::View(Box::new(view)))
            }
            Request::History(observe) => {
                let objects = Objects::of(self.write.repo()?)?;
                history::history(&objects, &mut self.memory, &observe)
                    .map(|history| Response::History(Box::new(history)))
            }
            Request::Commit(edit) => {
                let built = commit::commit(&Objects::of(self.write.repo()?)?, &edit)?;
                self.write
                    .count_built(edit.put.values().map(|file| file.content.len() + 256).sum());
                Ok(Response::Committed(built.to_string()))
            }
            Request::Push { updates } => {
                push::push(&self.server, self.write.repo()?, &updates).map(Response::Pushed)
            }
            Request::Tips { branches } => {
                let connection = self.server.connect(self.write.repo()?)?;
                Ok(Response::Tips(tips(&connection.heads, &branches)))
            }
            _ => Err(Error::worker("was asked in the wrong order").into()),
        }
    }

    fn fetch(&mut self, branches: &[String], references: &[String]) -> Result<Tips, Failure> {
        self.write.tidy();
        let repo = self.write.repo()?;
        let objects = Objects::of(repo)?;
        again(&self.server, repo, |connection| {
            let tips = tips(&connection.heads, branches);
            let is_missing = |name: &&String| {
                connection.heads.get(name.as_str()).is_some_and(|head| !objects.has(head.id))
            };
            let names: Vec<String> =
                tips.commits.keys().map(|branch| format!("{HEADS}{branch}")).collect();
            let wanted = names.iter().chain(references);
            let missing: Vec<&str> = wanted.filter(is_missing).map(String::as_str).collect();
            if !missing.is_empty() {
                connection.fetch(&missing, 0)?;
            }
            Ok(tips)
        })
    }
}

fn refs(server: &Server, store: &mut Store) -> Result<Refs, Failure> {
    let connection = server.connect(store.repo()?)?;
    let commit = |(name, head): (&String, &Head)| (name.clone(), head.commit.to_string());
    Ok(Refs::new(connection.heads.iter().map(commit).collect()))
}

fn tips(heads: &BTreeMap<String, Head>, branches: &[String]) -> Tips {
    let found = |branch: &String| {
        let head = heads.get(&format!("{HEADS}{branch}"))?;
        Some((branch.clone(), head.id.to_string()))
    };
    Tips {
        empty: !heads.keys().any(|name| name.starts_with(HEADS)),
        commits: branches.iter().filter_map(found).collect(),
    }
}

/// Does something with a repository, and once more with a fresh one where the first was broken.
fn twice<T>(
    store: &mut Store,
    mut work: impl FnMut(&mut Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match work(store) {
        Err(Failure::CacheDropped(_)) => {
            store.drop_cache();
            work(store)
        }
        done => done,
    }
}
