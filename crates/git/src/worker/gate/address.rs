//! Where a name leads, and whether we go there (threat T-25).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::Stopped;

/// How long all attempts to connect may take together.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one of several addresses is tried, so that a black hole does not hide the next.
const EACH: Duration = Duration::from_secs(4);

/// The metadata services of clouds outside of the link-local ranges.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Connects to the first address that answers. A name that has a refused address among others is a trick.
pub(super) fn connect(host: &str, port: u16, refused: &[IpAddr]) -> Result<TcpStream, Stopped> {
    let unreachable = |why: String| Stopped::Unreachable(why);
    let found: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|_| unreachable("its name does not resolve".into()))?
        .collect();
    if let Some(bad) = found.iter().find(|found| is_refused(found.ip(), refused)) {
        return Err(Stopped::Refused(bad.ip()));
    }
    let start = Instant::now();
    let mut last = unreachable("its name has no address".into());
    for (index, address) in found.iter().enumerate() {
        let left = CONNECT.saturating_sub(start.elapsed());
        let timeout = if index + 1 == found.len() { left } else { left.min(EACH) };
        if timeout.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, timeout) {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                last = unreachable(format!("no connection within {} s", CONNECT.as_secs()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                last = unreachable("connection refused".into());
            }
            Err(_) => last = unreachable("no way to its address".into()),
        }
    }
    Err(last)
}

/// Whether an address is refused always or by the operator.
fn is_refused(address: IpAddr, refused: &[IpAddr]) -> bool {
    let address = address.to_canonical();
    let always = match address {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast()
        }
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    };
    always || METADATA.contains(&address) || refused.contains(&address)
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

    #[test]
    fn a_name_is_judged_by_where_it_leads() {
        let refused = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        assert!(matches!(connect("localhost", 9, &refused), Err(Stopped::Refused(_))));
        assert!(matches!(connect("nowhere.invalid", 9, &[]), Err(Stopped::Unreachable(_))));
    }
}
