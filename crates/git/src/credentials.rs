//! What a git server is shown to let us in.
//!
//! **Invariant:** no secret is in `Debug`, in an error, or in the name of a file.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan_api::native::reasons::{stalled, waiting};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::text::Redactor;

/// What a git server is shown to let us in, and which servers are believed.
#[derive(Clone, Default)]
pub struct Credentials {
    /// User and password, or a token.
    pub login: Login,
    /// Certificates, in PEM, of authorities that are trusted beside the public ones.
    pub ca_pem: Option<Vec<u8>>,
}

/// What a git server is shown to let us in.
#[derive(Clone, Default)]
pub enum Login {
    /// Nothing.
    #[default]
    None,
    /// User and password.
    Basic {
        /// User.
        username: String,
        /// Password or access token.
        password: SecretString,
    },
    /// A token.
    Bearer(SecretString),
}

/// A Secret does not make credentials for git.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A key is missing.
    #[error("the Secret has no key {key}: {hint}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What to put there.
        hint: &'static str,
    },
    /// The value of a key cannot be used.
    #[error("key {key} of the Secret {problem}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// What is wrong with its value, without the value.
        problem: &'static str,
    },
    /// This version cannot use such credentials.
    #[error("{what} are not supported yet: use https with username and password, or bearerToken")]
    NotSupported {
        /// Which.
        what: &'static str,
    },
}

impl CredentialError {
    /// Why, in one word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing { .. } => waiting::CREDENTIALS_MISSING,
            Self::Invalid { .. } => stalled::CREDENTIALS_INVALID,
            Self::NotSupported { .. } => stalled::NOT_SUPPORTED,
        }
    }
}

impl Credentials {
    /// No credentials.
    pub fn none() -> Self {
        Self::default()
    }

    /// User and password.
    pub fn basic(username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        let login = Login::Basic { username: username.into(), password: password.into() };
        Self { login, ca_pem: None }
    }

    /// A token.
    pub fn bearer(token: impl Into<SecretString>) -> Self {
        Self { login: Login::Bearer(token.into()), ca_pem: None }
    }

    /// Reads a Secret: its type and its data. Keys are `username` and `password`, or `bearerToken`;
    /// `ca.crt` (or Flux's `caFile`) beside them or alone.
    pub fn from_secret(
        type_: &str,
        data: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, CredentialError> {
        const SSH: [&str; 4] = ["ssh-privatekey", "identity", "identity.pub", "known_hosts"];
        if type_ == "kubernetes.io/ssh-auth" || SSH.iter().any(|key| data.contains_key(*key)) {
            return Err(CredentialError::NotSupported { what: "SSH keys" });
        }
        if type_ == "kubernetes.io/dockerconfigjson" {
            return Err(CredentialError::NotSupported { what: "registry credentials for git" });
        }
        if data.contains_key("tls.crt") || data.contains_key("tls.key") {
            return Err(CredentialError::NotSupported { what: "client certificates" });
        }
        let (username, password) = (text(data, "username")?, text(data, "password")?);
        let ca_pem = ca(data)?;
        let login = match (text(data, "bearerToken")?, username, password) {
            (Some(token), None, None) => Login::Bearer(token.into()),
            (Some(_), _, _) => {
                let problem = "stands beside username or password: keep one of the two";
                return Err(CredentialError::Invalid { key: "bearerToken", problem });
            }
            (None, Some(name), Some(_)) if name.contains(':') => {
                let problem = "has a colon, which no server can tell from its end";
                return Err(CredentialError::Invalid { key: "username", problem });
            }
            (None, Some(username), Some(password)) => {
                Login::Basic { username, password: password.into() }
            }
            (None, Some(_), None) => {
                let hint = "put the password or an access token there";
                return Err(CredentialError::Missing { key: "password", hint });
            }
            (None, None, None) if ca_pem.is_some() && type_ != "kubernetes.io/basic-auth" => {
                Login::None
            }
            (None, None, _) => {
                let hint = "put username and password there, or bearerToken";
                return Err(CredentialError::Missing { key: "username", hint });
            }
        };
        Ok(Self { login, ca_pem })
    }

    /// Takes these secrets out of text.
    pub(crate) fn redactor(&self) -> Redactor {
        match &self.login {
            Login::None => Redactor::default(),
            Login::Basic { username, password } => {
                let pair = format!("{username}:{}", password.expose_secret());
                Redactor::new([pair.as_str(), password.expose_secret()])
            }
            Login::Bearer(token) => Redactor::new([token.expose_secret()]),
        }
    }

    /// Adds what tells these credentials from others; `hasher` holds a salt already.
    pub(crate) fn hash_into(&self, hasher: &mut Sha256) {
        let mut part = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        match &self.login {
            Login::None => part(b"none"),
            Login::Basic { username, password } => {
                part(b"basic");
                part(username.as_bytes());
                part(password.expose_secret().as_bytes());
            }
            Login::Bearer(token) => {
                part(b"bearer");
                part(token.expose_secret().as_bytes());
            }
        }
        part(self.ca_pem.as_deref().unwrap_or_default());
    }
}

/// A login as it travels to the worker, and only there.
#[derive(Default, Serialize, Deserialize)]
pub(crate) enum WireLogin {
    #[default]
    None,
    Basic {
        username: String,
        password: String,
    },
    Bearer(String),
}

impl From<&Login> for WireLogin {
    fn from(login: &Login) -> Self {
        match login {
            Login::None => Self::None,
            Login::Basic { username, password } => Self::Basic {
                username: username.clone(),
                password: password.expose_secret().to_owned(),
            },
            Login::Bearer(token) => Self::Bearer(token.expose_secret().to_owned()),
        }
    }
}

impl From<WireLogin> for Login {
    fn from(login: WireLogin) -> Self {
        match login {
            WireLogin::None => Self::None,
            WireLogin::Basic { username, password } => {
                Self::Basic { username, password: password.into() }
            }
            WireLogin::Bearer(token) => Self::Bearer(token.into()),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ca = if self.ca_pem.is_some() { " and a CA" } else { "" };
        write!(f, "{:?}{ca}", self.login)
    }
}

/// The value of a key, without a line break at its end; absent and empty are the same.
fn text(
    data: &BTreeMap<String, Vec<u8>>,
    key: &'static str,
) -> Result<Option<String>, CredentialError> {
    let Some(bytes) = data.get(key) else { return Ok(None) };
    let invalid = |problem| CredentialError::Invalid { key, problem };
    let text = std::str::from_utf8(bytes).map_err(|_| invalid("is not text in UTF-8"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.contains(char::is_control) {
        return Err(invalid("has a control character in it"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn ca(data: &BTreeMap<String, Vec<u8>>) -> Result<Option<Vec<u8>>, CredentialError> {
    let found = ["ca.crt", "caFile"].into_iter().find_map(|key| Some((key, data.get(key)?)));
    let Some((key, pem)) = found.filter(|(_, pem)| !pem.is_empty()) else { return Ok(None) };
    let text = std::str::from_utf8(pem).unwrap_or_default();
    let body = text.split_once("-----BEGIN CERTIFICATE-----").map(|(_, rest)| rest);
    let encoded =
        body.and_then(|rest| rest.split_once("-----END CERTIFICATE-----")).map(|(body, _)| body);
    let decodes = encoded.is_some_and(|body| {
        let body: String = body.split_whitespace().collect();
        STANDARD.decode(body).is_ok_and(|der| !der.is_empty())
    });
    if !decodes {
        return Err(CredentialError::Invalid { key, problem: "is no PEM certificate" });
    }
    Ok(Some(pem.clone()))
}

#[cfg(test)]
mod tests;
