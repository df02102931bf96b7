//! Credentials out of `kubernetes.io/dockerconfigjson` Secrets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::credential::Credential;
use crate::error::Error;
use crate::reference::{Repository, is_docker_hub};

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    username: Option<String>,
    password: Option<String>,
    auth: Option<String>,
    registrytoken: Option<String>,
    identitytoken: Option<String>,
}

impl Credential {
    /// The credential for `repository` in the content of `.dockerconfigjson`; `None` when it has no entry for it. A key is
    /// a host, `https://host/v1/`, or a host with a path; the longest path that fits wins.
    pub fn from_docker_config(json: &[u8], repository: &Repository) -> Result<Option<Self>, Error> {
        // What serde says may repeat a value, and values are passwords: only the place is passed on.
        let config: Config = serde_json::from_slice(json).map_err(|error| {
            invalid(&format!(
                "no docker config JSON at line {} column {}",
                error.line(),
                error.column()
            ))
        })?;
        config
            .auths
            .iter()
            .filter_map(|(key, entry)| Some((fit(key, repository)?, key, entry)))
            .max_by_key(|(fit, ..)| *fit)
            .map(|(_, key, entry)| {
                entry.credential().map_err(|problem| invalid(&format!("entry `{key}` {problem}")))
            })
            .transpose()
    }
}

impl Entry {
    fn credential(&self) -> Result<Credential, &'static str> {
        if let Some(token) = self.registrytoken.as_ref().filter(|token| !token.is_empty()) {
            return Ok(Credential::Bearer(token.as_str().into()));
        }
        if let (Some(user), Some(password)) = (&self.username, &self.password) {
            return Ok(Credential::basic(user, password.as_str()));
        }
        let Some(auth) = &self.auth else {
            return Err(match self.identitytoken {
                Some(_) => "has an identity token, which is not supported; use user and password",
                None => "has neither `auth` nor `username` and `password`",
            });
        };
        let pair = STANDARD.decode(auth.trim()).ok().and_then(|pair| String::from_utf8(pair).ok());
        let pair = pair.ok_or("has an `auth` that is not base64 text")?;
        let (user, password) = pair.split_once(':').ok_or("has an `auth` without `:` inside")?;
        Ok(Credential::basic(user, password.trim_end_matches(['\0', '\n'])))
    }
}

/// How well a key fits a repository: the length of its path; `None` when it is for another.
fn fit(key: &str, repository: &Repository) -> Option<usize> {
    let key = key.trim_start_matches("https://").trim_start_matches("http://");
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let path = match path.trim_end_matches('/') {
        "v1" | "v2" => "",
        path => path,
    };
    let same_host = host.eq_ignore_ascii_case(repository.host())
        || is_docker_hub(host) && is_docker_hub(repository.host());
    let below = repository
        .path()
        .strip_prefix(path)
        .is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'));
    (same_host && below).then_some(path.len())
}

fn invalid(problem: &str) -> Error {
    Error::InvalidCredential { problem: crate::text::shown(problem) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use secrecy::ExposeSecret as _;

    fn read(json: &str, repository: &str) -> Result<Option<String>, Error> {
        let found = Credential::from_docker_config(json.as_bytes(), &repository.parse().unwrap())?;
        Ok(found.map(|found| match found {
            Credential::Anonymous => "-".into(),
            Credential::Basic { user, password, .. } => {
                format!("{user}={}", password.expose_secret())
            }
            Credential::Bearer(token) => format!("token {}", token.expose_secret()),
        }))
    }

    const MANY: &str = r#"{"auths": {
        "registry.example": {"username": "host", "password": "1"},
        "registry.example/team": {"username": "team", "password": "2"},
        "registry.example:5000": {"auth": "cG9ydDozOjQ="},
        "https://old.example/v1/": {"auth": "b2xkOjU="},
        "https://index.docker.io/v1/": {"username": "hub", "password": "6", "auth": "x"},
        "token.example": {"registrytoken": "7", "auth": ""},
        "mixed.Example": {"username": "mixed", "password": "8", "email": "a@b"}
    }, "credsStore": "desktop"}"#;

    #[rstest]
    #[case("registry.example/app", Some("host=1"))]
    #[case("registry.example/team/app", Some("team=2"))]
    #[case("registry.example/team", Some("team=2"))]
    #[case("registry.example/teams/app", Some("host=1"))]
    #[case("registry.example:5000/app", Some("port=3:4"))]
    #[case("registry.example:5001/app", None)]
    #[case("old.example/app", Some("old=5"))]
    #[case("docker.io/me/app", Some("hub=6"))]
    #[case("token.example/app", Some("token 7"))]
    #[case("mixed.example/app", Some("mixed=8"))]
    #[case("evil-registry.example/app", None)]
    #[case("registry.example.evil.example/app", None)]
    fn the_entry_of_the_registry_is_taken(#[case] repository: &str, #[case] found: Option<&str>) {
        assert_eq!(read(MANY, repository).unwrap().as_deref(), found);
    }

    #[rstest]
    #[case("canary", "line 1")]
    #[case(r#"{"auths": {"registry.example": "canary"}}"#, "line 1")]
    #[case(r#"{"auths": {"registry.example": {"auth": 5, "password": "canary"}}}"#, "line 1")]
    #[case(r#"{"auths": {"registry.example": {"auth": "canary!"}}}"#, "not base64")]
    #[case(r#"{"auths": {"registry.example": {"auth": "Y2FuYXJ5"}}}"#, "without `:`")]
    #[case(r#"{"auths": {"registry.example": {"identitytoken": "canary"}}}"#, "identity token")]
    #[case(r#"{"auths": {"registry.example": {"username": "canary"}}}"#, "neither")]
    fn malformed_content_is_refused_and_not_repeated(#[case] json: &str, #[case] problem: &str) {
        let error = read(json, "registry.example/app").unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        assert_eq!(error.reason(), "CredentialsInvalid");
    }
}
