//! Where the program may connect to on behalf of a tenant's object.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use portolan_api::address;
use portolan_api::native::reasons::{stalled, transient};
use url::Url;

use crate::trouble::Trouble;

/// The rules on hosts (native-kinds, section 1).
#[derive(Clone, Debug)]
pub(crate) struct Egress {
    plain_http: Arc<Vec<String>>,
    refused: Arc<Vec<SocketAddr>>,
}

impl Egress {
    /// `plain_http`: hosts, with or without a port, that may be asked without TLS. `refused`:
    /// addresses of the cluster's API.
    pub(crate) fn new(plain_http: Vec<String>, refused: Vec<SocketAddr>) -> Self {
        Self { plain_http: Arc::new(plain_http), refused: Arc::new(refused) }
    }

    /// Hosts that may be asked without TLS.
    pub(crate) fn plain_http(&self) -> &[String] {
        &self.plain_http
    }

    /// Addresses of the cluster's API for clients that know no ports; one on this machine tells
    /// nothing, as anything may share it.
    pub(crate) fn refused(&self) -> Vec<IpAddr> {
        self.refused.iter().map(SocketAddr::ip).filter(|ip| !ip.is_loopback()).collect()
    }

    /// Checks a git url: scheme, and after name resolution its addresses.
    pub(crate) async fn check(&self, url: &str) -> Result<(), Trouble> {
        let refuse = |why: String| Err(Trouble::stalled(stalled::URL_NOT_ALLOWED, why));
        let Ok(parsed) = Url::parse(url) else {
            return refuse(format!("{url:?} is not a url: write https://host/repository"));
        };
        let Some(host) = parsed.host_str().map(str::to_owned) else {
            return refuse(format!("{url:?} names no host: write https://host/repository"));
        };
        match parsed.scheme() {
            "https" => {}
            "http" if self.is_plain(&host, parsed.port_or_known_default()) => {}
            "http" => {
                return refuse(format!(
                    "{host} may not be asked over http: use https, or let the operator start the \
                     controller with --allow-http {host}"
                ));
            }
            "ssh" => return Err(Trouble::not_supported("ssh", "use an https url")),
            scheme => return refuse(format!("scheme {scheme} is not allowed: use https")),
        }
        let port = parsed.port_or_known_default().unwrap_or(443);
        let bare = host.trim_matches(['[', ']']).to_owned();
        let addresses = tokio::net::lookup_host((bare, port)).await.map_err(|error| {
            let message = format!("{host} cannot be resolved: {error}");
            Trouble::transient(transient::GIT_UNREACHABLE, message)
        })?;
        for address in addresses {
            self.check_address(address)?;
        }
        Ok(())
    }

    /// Checks an address.
    pub(crate) fn check_address(&self, address: SocketAddr) -> Result<(), Trouble> {
        if self.is_refused(address) {
            let message = format!("address {address} is not one that tenants may have asked");
            return Err(Trouble::stalled(stalled::URL_NOT_ALLOWED, message));
        }
        Ok(())
    }

    /// Whether a Secret may be sent to a url's host.
    pub(crate) fn may_send(hosts: Option<&[String]>, url: &str) -> Result<(), Trouble> {
        let Some(hosts) = hosts else { return Ok(()) };
        let parsed = Url::parse(url).ok();
        let host = parsed.as_ref().and_then(Url::host_str).unwrap_or_default();
        let port = parsed.as_ref().and_then(Url::port);
        let listed = hosts.iter().any(|allowed| {
            allowed == host || port.is_some_and(|port| *allowed == format!("{host}:{port}"))
        });
        if listed {
            return Ok(());
        }
        let message = format!(
            "the Secret may not be sent to {host}: its annotation {} lists {}",
            portolan_api::labels::HOSTS,
            hosts.join(", ")
        );
        Err(Trouble::stalled(stalled::HOST_NOT_ALLOWED, message).unseen())
    }

    fn is_plain(&self, host: &str, port: Option<u16>) -> bool {
        let with_port = port.map(|port| format!("{host}:{port}"));
        self.plain_http
            .iter()
            .any(|allowed| *allowed == host || Some(allowed) == with_port.as_ref())
    }

    fn is_refused(&self, address: SocketAddr) -> bool {
        let plain = |address: &SocketAddr| (address.ip().to_canonical(), address.port());
        let api = self.refused.iter().any(|refused| plain(refused) == plain(&address));
        api || address::is_refused(address.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refusal(url: &str) -> Option<String> {
        let api: SocketAddr = "127.0.0.1:6443".parse().unwrap();
        let egress = Egress::new(vec!["127.0.0.1".into(), "localhost:3000".into()], vec![api]);
        egress.check(url).await.err().map(|trouble| trouble.reason)
    }

    /// T-25.
    #[tokio::test]
    async fn urls_that_are_refused() {
        for url in [
            "file:///etc",
            "ext::sh -c id",
            "http://169.254.169.254/latest",
            "https://169.254.169.254/latest",
            "https://[fe80::1]/a",
            "https://[::ffff:169.254.169.254]/a",
            "http://example.test/a",
            "http://localhost:3001/a",
            "https://127.0.0.1:6443/api",
            "https://[::ffff:127.0.0.1]:6443/api",
            "https://100.100.100.200/latest",
            "https://0.0.0.0/a",
            "nonsense",
        ] {
            assert_eq!(refusal(url).await.as_deref(), Some(stalled::URL_NOT_ALLOWED), "{url}");
        }
        for url in ["https://127.0.0.1/a", "http://127.0.0.1:8080/a", "http://localhost:3000/a"] {
            assert_eq!(refusal(url).await, None, "{url}");
        }
        assert_eq!(refusal("ssh://git@host/a").await.as_deref(), Some(stalled::NOT_SUPPORTED));
    }

    #[test]
    fn a_secret_goes_only_to_its_hosts() {
        let hosts = vec!["git.example".to_owned(), "other.example:8443".to_owned()];
        let may = |url: &str| Egress::may_send(Some(&hosts), url).is_ok();
        assert!(may("https://git.example/a"));
        assert!(may("https://git.example:444/a"));
        assert!(may("https://other.example:8443/a"));
        assert!(!may("https://other.example/a"));
        assert!(!may("https://evil-git.example/a"));
        assert!(!may("https://git.example.evil/a"));
        assert!(Egress::may_send(None, "https://any/a").is_ok());
    }
}
