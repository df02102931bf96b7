//! Conversations with the server: what it has, and bringing it here.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use git2::{
    AutotagOption, FetchOptions, Oid, PushOptions, Remote, RemoteCallbacks, RemoteRedirect,
    Repository,
};
use url::{Position, Url};

use super::gate::Gate;
use super::store::kept;
use super::triage::{Context, local, too_large};
use crate::error::Error;
use crate::options::Limits;
use crate::text::Redactor;
use crate::wire::Failure;

/// Matches nothing: connects, so that the list of references comes, and brings nothing.
const NOTHING: &str = "refs/portolan/nothing:refs/portolan/nothing";
/// Objects that one fetch may bring.
const MAX_OBJECTS: usize = 10_000_000;

/// How to talk to the one server.
pub(super) struct Server {
    pub(super) gate: Gate,
    pub(super) url: Url,
    pub(super) limits: Limits,
    pub(super) redactor: Redactor,
}

/// Where a reference of the server points: to an object, and to the commit that a tag is of.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) id: Oid,
    pub(super) commit: Oid,
}

/// A connection on which the server has said what it has.
pub(super) struct Connection<'a> {
    server: &'a Server,
    repo: &'a Repository,
    remote: Remote<'a>,
    pub(super) heads: BTreeMap<String, Head>,
}

impl Server {
    /// Asks the server what it has.
    pub(super) fn connect<'a>(&'a self, repo: &'a Repository) -> Result<Connection<'a>, Failure> {
        self.gate.begin(self.limits.advertised);
        let found = |error: git2::Error| self.context().of(&error);
        let mut remote = repo.remote_anonymous(self.gate.url()).map_err(found)?;
        let mut options = fetch_options(RemoteCallbacks::new(), 0);
        remote.download(&[NOTHING], Some(&mut options)).map_err(found)?;
        let heads = heads(&remote).map_err(found)?;
        if heads.len() > self.limits.references {
            let what = "the number of references".to_owned();
            return Err(Error::TooLarge { what, limit: self.limits.references.to_string() }.into());
        }
        Ok(Connection { server: self, repo, remote, heads })
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            host: &self.url[Position::BeforeHost..Position::AfterPort],
            url: self.url.as_str(),
            redactor: &self.redactor,
            limits: &self.limits,
            report: self.gate.report(),
        }
    }
}

/// Asks the server what it has and brings some of it; once more where that fails after the list: a
/// branch that moves in between is "not our ref" to some servers.
pub(super) fn again<'a, T>(
    server: &'a Server,
    repo: &'a Repository,
    mut bring: impl FnMut(&mut Connection<'a>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match bring(&mut server.connect(repo)?) {
        Err(Failure::Error(Error::Unreachable { .. } | Error::ServerError { .. })) => {
            bring(&mut server.connect(repo)?)
        }
        done => done,
    }
}

fn fetch_options(callbacks: RemoteCallbacks<'_>, depth: i32) -> FetchOptions<'_> {
    let mut options = FetchOptions::new();
    options
        .remote_callbacks(callbacks)
        .follow_redirects(RemoteRedirect::None)
        .download_tags(AutotagOption::None)
        .update_fetchhead(false)
        .depth(depth);
    options
}

pub(super) fn push_options(callbacks: RemoteCallbacks<'_>) -> PushOptions<'_> {
    let mut options = PushOptions::new();
    options.remote_callbacks(callbacks).follow_redirects(RemoteRedirect::None);
    options
}

/// What the server has.
fn heads(remote: &Remote<'_>) -> Result<BTreeMap<String, Head>, git2::Error> {
    let mut heads: BTreeMap<String, Head> = BTreeMap::new();
    for head in remote.list()? {
        // git2 panics over a name that is not UTF-8; nobody can follow such a reference.
        let Ok(name) = catch_unwind(AssertUnwindSafe(|| head.name().to_owned())) else {
            continue;
        };
        let id = head.oid();
        match name.strip_suffix("^{}") {
            // Comes right after the tag that it is of.
            Some(tag) => {
                if let Some(head) = heads.get_mut(tag) {
                    head.commit = id;
                }
            }
            None => {
                heads.insert(name, Head { id, commit: id });
            }
        }
    }
    Ok(heads)
}

impl Connection<'_> {
    /// Brings what these references point to, with so much of the history (0: all that is missing),
    /// and remembers where they point.
    pub(super) fn fetch(&mut self, references: &[&str], depth: i32) -> Result<(), Failure> {
        let specs: Vec<String> =
            references.iter().map(|name| format!("{name}:{}", kept(name))).collect();
        self.download(&specs, depth)?;
        for name in references {
            let Some(head) = self.heads.get(*name) else { continue };
            self.remember(name, head.id)?;
        }
        Ok(())
    }

    /// Brings a commit by its id, where the server gives out what no reference points to.
    pub(super) fn fetch_commit(&mut self, commit: &str, depth: i32) -> Result<(), Failure> {
        self.download(&[format!("{commit}:{}", kept(commit))], depth)
    }

    fn remember(&self, name: &str, id: Oid) -> Result<(), Failure> {
        let made = self.repo.reference(&kept(name), id, true, "");
        made.map(|_| ()).map_err(|error| local(&error))
    }

    fn download(&mut self, specs: &[String], depth: i32) -> Result<(), Failure> {
        let server = self.server;
        server.gate.begin(server.limits.fetched);
        let too_much = Cell::new(false);
        let mut callbacks = RemoteCallbacks::new();
        callbacks.transfer_progress(|progress| {
            let fits = progress.received_bytes() as u64 <= server.limits.fetched
                && progress.total_objects() <= MAX_OBJECTS;
            too_much.set(too_much.get() || !fits);
            fits
        });
        let done = self.remote.download(specs, Some(&mut fetch_options(callbacks, depth)));
        if too_much.get() {
            return Err(too_large("the repository", server.limits.fetched).into());
        }
        done.map_err(|error| server.context().of(&error))
    }
}
