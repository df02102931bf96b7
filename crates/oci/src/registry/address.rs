//! Addresses that a tenant's host name must not lead to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use portolan_api::address;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A host name leads to an address that is refused.
#[derive(Debug, thiserror::Error)]
#[error("it leads to the address {0}, which is never used")]
pub(super) struct RefusedAddress(pub(super) IpAddr);

/// Whether `address` is refused always or by the operator.
pub(super) fn is_refused(address: IpAddr, refused: &[IpAddr]) -> bool {
    address::is_refused(address) || refused.contains(&address.to_canonical())
}

/// The system's name resolution, which fails for a name with a refused address: a name that has one among others is a
/// trick.
pub(super) struct Resolver {
    refused: Arc<[IpAddr]>,
}

impl Resolver {
    pub(super) fn new(refused: &[IpAddr]) -> Arc<Self> {
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
