//! Addresses that nothing is ever asked at on behalf of a tenant (native-kinds, section 1).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The metadata services of clouds outside of the link-local ranges.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether an address is refused always: link-local, metadata of a cloud, or nobody's own. An IPv4
/// address in IPv6 clothes counts as what it is.
pub fn is_refused(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let special = match address {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast()
        }
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    };
    special || METADATA.contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for refused in [
            "169.254.169.254",
            "169.254.1.1",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            assert!(is_refused(refused.parse().unwrap()), "{refused}");
        }
        for usual in ["10.96.0.2", "127.0.0.1", "192.168.1.1", "2001:db8::1", "fd00::1"] {
            assert!(!is_refused(usual.parse().unwrap()), "{usual}");
        }
    }
}
