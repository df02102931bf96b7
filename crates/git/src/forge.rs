//! The forge that keeps a repository: requests from one branch to another, what they lack, merging.
//!
//! Spoken to is the API of Gitea, which Forgejo has too.
//!
//! **Invariants:** credentials go to the server of the repository's url and nowhere else, and into no
//! error, log or `Debug`; no redirect is followed, no refused address is asked, no answer is read
//! beyond a cap; nothing is ever approved.

mod answer;
mod label;
mod merge;
mod page;
mod readiness;
mod request;
mod server;
mod site;
mod title;
mod topic;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use portolan_api::native::git_writer::Forge as Kind;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::error::Error;
use crate::observe::{Nobody, Observer};
use crate::repository::RemoteRepository;
use answer::Version;
use server::{Answer, Call, Server};
use site::Site;

/// The forge of one repository. Cheap to clone.
#[derive(Clone)]
pub struct Forge(Arc<Inner>);

struct Inner {
    server: Server,
    site: Site,
}

/// A request to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRequest {
    /// The branch it comes from.
    pub branch: String,
    /// The branch it goes to.
    pub base: String,
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
    /// Names of its labels; one that the repository does not have is made.
    pub labels: Vec<String>,
    /// Names of people who are asked for a review.
    pub reviewers: Vec<String>,
    /// Not meant to be merged yet.
    pub draft: bool,
}

/// What came of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It is in the base.
    Yes {
        /// The commit by which it came there.
        revision: String,
    },
    /// Not now; nothing was merged.
    Later {
        /// Why.
        why: String,
    },
}

impl Forge {
    /// The forge of a repository, with the credentials of the repository.
    ///
    /// Without `kind` it is told by the host, else asked from the server. A server that is known needs
    /// no request here.
    pub async fn connect(
        repository: &RemoteRepository,
        kind: Option<Kind>,
        refused: &[IpAddr],
    ) -> Result<Self, Error> {
        Self::observed(repository, kind, refused, Arc::new(Nobody)).await
    }

    /// The same; each request is told of.
    pub(crate) async fn observed(
        repository: &RemoteRepository,
        kind: Option<Kind>,
        refused: &[IpAddr],
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let address = repository.address()?;
        let kind = kind.or_else(|| match address.url.host_str() {
            Some("github.com") => Some(Kind::Github),
            Some("gitlab.com") => Some(Kind::Gitlab),
            _ => None,
        });
        let name = match kind {
            Some(Kind::Github) => "GitHub",
            Some(Kind::Gitlab) => "GitLab",
            Some(Kind::Gitea) | None => {
                let site = Site::of(&address.url)?;
                let host = address.host().to_owned();
                let server =
                    Server::new(host, &repository.credentials, refused)?.observed(observer);
                let this = Self(Arc::new(Inner { server, site }));
                if kind.is_none() {
                    this.find_out().await?;
                }
                return Ok(this);
            }
        };
        Err(Error::NotSupported { what: format!("spec.pullRequest on {name}") })
    }

    /// Fails unless the server answers as Gitea does.
    async fn find_out(&self) -> Result<(), Error> {
        let call = Call::new(Method::GET, self.site().api(&["version"]));
        let answer = self.server().ask(call).await?;
        let version = answer.is_success().then(|| answer.read::<Version>(self.server()));
        match version {
            Some(Ok(version)) if !version.version.is_empty() => Ok(()),
            _ => Err(Error::ForgeUnknown { host: self.server().host().to_owned() }),
        }
    }

    /// Reads something; `action` is what for.
    async fn get<T: DeserializeOwned>(&self, url: Url, action: &str) -> Result<T, Error> {
        self.act(Call::new(Method::GET, url), action).await?.read(self.server())
    }

    /// Has something done; `action` is what.
    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Value,
        action: &str,
    ) -> Result<Answer, Error> {
        self.act(Call::new(method, url).with(body), action).await
    }

    async fn act(&self, call: Call, action: &str) -> Result<Answer, Error> {
        let answer = self.server().ask(call).await?;
        if answer.is_success() { Ok(answer) } else { Err(self.refusal(&answer, action).await) }
    }

    /// What a refusal means: where something is not found, it may be the repository that is not.
    async fn refusal(&self, answer: &Answer, action: &str) -> Error {
        if answer.status == 404 {
            let url = self.site().repository(&[]);
            let shown = url.to_string();
            match self.server().ask(Call::new(Method::GET, url)).await {
                Ok(answer) if answer.status == 404 => {
                    return Error::RepositoryNotFound { url: shown };
                }
                Err(error) => return error,
                Ok(_) => {}
            }
        }
        self.server().refused(answer, action)
    }

    fn server(&self) -> &Server {
        &self.0.server
    }

    fn site(&self) -> &Site {
        &self.0.site
    }
}

impl fmt::Debug for Forge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Forge").field(&self.server().host()).finish()
    }
}
