//! Conversations with the server: what it has, and bringing it here.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use git2::{
    AutotagOption, Cred, CredentialType, ErrorClass, ErrorCode, FetchOptions, Oid, ProxyOptions,
    PushOptions, Remote, RemoteCallbacks, RemoteRedirect, Repository,
};
use secrecy::ExposeSecret as _;
use url::Url;

use super::gate::Gate;
use super::store::kept;
use super::triage::{Context, local};
use crate::credentials::Login;
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
    pub(super) login: Login,
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
        let mut remote = self.remote(repo)?;
        let callbacks = self.callbacks();
        let listed = remote
            .download(&[NOTHING], Some(&mut self.fetch_options(callbacks, 0)))
            .and_then(|()| self.heads(&remote));
        let heads = listed.map_err(|error| self.context().of(&error))?;
        if heads.len() > self.limits.references {
            let what = "the number of references".to_owned();
            return Err(Error::TooLarge { what, limit: self.limits.references.to_string() }.into());
        }
        Ok(Connection { server: self, repo, remote, heads })
    }

    pub(super) fn remote<'a>(&self, repo: &'a Repository) -> Result<Remote<'a>, Failure> {
        let url = self.gate.url(&self.url);
        repo.remote_anonymous(&url).map_err(|error| self.context().of(&error))
    }

    fn heads(&self, remote: &Remote<'_>) -> Result<BTreeMap<String, Head>, git2::Error> {
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

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            host: self.url.host_str().unwrap_or_default(),
            url: self.url.as_str(),
            redactor: &self.redactor,
            limits: &self.limits,
            report: self.gate.report(),
        }
    }

    /// Callbacks that answer for credentials once: libgit2 asks again for ever.
    pub(super) fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        let asked = Cell::new(false);
        callbacks.credentials(move |_, _, allowed| {
            let refused =
                || git2::Error::new(ErrorCode::Auth, ErrorClass::Http, "credentials refused");
            match &self.login {
                Login::Basic { username, password }
                    if !asked.replace(true)
                        && allowed.contains(CredentialType::USER_PASS_PLAINTEXT) =>
                {
                    Cred::userpass_plaintext(username, password.expose_secret())
                }
                _ => Err(refused()),
            }
        });
        callbacks
    }

    fn bearer(&self) -> Option<String> {
        match &self.login {
            Login::Bearer(token) => {
                Some(format!("Authorization: Bearer {}", token.expose_secret()))
            }
            _ => None,
        }
    }

    fn proxy<'b>(&self) -> ProxyOptions<'b> {
        let mut proxy = ProxyOptions::new();
        if let Some(url) = self.gate.proxy() {
            proxy.url(&url);
        }
        proxy
    }

    fn fetch_options<'b>(&self, callbacks: RemoteCallbacks<'b>, depth: i32) -> FetchOptions<'b> {
        let mut options = FetchOptions::new();
        options
            .remote_callbacks(callbacks)
            .proxy_options(self.proxy())
            .follow_redirects(RemoteRedirect::None)
            .download_tags(AutotagOption::None)
            .update_fetchhead(false)
            .depth(depth);
        if let Some(header) = self.bearer() {
            options.custom_headers(&[&header]);
        }
        options
    }

    pub(super) fn push_options<'b>(&self, callbacks: RemoteCallbacks<'b>) -> PushOptions<'b> {
        let mut options = PushOptions::new();
        options
            .remote_callbacks(callbacks)
            .proxy_options(self.proxy())
            .follow_redirects(RemoteRedirect::None);
        if let Some(header) = self.bearer() {
            options.custom_headers(&[&header]);
        }
        options
    }
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
        let mut callbacks = server.callbacks();
        callbacks.transfer_progress(|progress| {
            let fits = progress.received_bytes() as u64 <= server.limits.fetched
                && progress.total_objects() <= MAX_OBJECTS;
            too_much.set(too_much.get() || !fits);
            fits
        });
        let done = self.remote.download(specs, Some(&mut server.fetch_options(callbacks, depth)));
        if too_much.get() {
            return Err(server.context().too_large("the repository", server.limits.fetched).into());
        }
        done.map_err(|error| server.context().of(&error))
    }
}
