//! Names of images: `registry.example[:port]/repo/path[:tag][@sha256:…]`, read strictly.
//!
//! **Invariant:** a message about a name never shows what stands before an `@` that is no digest: that may be a password.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;
use crate::error::Error;
use crate::text::shown;

/// Longest repository path and longest tag, by the distribution rules.
const PATH_LIMIT: usize = 255;
const TAG_LIMIT: usize = 128;

/// A repository in a registry, such as `registry.example/team/app`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    host: String,
    path: String,
}

impl Repository {
    /// The registry as it was named: host, and port where there is one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path in the registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host that answers requests: Docker Hub's differs from its name.
    pub(crate) fn api_host(&self) -> &str {
        if is_docker_hub(&self.host) { "registry-1.docker.io" } else { &self.host }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

impl FromStr for Repository {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let reference: Reference = text.parse()?;
        if reference.tag.is_some() || reference.digest.is_some() {
            return Err(invalid(text, "a repository is wanted, without tag and digest"));
        }
        Ok(reference.repository)
    }
}

/// An image in a registry. Without tag and digest it is the tag `latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    repository: Repository,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag, where one is named.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, where one is named; it wins over the tag.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What stands for the manifest in a request.
    pub(crate) fn manifest(&self) -> &str {
        self.digest.as_ref().map_or(self.tag.as_deref().unwrap_or("latest"), Digest::as_str)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |problem: &str| Err(invalid(text, problem));
        if text.contains("://") {
            return wrong("write it without a scheme, as registry.example/team/app");
        }
        let (name, digest) = match text.split_once('@') {
            None => (text, None),
            Some((name, digest)) => match Digest::parse(digest) {
                Some(digest) => (name, Some(digest)),
                None => return wrong("after `@` stands sha256: and 64 hex digits, nothing else"),
            },
        };
        let Some((host, rest)) = name.split_once('/').filter(|(host, _)| names_a_host(host)) else {
            return wrong("it must begin with its registry, as docker.io/library/nginx");
        };
        if !is_host(host) {
            return wrong("the registry must be a host name, with a port where it needs one");
        }
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        if !tag.is_none_or(is_tag) {
            return wrong("a tag has letters, digits, `_`, `.` and `-`, 128 at most");
        }
        if path.bytes().any(|b| b.is_ascii_uppercase()) {
            return wrong("the repository must be in lower case");
        }
        if path.len() > PATH_LIMIT || !path.split('/').all(is_path_part) {
            return wrong(
                "the parts of a repository have lower-case letters and digits, with single `.`, `_`, `__` or `-` between",
            );
        }
        let bare = is_docker_hub(host) && !path.contains('/');
        let path = if bare { format!("library/{path}") } else { path.to_owned() };
        let repository = Repository { host: host.to_ascii_lowercase(), path };
        Ok(Self { repository, tag: tag.map(Into::into), digest })
    }
}

/// Whether `host` is one of Docker Hub's names.
pub(crate) fn is_docker_hub(host: &str) -> bool {
    matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}

/// Whether `tag` is one by the distribution rules.
pub(crate) fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= TAG_LIMIT
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// The rule by which a first part is a registry and not the beginning of a path.
fn names_a_host(part: &str) -> bool {
    part.contains(['.', ':']) || part.eq_ignore_ascii_case("localhost")
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text
        .rfind(']')
        .map_or_else(|| text.find(':'), |end| text[end..].find(':').map(|colon| end + colon))
    {
        Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
        None => (text, None),
    };
    let port_fits = port.is_none_or(|p| {
        p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u16>().is_ok_and(|p| p > 0)
    });
    let label = |l: &str| {
        !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let name_fits = match name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.len() <= 253 && name.split('.').all(label),
    };
    port_fits && name_fits
}

fn is_path_part(part: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let separators_fit = part
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|s| matches!(s, "" | "." | "_" | "__") || s.bytes().all(|b| b == b'-'));
    separators_fit
        && part.bytes().next().is_some_and(word)
        && part.bytes().next_back().is_some_and(word)
}

fn invalid(text: &str, problem: &str) -> Error {
    let public = match text.rsplit_once('@') {
        Some((name, digest)) if digest.starts_with("sha256:") && !name.contains('@') => text,
        Some((_, rest)) => rest,
        None => text,
    };
    Error::InvalidReference { text: shown(public), problem: problem.into() }
}

#[cfg(test)]
mod tests;
