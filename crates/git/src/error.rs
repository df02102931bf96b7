//! What can go wrong between us and a git server or forge, who must act, and what to do.

use std::time::Duration;

use portolan_api::native::reasons::{stalled, transient, waiting};
use serde::{Deserialize, Serialize};

/// Work on a repository did not succeed.
///
/// `Display` says what happened and what to do next. No variant holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The url is none that we fetch from or push to.
    #[error("repository url: {problem}")]
    UrlNotAllowed {
        /// What is wrong with it, and what to write.
        problem: String,
    },
    /// The name of the server leads to an address that is refused.
    #[error("{host} leads to the address {address}, which is never used")]
    AddressRefused {
        /// The server.
        host: String,
        /// Where its name leads.
        address: String,
    },
    /// The server sends us elsewhere, and we do not follow.
    #[error("{host} redirects to {to}: redirects are not followed; write that url if it is right")]
    Redirected {
        /// The server.
        host: String,
        /// Where to.
        to: String,
    },
    /// This version does not do that.
    #[error("{what} is not supported yet")]
    NotSupported {
        /// What was asked for.
        what: String,
    },
    /// A name, path or pattern does not read.
    #[error("{what}: {problem}")]
    Invalid {
        /// Which.
        what: String,
        /// What is wrong with it, and what to write.
        problem: String,
    },
    /// The server refuses the credentials, or asks for some.
    #[error("{host} refuses access{message}: check user, password or token and their rights")]
    AuthFailed {
        /// The server.
        host: String,
        /// What the server says, ready to append; may be empty.
        message: String,
    },
    /// The server's certificate is not one we trust.
    #[error(
        "the certificate of {host} is not trusted ({problem}): put its CA into `ca.crt` of the Secret"
    )]
    Untrusted {
        /// The server.
        host: String,
        /// Why.
        problem: String,
    },
    /// There is no such repository, or none that these credentials may see.
    #[error("{url} is no repository that these credentials may see: check the url and the rights")]
    RepositoryNotFound {
        /// The url, without credentials.
        url: String,
    },
    /// The branch or tag is not there.
    #[error("{reference} is not in the repository")]
    RefNotFound {
        /// Its full name.
        reference: String,
    },
    /// The commit is not there any more.
    #[error("git no longer has commit {commit}")]
    CommitGone {
        /// Its id.
        commit: String,
    },
    /// The directory is not in the tree.
    #[error("{path} is not a directory in commit {commit}")]
    PathNotFound {
        /// The directory.
        path: String,
        /// The commit.
        commit: String,
    },
    /// Something that is not ours stands where a file has to be.
    #[error("{obstacle} is in the way: move it, or write elsewhere")]
    Obstructed {
        /// What, for people.
        obstacle: String,
    },
    /// A cap is exceeded.
    #[error("{what} is larger than {limit}")]
    TooLarge {
        /// What.
        what: String,
        /// The cap.
        limit: String,
    },
    /// A hook, a rule of the server or branch protection refuses the push.
    #[error("the server refuses the push to {reference}: {message}")]
    PushRefused {
        /// The branch.
        reference: String,
        /// The server's own words.
        message: String,
    },
    /// The forge does not do what it is asked for.
    #[error("{host} refuses {action}: {message}")]
    ForgeRefused {
        /// The forge.
        host: String,
        /// What it was asked for.
        action: String,
        /// Its own words, and what to do.
        message: String,
    },
    /// Nobody says what kind of forge this is, nor can it be found out.
    #[error("{host} is no forge that answers as Gitea does: set spec.pullRequest.forge")]
    ForgeUnknown {
        /// The server.
        host: String,
    },
    /// Others move the branch faster than we can, or the server cannot move it.
    #[error("{reference} moved at each of {attempts} attempts to write it ({message})")]
    Contended {
        /// The branch.
        reference: String,
        /// How often we tried.
        attempts: u32,
        /// What the last attempt met.
        message: String,
    },
    /// No connection, or one that broke.
    #[error("{host} does not answer: {problem}")]
    Unreachable {
        /// The server.
        host: String,
        /// Why.
        problem: String,
    },
    /// The server is overloaded or broken, or does not speak the protocol.
    #[error("{host} fails: {problem}")]
    ServerError {
        /// The server.
        host: String,
        /// What it answers.
        problem: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The whole took longer than allowed. What was asked for may have happened.
    #[error("{host} was not done after {seconds} s")]
    TimedOut {
        /// The server.
        host: String,
        /// The time allowed.
        seconds: u64,
    },
    /// The local disk is full or broken.
    #[error("the cache of git repositories: {problem}")]
    LocalStorage {
        /// What is wrong.
        problem: String,
    },
    /// The worker process ended in the middle, or could not be started.
    #[error("the git worker process {problem}")]
    WorkerFailed {
        /// How.
        problem: String,
    },
}

/// Who must act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nobody: it is tried again with a growing pause.
    Transient,
    /// An input is not there yet.
    Waiting,
    /// A person must change something.
    Stalled,
}

impl Error {
    /// Who must act.
    pub fn class(&self) -> Class {
        match self {
            Self::Contended { .. }
            | Self::Unreachable { .. }
            | Self::ServerError { .. }
            | Self::TimedOut { .. }
            | Self::LocalStorage { .. }
            | Self::WorkerFailed { .. } => Class::Transient,
            Self::RefNotFound { .. } | Self::CommitGone { .. } | Self::PathNotFound { .. } => {
                Class::Waiting
            }
            _ => Class::Stalled,
        }
    }

    /// Why, in one word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UrlNotAllowed { .. } | Self::AddressRefused { .. } | Self::Redirected { .. } => {
                stalled::URL_NOT_ALLOWED
            }
            Self::NotSupported { .. } => stalled::NOT_SUPPORTED,
            Self::Invalid { .. } => stalled::INVALID_SPEC,
            Self::AuthFailed { .. } => stalled::AUTH_FAILED,
            Self::Untrusted { .. } => stalled::GIT_UNTRUSTED,
            Self::RepositoryNotFound { .. } => stalled::REPOSITORY_NOT_FOUND,
            Self::RefNotFound { .. } => waiting::REF_NOT_FOUND,
            Self::CommitGone { .. } => waiting::ARTIFACT_GONE,
            Self::PathNotFound { .. } => waiting::PATH_NOT_FOUND,
            Self::Obstructed { .. } => stalled::PATH_OBSTRUCTED,
            Self::TooLarge { .. } => stalled::TOO_LARGE,
            Self::PushRefused { .. } => stalled::PUSH_REFUSED,
            Self::ForgeRefused { .. } => stalled::REQUEST_REFUSED,
            Self::ForgeUnknown { .. } => stalled::FORGE_UNKNOWN,
            Self::Unreachable { .. } | Self::TimedOut { .. } => transient::GIT_UNREACHABLE,
            Self::Contended { .. } | Self::ServerError { .. } => transient::GIT_SERVER_ERROR,
            Self::LocalStorage { .. } => transient::LOCAL_STORAGE,
            Self::WorkerFailed { .. } => transient::GIT_WORKER_FAILED,
        }
    }

    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::ServerError { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn invalid(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), problem: problem.into() }
    }

    pub(crate) fn storage(problem: impl Into<String>) -> Self {
        Self::LocalStorage { problem: problem.into() }
    }

    pub(crate) fn worker(problem: impl Into<String>) -> Self {
        Self::WorkerFailed { problem: problem.into() }
    }
}

impl Class {
    /// Whether to try again without anybody's doing.
    pub fn is_transient(self) -> bool {
        self == Self::Transient
    }
}
