//! What a registry is shown to let us in.
//!
//! **Invariant:** no secret is in `Debug`, and no message of a server that repeats one is passed on.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

/// How much of a secret may not be repeated.
const PREFIX: usize = 12;

/// What a registry is shown to let us in.
#[derive(Clone, Default)]
pub enum Credential {
    /// Nothing.
    #[default]
    Anonymous,
    /// User and password, for the registry or for the token service it names.
    Basic {
        /// User.
        user: String,
        /// Password or access token.
        password: SecretString,
        /// Hosts beside the registry that the password may go to, as the Secret's annotation lists them. Empty: the
        /// token service that the registry names, if it is near the registry: on its host, on one below it, on the
        /// domain above it, or beside it there. That lets Docker Hub (`auth.docker.io`) and GitLab (`gitlab.com` for
        /// `registry.gitlab.com`) work as they are, and all that answer for themselves: GHCR, Google's, Amazon's and
        /// Azure's registries, Quay, Harbor, Gitea, zot. A token service elsewhere has to be listed.
        hosts: Vec<String>,
    },
    /// A token for the registry itself.
    Bearer(SecretString),
}

impl Credential {
    /// User and password.
    pub fn basic(user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self::Basic { user: user.into(), password: password.into(), hosts: Vec::new() }
    }

    /// The same, for the registry and these hosts alone; without any, for those that are near.
    #[must_use]
    pub fn only_for(mut self, listed: &[String]) -> Self {
        // A token that is no password goes to the registry and to no other host anyway.
        if let Self::Basic { hosts, .. } = &mut self {
            listed.clone_into(hosts);
        }
        self
    }

    /// The value of the `Authorization` header that shows this credential itself.
    pub(crate) fn authorization(&self) -> Option<SecretString> {
        match self {
            Self::Anonymous => None,
            Self::Basic { user, password, .. } => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
                Some(format!("Basic {pair}").into())
            }
            Self::Bearer(token) => Some(format!("Bearer {}", token.expose_secret()).into()),
        }
    }

    /// Whether `text` repeats the secret, whole or its beginning, plain, in base64 or percent-encoded.
    pub(crate) fn is_repeated_in(&self, text: &str) -> bool {
        let secret = match self {
            Self::Anonymous => return false,
            Self::Basic { password, .. } | Self::Bearer(password) => password.expose_secret(),
        };
        let header = self.authorization();
        let pair = header.as_ref().and_then(|header| header.expose_secret().split_once(' '));
        let encoded = url_encoded(secret);
        let forms = [secret, pair.map_or("", |(_, pair)| pair), &encoded, &STANDARD.encode(secret)];
        forms.iter().any(|form| repeats(text, form))
    }
}

/// Whether `text` holds `secret` or its beginning.
pub(crate) fn repeats(text: &str, secret: &str) -> bool {
    let prefix: String = secret.chars().take(PREFIX).collect();
    !prefix.is_empty() && text.contains(&prefix)
}

fn url_encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!(
            "{:?}",
            [Credential::basic("me", "canary"), Credential::Bearer("canary".into())]
        );
        assert!(!shown.contains("canary") && !shown.contains("me"), "{shown}");
    }

    #[rstest]
    #[case("you sent p@ss word+1234567890", true)]
    #[case("you sent p@ss word+12…", true)]
    #[case("Basic bWU6cEBzcyB3b3JkKzEyMzQ1Njc4OTA=", true)]
    #[case("cEBzcyB3b3JkKzEyMzQ1Njc4OTA=", true)]
    #[case("p%40ss%20word%2B1234567890", true)]
    #[case("denied", false)]
    fn repeated_secrets_are_found(#[case] text: &str, #[case] found: bool) {
        let credential = Credential::basic("me", "p@ss word+1234567890");
        assert_eq!(credential.is_repeated_in(text), found);
    }
}
