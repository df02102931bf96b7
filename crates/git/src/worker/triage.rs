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
        match (error.class(), error.code()) {
            _ if is_storage(text) => Error::storage(self.words(text)),
            (ErrorClass::NoMemory, _) => too_large("what the server sent", self.limits.memory),
            (_, ErrorCode::Auth) => self.auth(""),
            (ErrorClass::Http, _) if text.contains("authentication") => self.auth(""),
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

    /// What it means that a server says nothing of what it was asked to do.
    pub(super) fn silence(&self) -> Error {
        self.server("it does not say what became of the push".into())
    }

    /// What it means that a server cannot unpack what was pushed, in these words.
    pub(super) fn unpacking(&self, words: &str) -> Error {
        if words.contains("exceeds maximum allowed size") {
            let (what, limit) = ("the push".into(), "what the server allows".into());
            return Error::TooLarge { what, limit };
        }
        self.server(self.words(&format!("it cannot unpack the push: {words}")))
    }

    fn stopped(&self, stopped: &Stopped) -> Error {
        match stopped {
            Stopped::Unreachable(problem) => {
                Error::Unreachable { host: self.host(), problem: problem.clone() }
            }
            Stopped::Untrusted(problem) => {
                Error::Untrusted { host: self.host(), problem: self.words(problem) }
            }
            Stopped::Status(status, words) => self.status(*status, &self.words(words)),
            Stopped::Refused(address) => {
                Error::AddressRefused { host: self.host(), address: address.to_string() }
            }
            Stopped::Redirected(to) => {
                Error::Redirected { host: self.host(), to: self.location(to) }
            }
            Stopped::TooMuch(budget) => too_large("what the server sent", *budget),
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

    fn status(&self, status: u16, words: &str) -> Error {
        let colon = if words.is_empty() { "" } else { ": " };
        let answer = format!("{status}{colon}{words}");
        match status {
            // A limit that is told to pass.
            403 if self.report.retry_after.is_some() => self.server(format!("it answers {answer}")),
            401 | 403 => self.auth(&format!(" ({answer})")),
            404 | 410 => self.not_found(),
            413 => too_large("the push", self.limits.fetched),
            _ => self.server(format!("it answers {answer}")),
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
}

/// More than so many bytes.
pub(super) fn too_large(what: &str, limit: u64) -> Error {
    Error::TooLarge { what: what.into(), limit: size(limit) }
}

/// A number of bytes, for people.
fn size(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{bytes} bytes") } else { format!("{} MiB", bytes >> 20) }
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
