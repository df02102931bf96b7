//! Free ports on the loopback address.
//!
//! They come from below the range that the system takes outgoing connections' ports from: a server that is stopped and
//! started again on its port would otherwise find it taken by one of the clients that kept trying to reach it.

use std::collections::HashSet;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::{Context as _, Result};

const LOWEST: u16 = 12_000;

static TAKEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A port that nobody listens on now, never given out twice by this process.
///
/// # Caveats
///
/// Another process may take it first; then start again with another one.
pub fn free() -> Result<u16> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let below = lowest_outgoing().saturating_sub(LOWEST);
    for attempt in 0..200_u64 {
        let random = RandomState::new().hash_one(attempt);
        // Where the ranges leave no room the system chooses.
        let offset = u16::try_from(random % u64::from(below.max(1)))?;
        let wish = if below > 1000 { LOWEST + offset } else { 0 };
        let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, wish)) else {
            continue;
        };
        let port = listener.local_addr()?.port();
        if taken.insert(port) {
            return Ok(port);
        }
    }
    None.context("found no free port on 127.0.0.1")
}

/// Several ports at once.
pub fn several<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    for port in &mut ports {
        *port = free()?;
    }
    Ok(ports)
}

fn lowest_outgoing() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|low| low.parse().ok()).unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_never_repeated() {
        let ports: HashSet<u16> = several::<50>().unwrap().into();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()));
    }
}
