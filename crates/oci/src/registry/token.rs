//! Meeting a challenge: with the password itself, or with a token that it buys.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::challenge::{Challenge, challenge};
use super::session::{Session, misbehaved};
use crate::credential::Credential;
use crate::error::Error;

/// Tokens are long, not this long.
const TOKEN_BYTES: usize = 256 << 10;

/// What a token service answers.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Session<'_> {
    /// Does what the registry asks for; whether it is worth asking again.
    pub(super) async fn answer_challenge(
        &self,
        headers: &HeaderMap,
        doing: &str,
    ) -> Result<bool, Error> {
        let header = match (challenge(headers), self.credential) {
            (Some(Challenge::Basic), Credential::Basic { .. }) => {
                // Shown and refused before: it is wrong, and asking on could lock the account.
                let header = self.own_header()?;
                if self.authorization().as_ref() == Some(&header) {
                    return Ok(false);
                }
                header
            }
            (Some(Challenge::Bearer { .. }), Credential::Bearer(_)) => return Ok(false),
            (Some(Challenge::Bearer { realm, service }), _) => {
                self.token(&realm, service.as_deref(), doing).await?
            }
            _ => return Ok(false),
        };
        self.authorize_with(header);
        Ok(true)
    }

    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        doing: &str,
    ) -> Result<HeaderValue, Error> {
        let doing = &format!("{doing}: getting a token");
        let mut url =
            Url::parse(realm).map_err(|_| misbehaved(doing, "its token service has no url"))?;
        self.permit(&url, doing)?;
        self.permit_credential(&url, doing)?;
        url.query_pairs_mut()
            .extend_pairs(service.map(|service| ("service", service)))
            .extend_pairs(self.scopes.iter().map(|scope| ("scope", scope)));
        let mut builder = self.registry.http.get(url).timeout(self.registry.options.answer_timeout);
        if let Credential::Basic { .. } = self.credential {
            builder = builder.header(AUTHORIZATION, self.own_header()?);
        }
        let response = builder.send().await.map_err(|error| self.broken(error, doing))?;
        match response.status() {
            StatusCode::OK => {}
            // Not what is pushed is refused here, but the one who asks.
            status if status.is_client_error() => match self.refusal(response, doing).await {
                Error::PushRefused { doing, message, .. } => {
                    return Err(Error::AuthFailed { doing, message });
                }
                other => return Err(other),
            },
            _ => return Err(self.refusal(response, doing).await),
        }
        let body = self.body(response, TOKEN_BYTES, doing).await?;
        // What serde says may repeat a value, and the value is the token.
        let token: Option<Token> = serde_json::from_slice(&body).ok();
        let token = token
            .and_then(|token| token.token.or(token.access_token))
            .filter(|token| !token.is_empty());
        token
            .and_then(|token| header(&format!("Bearer {token}").into()))
            .ok_or_else(|| misbehaved(doing, "its token service sends no token"))
    }

    /// The Secret may name the hosts that its password may go to; where it does not, a registry that is not to be trusted
    /// with more than its own password must not send it away to anyone.
    fn permit_credential(&self, url: &Url, doing: &str) -> Result<(), Error> {
        let Credential::Basic { hosts, .. } = self.credential else {
            return Ok(());
        };
        let host = url.host_str().unwrap_or_default();
        let own = url.origin() == self.home.origin();
        let authority = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        let listed = || hosts.iter().any(|listed| listed == host || *listed == authority);
        let near = || hosts.is_empty() && is_near(self.home.host_str().unwrap_or_default(), host);
        if own || listed() || near() {
            return Ok(());
        }
        Err(Error::HostNotAllowed { doing: doing.into(), host: self.public(host.into()) })
    }

    fn own_header(&self) -> Result<HeaderValue, Error> {
        self.credential.authorization().as_ref().and_then(header).ok_or_else(|| {
            Error::InvalidCredential { problem: "user and password do not make a header".into() }
        })
    }
}

fn header(shown: &SecretString) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(shown.expose_secret()).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Whether a token service may be taken for the registry's own without anybody saying so: the same host, one below it, the
/// domain above it, or one beside it there.
fn is_near(registry: &str, service: &str) -> bool {
    let below = |host: &str, domain: &str| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let is_name = |host: &str| host.ends_with(|c: char| c.is_ascii_alphabetic());
    if registry == service {
        return true;
    }
    if !is_name(registry) || !is_name(service) {
        return false;
    }
    let domain = registry.split_once('.').map_or("", |(_, domain)| domain);
    below(service, registry) || !is_shared(domain) && below(service, domain)
}

/// Whether names below a domain belong to different people: a top-level domain, and what stands below those of countries
/// (`co.uk`).
fn is_shared(domain: &str) -> bool {
    match domain.split('.').collect::<Vec<_>>().as_slice() {
        [_] => true,
        [second, country] if country.len() == 2 => {
            ["ac", "co", "com", "edu", "go", "gov", "gob", "ne", "net", "or", "org"]
                .contains(second)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::docker_hub("registry-1.docker.io", "auth.docker.io", true)]
    #[case::ghcr("ghcr.io", "ghcr.io", true)]
    #[case::gcr("us-docker.pkg.dev", "us-docker.pkg.dev", true)]
    #[case::ecr_public("public.ecr.aws", "public.ecr.aws", true)]
    #[case::acr("team.azurecr.io", "team.azurecr.io", true)]
    #[case::gitlab("registry.gitlab.com", "gitlab.com", true)]
    #[case::own_gitlab("registry.corp.example", "gitlab.corp.example", true)]
    #[case::below("harbor.example", "core.harbor.example", true)]
    #[case::address("10.0.0.5", "10.0.0.5", true)]
    #[case::address6("[::1]", "[::1]", true)]
    #[case::in_cluster("registry.team.svc", "auth.team.svc", true)]
    #[case::elsewhere("registry.example", "evil.example", false)]
    #[case::lookalike("registry-1.docker.io", "auth.evildocker.io", false)]
    #[case::ending("ghcr.io", "evil.ghcr.io.evil", false)]
    #[case::top_level("ghcr.io", "evil.io", false)]
    #[case::country("registry.co.uk", "evil.co.uk", false)]
    #[case::other_namespace("registry.team.svc", "auth.evil.svc", false)]
    #[case::short("registry", "evil", false)]
    #[case::other_address("10.0.0.5", "11.0.0.5", false)]
    #[case::metadata("10.0.0.5", "169.254.169.254", false)]
    #[case::empty("registry.example", "", false)]
    fn token_services(#[case] registry: &str, #[case] service: &str, #[case] near: bool) {
        assert_eq!(is_near(registry, service), near);
    }
}
