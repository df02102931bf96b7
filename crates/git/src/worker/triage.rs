//! What an error of libgit2 means.

use git2::{ErrorClass, ErrorCode};

use super::gate::{Report, Stopped};
use crate::error::Error;
use crate::options::Limits;
use crate::text::{Redactor, WORDS, shown};
use crate::wire::Failure;

/// What is known of the conversation in which an error came up.
pub(super) struct Context<'a> {
    /// Name of the server.
    pub(super) host: &'a str,
    /// Url of the repository.
    pub(super) url: &'a str,
    pub(super) redactor: &'a Redactor,
    pub(super) limits: &'a Limits,
    pub(super) report: Report,
}

impl Context<'_> {
    fn words(&self, text: &str) -> String {
        shown(&self.redactor.clean(text), WORDS)
    }

    fn host(&self) -> String {
        self.host.to_owned()
    }

    /// What an error in a conversation with the server means.
    pub(super) fn of(&self, error: &git2::Error) -> Failure {
        use ErrorClass::{Object, Odb, Reference, Repository, Tree, Zlib};
        let is_ours = matches!(error.class(), Odb | Object | Reference | Repository | Tree | Zlib);
        if is_ours && self.report.stopped.is_none() {
            return local(error);
        }
        self.error(error).into()
    }

    fn error(&self, error: &git2::Error) -> Error {
        if let Some(stopped) = &self.report.stopped {
            return self.stopped(stopped);
        }
        let text = error.message();
        if let Some(status) = status_of(text) {
            return self.status(status);
        }
        match (error.class(), error.code()) {
            _ if is_storage(text) => Error::storage(self.words(text)),
            (ErrorClass::NoMemory, _) => self.too_large("what the server sent", self.limits.memory),
            (_, ErrorCode::Auth) => self.auth(""),
            (_, ErrorCode::Certificate) | (ErrorClass::Ssl, _) => {
                Error::Untrusted { host: self.host(), problem: self.words(text) }
            }
            (ErrorClass::Http, _) if text.contains("authentication") => self.auth(""),
            (ErrorClass::Net, _) if text.contains("cannot redirect") => {
                Error::Redirected { host: self.host(), to: "another server".into() }
            }
            (ErrorClass::Net, _) if not_found_words(text) => self.not_found(),
            (ErrorClass::Invalid, _) if text.contains("object format") || text.contains("oid") => {
                Error::NotSupported { what: "a repository with SHA-256 ids".into() }
            }
            (_, ErrorCode::Eof) => {
                Error::Unreachable { host: self.host(), problem: "the connection broke".into() }
            }
            (ErrorClass::Os, _) => {
                Error::Unreachable { host: self.host(), problem: self.words(text) }
            }
            (ErrorClass::Http, _) if text.contains("EOF") => {
                Error::Unreachable { host: self.host(), problem: "the connection broke".into() }
            }
            _ => self.server(self.words(text)),
        }
    }

    fn stopped(&self, stopped: &Stopped) -> Error {
        match stopped {
            Stopped::Unreachable(problem) => {
                Error::Unreachable { host: self.host(), problem: problem.clone() }
            }
            Stopped::Refused(address) => {
                Error::AddressRefused { host: self.host(), address: address.to_string() }
            }
            Stopped::Redirected(to) => {
                Error::Redirected { host: self.host(), to: self.location(to) }
            }
            Stopped::TooMuch => self.too_large("what the server sent", self.limits.fetched),
        }
    }

    /// A url of somebody else's: only where it leads, not what it carries.
    fn location(&self, to: &str) -> String {
        let Ok(mut url) = url::Url::parse(to) else { return shown(&self.redactor.clean(to), 200) };
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        shown(&self.redactor.clean(url.as_str()), 200)
    }

    fn status(&self, status: u16) -> Error {
        match status {
            401 | 403 => self.auth(&format!(" ({status})")),
            404 | 410 => self.not_found(),
            413 => self.too_large("the push", self.limits.fetched),
            _ => self.server(format!("it answers {status}")),
        }
    }

    fn server(&self, problem: String) -> Error {
        Error::ServerError { host: self.host(), problem, retry_after: self.report.retry_after }
    }

    fn auth(&self, message: &str) -> Error {
        Error::AuthFailed { host: self.host(), message: message.into() }
    }

    fn not_found(&self) -> Error {
        Error::RepositoryNotFound { url: self.url.to_owned() }
    }

    pub(super) fn too_large(&self, what: &str, limit: u64) -> Error {
        Error::TooLarge { what: what.into(), limit: format!("{} MiB", limit >> 20) }
    }
}

/// What an error with the repository on disk means: that it cannot be trusted, or that the disk is
/// full.
pub(super) fn local(error: &git2::Error) -> Failure {
    let text = shown(error.message(), WORDS);
    if is_storage(&text) {
        return Error::storage(text).into();
    }
    Failure::CacheDropped(text)
}

/// The status in libgit2's words about one.
fn status_of(text: &str) -> Option<u16> {
    let text = text.strip_prefix("unexpected http status code: ")?;
    text.trim().parse().ok()
}

fn not_found_words(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["not found", "access denied", "repository not exported", "does not exist"]
        .iter()
        .any(|words| text.contains(words))
}

fn is_storage(text: &str) -> bool {
    [
        "No space left",
        "Read-only file system",
        "Disk quota",
        "Input/output error",
        "Permission denied",
        "Too many open files",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// What a server says of a branch that somebody else moved first (faults F56, F57).
pub(super) fn is_race(status: &str, words: &str) -> bool {
    let (status, words) = (status.to_ascii_lowercase(), words.to_ascii_lowercase());
    // `a` where there is `a/b`: no race, and no retry helps.
    if words.contains("exists; cannot create") || status.contains("exists; cannot create") {
        return false;
    }
    [
        "cannot lock ref",
        "failed to update ref",
        "failed to lock",
        "fetch first",
        "reference already exists",
        "incorrect old value",
        "non-fast-forward",
        "stale info",
    ]
    .iter()
    .any(|race| status.contains(race))
}

#[cfg(test)]
mod tests;
