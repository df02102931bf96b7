//! What can go wrong between a source archive and a registry, who must act, and what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::text::alternatives;

/// An image could not be packed or pushed. `Display` says what we were doing; no variant holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A reference or repository name does not read.
    #[error("reading image name `{text}`: {problem}")]
    InvalidReference {
        /// The name, without what may be a password in it.
        text: String,
        /// What is wrong with it, and what to write.
        problem: String,
    },
    /// A layer rule does not read.
    #[error("reading layer rule `{from}` to `{to}`: {problem}")]
    InvalidRule {
        /// Path in the source.
        from: String,
        /// Path in the image.
        to: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The image cannot be as it is asked for.
    #[error("assembling the image: {problem}")]
    InvalidImage {
        /// What is wrong with it.
        problem: String,
    },
    /// A credential does not read.
    #[error("reading the registry credential: {problem}")]
    InvalidCredential {
        /// What is wrong with it, without its content.
        problem: String,
    },
    /// The options of the registry client cannot be used.
    #[error("setting up the registry client: {problem}")]
    InvalidOptions {
        /// What is wrong with them.
        problem: String,
    },
    /// The source archive is no archive, or one that nobody packs by accident.
    #[error("reading the source archive: {problem}")]
    ArchiveInvalid {
        /// What is wrong with it.
        problem: String,
    },
    /// The file that holds the source archive cannot be read.
    #[error("reading the source archive from disk")]
    ArchiveUnreadable(#[source] io::Error),
    /// A cap on bytes or entries is exceeded.
    #[error("packing the source: more than {limit} {unit}")]
    SourceTooLarge {
        /// The cap.
        limit: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// A layer rule matches nothing.
    #[error("packing `{from}`: it is not in the source")]
    LayerSourceNotFound {
        /// The rule's path.
        from: String,
        /// What is there instead.
        nearest: Vec<String>,
    },
    /// A layer rule matches what cannot stand in a layer.
    #[error("packing `{path}`: {problem}")]
    LayerInvalid {
        /// Path in the source.
        path: String,
        /// Why it cannot be packed.
        problem: String,
    },
    /// The folder of an image layout cannot be written.
    #[error("writing the image to {}", folder.display())]
    LayoutUnwritable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No connection, or one that broke.
    #[error("{doing}: no answer from {host}")]
    Unreachable {
        /// What we were doing.
        doing: String,
        /// The server.
        host: String,
        /// Why, without the url.
        #[source]
        source: reqwest::Error,
    },
    /// The server's certificate is not one we trust.
    #[error("{doing}: the certificate of {host} is not trusted")]
    Untrusted {
        /// What we were doing.
        doing: String,
        /// The server.
        host: String,
        /// Why, without the url.
        #[source]
        source: reqwest::Error,
    },
    /// The whole took longer than allowed.
    #[error("{doing}: not done after {seconds} s")]
    TimedOut {
        /// What we were doing.
        doing: String,
        /// The time allowed.
        seconds: u64,
    },
    /// The server is overloaded or broken (429 or 5xx).
    #[error("{doing}: the registry answers {status}{message}")]
    Unavailable {
        /// What we were doing.
        doing: String,
        /// HTTP status.
        status: u16,
        /// What the server says, ready to append; may be empty.
        message: String,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The server does not speak the protocol, or sent what it should not have.
    #[error("{doing}: {problem}")]
    Misbehaved {
        /// What we were doing.
        doing: String,
        /// What came instead.
        problem: String,
    },
    /// The credential is refused, missing, or not enough.
    #[error("{doing}: not allowed{message}")]
    AuthFailed {
        /// What we were doing.
        doing: String,
        /// What the server says, ready to append; may be empty.
        message: String,
    },
    /// A server we were sent to is one we do not talk to.
    #[error("{doing}: {host} is refused: {problem}")]
    HostRefused {
        /// What we were doing.
        doing: String,
        /// The server.
        host: String,
        /// Why.
        problem: String,
    },
    /// A token service is outside of the hosts that the credential may go to.
    #[error("{doing}: the credential may not be sent to the token service {host}")]
    HostNotAllowed {
        /// What we were doing.
        doing: String,
        /// The token service.
        host: String,
    },
    /// The base image is not there (yet).
    #[error("fetching base image {reference}: it is not there")]
    BaseNotFound {
        /// The base image.
        reference: String,
    },
    /// The base image is there and cannot be built on.
    #[error("fetching base image {reference}: {problem}")]
    BaseUnusable {
        /// The base image.
        reference: String,
        /// Why.
        problem: String,
    },
    /// The registry refuses what we push.
    #[error("{doing}: the registry refuses with {status}{message}")]
    PushRefused {
        /// What we were doing.
        doing: String,
        /// HTTP status.
        status: u16,
        /// What the server says, ready to append; may be empty.
        message: String,
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
            Self::ArchiveUnreadable(_)
            | Self::LayoutUnwritable { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Unavailable { .. }
            | Self::Misbehaved { .. } => Class::Transient,
            Self::BaseNotFound { .. } => Class::Waiting,
            _ => Class::Stalled,
        }
    }

    /// Why, in one word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InvalidReference { .. }
            | Self::InvalidRule { .. }
            | Self::InvalidImage { .. }
            | Self::InvalidOptions { .. }
            | Self::LayerInvalid { .. } => "InvalidSpec",
            Self::InvalidCredential { .. } => "CredentialsInvalid",
            Self::ArchiveInvalid { .. } => "ArtifactInvalid",
            Self::ArchiveUnreadable(_) | Self::LayoutUnwritable { .. } => "LocalStorage",
            Self::SourceTooLarge { .. } => "SourceTooLarge",
            Self::LayerSourceNotFound { .. } => "LayerSourceNotFound",
            Self::Unreachable { .. } | Self::TimedOut { .. } => "RegistryUnreachable",
            Self::Unavailable { .. } | Self::Misbehaved { .. } => "RegistryServerError",
            Self::Untrusted { .. } => "RegistryUntrusted",
            Self::AuthFailed { .. } => "AuthFailed",
            Self::HostRefused { .. } => "UrlNotAllowed",
            Self::HostNotAllowed { .. } => "HostNotAllowed",
            Self::BaseNotFound { .. } => "BaseNotFound",
            Self::BaseUnusable { .. } => "BaseUnusable",
            Self::PushRefused { .. } => "PushRefused",
        }
    }

    /// What to do next, where we can tell.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::LayerSourceNotFound { nearest, .. } if nearest.is_empty() => return None,
            Self::LayerSourceNotFound { nearest, .. } => {
                format!("did you mean {}?", alternatives(nearest))
            }
            Self::SourceTooLarge { .. } => {
                "pack less: name only what the image needs in `layers`, or ignore the rest in the source".into()
            }
            Self::Untrusted { .. } => "put the registry's CA into `ca.crt` of the Secret".into(),
            Self::AuthFailed { .. } => {
                "check user, password and their rights to the repository in the Secret".into()
            }
            Self::HostRefused { .. } => {
                "use https, or have the host listed in --allow-http; link-local, metadata and cluster API addresses are never used".into()
            }
            Self::HostNotAllowed { host, .. } => {
                format!("add `{host}` to the annotation portolan.carto.run/hosts of the Secret")
            }
            Self::BaseNotFound { .. } => {
                "check the name, push the base image, or give credentials that may read it".into()
            }
            Self::PushRefused { status: 404, .. } => {
                "create the repository in the registry, or check its name".into()
            }
            Self::PushRefused { status: 413, .. } => {
                "the registry or a proxy before it limits the size of uploads".into()
            }
            _ => return None,
        })
    }

    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
