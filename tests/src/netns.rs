//! A network namespace of a test's own: an address there is like one of a pod, and nobody else's.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// Address in the namespace besides loopback, from the range for documentation (RFC 5737).
pub const ADDRESS: &str = "192.0.2.10";

/// Set where a test runs inside.
const INSIDE: &str = "PORTOLAN_TEST_NAMESPACE";

/// Runs the named test of this program once more in a network namespace with [`ADDRESS`]. True where
/// this is that second run, so that the test may begin.
///
/// # Errors
///
/// When the test failed there, and when this machine cannot make such a namespace.
pub fn enter(test: &str) -> Result<bool> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(true);
    }
    let flags = flags()?;
    let prepare =
        format!("ip link set lo up && ip addr add {ADDRESS}/32 dev lo && exec \"$0\" \"$@\"");
    let status = Command::new("unshare")
        .args(flags)
        .args(["sh", "-c", &prepare])
        .arg(std::env::current_exe()?)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .context("running unshare")?;
    ensure!(status.success(), "{test} failed in its namespace");
    Ok(false)
}

/// How this machine makes a namespace: with the rights that are there, else in a user namespace.
fn flags() -> Result<&'static [&'static str]> {
    let ways: [&'static [&'static str]; 2] = [&["--net"], &["--net", "--map-root-user"]];
    for way in ways {
        let mut probe = Command::new("unshare");
        probe.args(way).args(["ip", "link", "set", "lo", "up"]);
        if probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success()) {
            return Ok(way);
        }
    }
    bail!(
        "no network namespace can be made: install util-linux and iproute2, and run as root or where \
         user namespaces are allowed"
    )
}
