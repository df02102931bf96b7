//! The outside of all rooms: a network namespace in which only the forge and the registry listen.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

/// Address of the forge and the registry.
pub const OUTSIDE: &str = "10.99.0.1";

/// Set where a program runs outside of rooms, which is in a namespace of its own.
const INSIDE: &str = "PORTOLAN_TESTBED_OUTSIDE";

/// Programs of the system that a real node is made of, and their packages on Debian.
const NEEDED: &[(&str, &str)] = &[
    ("/usr/bin/containerd", "containerd"),
    ("/usr/bin/crun", "crun"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
    ("/usr/sbin/nft", "nftables"),
    ("/bin/busybox", "busybox-static"),
];

/// Some of what a room is made of.
const PROBE: &str = "mount -t tmpfs tmpfs /run && mount --make-rshared / \
     && ip link add probe0 type veth peer name probe1 && ip link add probe2 type bridge";

/// Why there are no real nodes here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The user may not make namespaces.
    #[error("this user may not make mount, network and process namespaces: run it as root")]
    Rights,
    /// Programs are not installed; their packages.
    #[error("these packages are missing: {}", .0.join(", "))]
    Packages(Vec<&'static str>),
}

/// What keeps this machine from having real nodes; `None` where nothing does.
pub fn missing() -> Option<Missing> {
    let mut probe = Command::new("unshare");
    probe.args(["--mount", "--net", "--pid", "--fork", "--mount-proc", "sh", "-c", PROBE]);
    let may = probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        return Some(Missing::Rights);
    }
    let absent = NEEDED.iter().filter(|(program, _)| !Path::new(program).exists());
    let absent: Vec<_> = absent.map(|(_, package)| *package).collect();
    (!absent.is_empty()).then_some(Missing::Packages(absent))
}

/// Whether this process runs in the outside.
pub fn is_outside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs this program once more, with these arguments, in a network namespace that has nothing but
/// [`OUTSIDE`] and loopback; its exit code.
///
/// # Errors
///
/// When `unshare` or `ip` cannot be run.
pub fn enter(arguments: impl IntoIterator<Item = OsString>) -> Result<i32> {
    let prepare =
        format!("ip link set lo up && ip addr add {OUTSIDE}/32 dev lo && exec \"$0\" \"$@\"");
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "sh", "-c", &prepare]).arg(std::env::current_exe()?);
    let status = unshare.args(arguments).env(INSIDE, "1").status().context("running unshare")?;
    Ok(crate::guard::code(status))
}
