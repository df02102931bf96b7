//! How HTTP is spoken with servers that tenants name: where it may lead, who is trusted, and what a
//! failure means.

use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderValue, RETRY_AFTER};
use secrecy::ExposeSecret as _;
use url::{Host, Url};

use crate::address::{RefusedAddress, Resolver, is_refused};
use crate::credentials::Login;
use crate::error::Error;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest pause that a server may ask for.
const LONGEST_PAUSE: u64 = 3600;

/// A client that follows no redirect, goes through no proxy, and to no address that is refused.
///
/// # Caveats
///
/// An address that stands in a url itself is not resolved: ask [`refused_literal`] before.
pub(crate) fn client(
    ca_pem: Option<&[u8]>,
    refused: &[IpAddr],
) -> Result<reqwest::ClientBuilder, Error> {
    let invalid = |problem: &str| Error::invalid("ca.crt", problem);
    let roots = match ca_pem {
        Some(pem) => reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|_| invalid("it is no PEM certificate"))?,
        None => Vec::new(),
    };
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .dns_resolver(Resolver::new(refused))
        .tls_certs_merge(roots)
        .http1_only()
        .no_proxy())
}

/// The header that shows a login.
pub(crate) fn authorization(login: &Login) -> Result<Option<HeaderValue>, Error> {
    let text = match login {
        Login::None => return Ok(None),
        Login::Basic { username, password } => {
            format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.expose_secret())))
        }
        Login::Bearer(token) => format!("Bearer {}", token.expose_secret()),
    };
    let bad = |_| Error::invalid("credentials", "they have a character that no header may have");
    let mut value = HeaderValue::try_from(text).map_err(bad)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// An address that stands in the url itself and is refused.
pub(crate) fn refused_literal(url: &Url, refused: &[IpAddr]) -> Option<IpAddr> {
    let address = match url.host()? {
        Host::Ipv4(address) => IpAddr::V4(address),
        Host::Ipv6(address) => IpAddr::V6(address),
        Host::Domain(_) => return None,
    };
    is_refused(address, refused).then_some(address)
}

/// The pause a server asks for, in seconds; a date is not read, since that needs a clock.
pub(crate) fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(|seconds: u64| Duration::from_secs(seconds.min(LONGEST_PAUSE)))
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreached {
    /// No connection, or one that broke.
    Unreachable(String),
    /// The name leads to an address that is refused.
    Refused(IpAddr),
    /// The certificate is not trusted.
    Untrusted(String),
}

/// Why there was no answer.
pub(crate) fn unreached(error: &reqwest::Error) -> Unreached {
    let mut cause = error.source();
    let mut last = None;
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<RefusedAddress>() {
            return Unreached::Refused(refused.0);
        }
        let text = error.to_string();
        if let Some((_, problem)) = text.split_once("invalid peer certificate: ") {
            return Unreached::Untrusted(problem.to_owned());
        }
        last = Some(text);
        cause = error.source();
    }
    Unreached::Unreachable(match last {
        _ if error.is_timeout() => "no connection in time".into(),
        Some(text) if text.contains("Connection refused") => "connection refused".into(),
        Some(text) if text.contains("lookup address") => "its name does not resolve".into(),
        Some(text) => text,
        None => "the connection broke".into(),
    })
}
