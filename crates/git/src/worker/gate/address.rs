//! Where a name leads, and whether we go there (threat T-25).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The metadata services of clouds outside of the link-local ranges.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// A host name leads to an address that is refused.
#[derive(Debug, thiserror::Error)]
#[error("it leads to the address {0}")]
pub(super) struct RefusedAddress(pub(super) IpAddr);

/// Whether `address` is refused always or by the operator.
pub(super) fn is_refused(address: IpAddr, refused: &[IpAddr]) -> bool {
    let address = address.to_canonical();
    let always = match address {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast()
        }
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    };
    always || METADATA.contains(&address) || refused.contains(&address)
}

/// The system's name resolution, which fails for a name with a refused address: a name that has one
/// among others is a trick.
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
    use rstest::rstest;

    #[rstest]
    #[case("169.254.169.254", true)]
    #[case("::ffff:169.254.169.254", true)]
    #[case("fe80::1", true)]
    #[case("fd00:ec2::254", true)]
    #[case("100.100.100.200", true)]
    #[case("0.0.0.0", true)]
    #[case("::", true)]
    #[case("10.96.0.1", true)]
    #[case("10.96.0.2", false)]
    #[case("127.0.0.1", false)]
    #[case("2001:db8::1", false)]
    fn addresses(#[case] address: &str, #[case] refused: bool) {
        let api = ["10.96.0.1".parse().unwrap()];
        assert_eq!(is_refused(address.parse().unwrap(), &api), refused);
    }
}
