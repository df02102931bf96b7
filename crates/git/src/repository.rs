//! A repository on a server, and the credentials for it.

use std::fmt;

use sha2::{Digest as _, Sha256};
use url::{Position, Url};

use crate::credentials::Credentials;
use crate::error::Error;

/// A repository on a server, and the credentials for it.
#[derive(Clone)]
pub struct RemoteRepository {
    /// `https://` or, where the caller allows it, `http://`.
    pub url: String,
    /// What the server is shown.
    pub credentials: Credentials,
}

/// A checked url, in the one form that all spellings of it have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) url: Url,
}

impl RemoteRepository {
    /// A repository that needs no credentials.
    pub fn public(url: impl Into<String>) -> Self {
        Self { url: url.into(), credentials: Credentials::none() }
    }

    /// A repository and the credentials for it.
    pub fn new(url: impl Into<String>, credentials: Credentials) -> Self {
        Self { url: url.into(), credentials }
    }

    /// The url without a user's name or password, for people.
    pub fn shown_url(&self) -> String {
        match Url::parse(&self.url) {
            Ok(mut url) => {
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.set_query(None);
                url.set_fragment(None);
                url.to_string()
            }
            Err(_) => "(no url)".into(),
        }
    }

    pub(crate) fn address(&self) -> Result<Address, Error> {
        Address::parse(&self.url)
    }
}

impl fmt::Debug for RemoteRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteRepository")
            .field("url", &self.shown_url())
            .field("credentials", &self.credentials)
            .finish()
    }
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |problem: &str| Err(Error::UrlNotAllowed { problem: problem.into() });
        if text.starts_with("ssh:") || is_scp(text) {
            return Err(Error::NotSupported { what: "a repository over ssh".into() });
        }
        let Ok(mut url) = Url::parse(text) else {
            return refuse("it is no url: write https://<server>/<repository>");
        };
        if !matches!(url.scheme(), "https" | "http") {
            return refuse("only https (and http where it is allowed) is used");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it holds a user name or password: put them into a Secret");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("it has a query or a fragment, which no repository needs");
        }
        if url.host_str().is_none_or(str::is_empty) {
            return refuse("it names no server");
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if path.is_empty() || text.contains(char::is_control) {
            return refuse("it names no repository");
        }
        url.set_path(&path);
        Ok(Self { url })
    }

    /// The server as the url names it, with the port where the url has one; for messages.
    pub(crate) fn host(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// What tells this repository with these credentials from every other.
    pub(crate) fn key(&self, salt: &[u8], credentials: &Credentials) -> String {
        let mut hasher = Sha256::new();
        hasher.update((salt.len() as u64).to_le_bytes());
        hasher.update(salt);
        hasher.update((self.url.as_str().len() as u64).to_le_bytes());
        hasher.update(self.url.as_str());
        credentials.hash_into(&mut hasher);
        hasher.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// `user@server:path`, as git writes ssh for short.
fn is_scp(text: &str) -> bool {
    let head = text.split(['/', ':']).next().unwrap_or_default();
    !text.contains("://") && head.contains('@') && text.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://git.example/team/app.git", "https://git.example/team/app.git")]
    #[case("HTTPS://Git.Example:443/team/app.git/", "https://git.example/team/app.git")]
    #[case("http://127.0.0.1:8080/a/../b.git", "http://127.0.0.1:8080/b.git")]
    fn urls_have_one_form(#[case] text: &str, #[case] form: &str) {
        assert_eq!(Address::parse(text).unwrap().url.as_str(), form);
    }

    /// T-25.
    #[rstest]
    #[case("file:///etc", "only https")]
    #[case("ext::sh -c id", "only https")]
    #[case("git://git.example/a", "only https")]
    #[case("https://me:canary@git.example/a", "put them into a Secret")]
    #[case("https://me@git.example/a", "put them into a Secret")]
    #[case("https://git.example", "names no repository")]
    #[case("https://git.example/a?token=x", "query")]
    #[case("git.example/a", "no url")]
    #[case("", "no url")]
    fn what_is_refused(#[case] text: &str, #[case] message: &str) {
        let error = Address::parse(text).unwrap_err();
        assert!(matches!(error, Error::UrlNotAllowed { .. }), "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[rstest]
    #[case("ssh://git@git.example/a")]
    #[case("ssh://-oProxyCommand=x/a")]
    #[case("git@git.example:team/app.git")]
    fn ssh_is_for_later(#[case] text: &str) {
        assert!(matches!(Address::parse(text), Err(Error::NotSupported { .. })));
    }

    #[test]
    fn keys_tell_urls_salts_and_credentials_apart() {
        let address = |text| Address::parse(text).unwrap();
        let (one, two) = (address("https://git.example/a"), address("https://git.example/b"));
        let (nobody, me) = (Credentials::none(), Credentials::basic("me", "x"));
        assert_eq!(one.key(b"s", &me), address("https://git.example/a/").key(b"s", &me));
        assert_ne!(one.key(b"s", &me), two.key(b"s", &me));
        assert_ne!(one.key(b"s", &me), one.key(b"s", &nobody));
        assert_ne!(one.key(b"s", &me), one.key(b"t", &me));
    }

    #[test]
    fn nothing_shows_a_secret() {
        let repository = RemoteRepository::new(
            "https://me:canary@git.example/a?t=canary",
            Credentials::bearer("canary"),
        );
        assert!(!format!("{repository:?}").contains("canary"));
    }
}
