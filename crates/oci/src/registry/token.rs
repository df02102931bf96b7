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

    /// The Secret may name the hosts that its password may go to.
    fn permit_credential(&self, url: &Url, doing: &str) -> Result<(), Error> {
        let Credential::Basic { hosts, .. } = self.credential else {
            return Ok(());
        };
        let host = url.host_str().unwrap_or_default();
        let own = url.origin() == self.home.origin();
        let authority = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        if own
            || hosts.is_empty()
            || hosts.iter().any(|listed| listed == host || *listed == authority)
        {
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
