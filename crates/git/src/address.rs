//! Where a name leads, and whether we go there (threat T-25).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use portolan_api::address;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A host name leads to an address that is refused.
#[derive(Debug, thiserror::Error)]
#[error("it leads to the address {0}")]
pub(crate) struct RefusedAddress(pub(crate) IpAddr);

/// Whether `address` is refused always or by the operator.
pub(crate) fn is_refused(address: IpAddr, refused: &[IpAddr]) -> bool {
    address::is_refused(address) || refused.contains(&address.to_canonical())
}

/// The system's name resolution, which fails for a name with a refused address: a name that has one
/// among others is a trick.
pub(crate) struct Resolver {
    refused: Arc<[IpAddr]>,
}

impl Resolver {
    pub(crate) fn new(refused: &[IpAddr]) -> Arc<Self> {
        Arc::new(Self { refused: refused.iter().map(IpAddr::to_canonical).collect() })
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let refused = Arc::clone(&self.refused);
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            match found.iter().find(|found| is_refused(found.ip(), &refused)) {
                Some(bad) => Err(RefusedAddress(bad.ip()).into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operator_refuses_comes_on_top() {
        let api = ["10.96.0.1".parse().unwrap()];
        let refused = |address: &str| is_refused(address.parse().unwrap(), &api);
        assert!(refused("10.96.0.1") && refused("::ffff:10.96.0.1") && refused("169.254.169.254"));
        assert!(!refused("10.96.0.2"));
    }
}
