//! The outside of all rooms: a network namespace in which only the forge and the registry listen.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

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
    ("/usr/bin/unshare", "util-linux"),
];

/// Some of what a room is made of.
const PROBE: &str = "mount -t tmpfs tmpfs /run && mount --make-rshared / \
     && ip link add probe0 type veth peer name probe1 && ip link add probe2 type bridge";

/// Why there are no real nodes here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Programs are not installed; their packages.
    #[error("these packages are missing: {}: install them, as hack/nodes.sh does", .0.join(", "))]
    Packages(Vec<&'static str>),
    /// The user is not root.
    #[error("containers are run as root, and this user is not")]
    Root,
    /// Root may not make namespaces here; what the system said.
    #[error("namespaces cannot be made here: {0}")]
    Refused(String),
}

/// What keeps this machine from having real nodes; `None` where nothing does.
pub fn missing() -> Option<Missing> {
    if !rustix::process::geteuid().is_root() {
        return Some(Missing::Root);
    }
    let mut absent: Vec<_> = NEEDED.iter().filter(|(program, _)| !is_there(program)).collect();
    let ip = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"];
    if !ip.iter().any(|ip| Path::new(ip).exists()) {
        absent.push(&("ip", "iproute2"));
    }
    if !absent.is_empty() {
        return Some(Missing::Packages(absent.iter().map(|(_, package)| *package).collect()));
    }
    let mut probe = Command::new("unshare");
    probe.args(["--mount", "--net", "--pid", "--fork", "--mount-proc", "sh", "-c", PROBE]);
    crate::tools::output(&mut probe).err().map(|error| Missing::Refused(format!("{error:#}")))
}

/// Whether a program is installed; the shell of containers must link nothing, which a package of the
/// same name does.
fn is_there(program: &str) -> bool {
    let path = Path::new(program);
    if path.ends_with("busybox") {
        return std::fs::read(path).is_ok_and(|bytes| !bytes.windows(7).any(|at| at == b"/ld-lin"));
    }
    path.exists()
}

/// Whether this process runs in the outside.
pub fn is_outside() -> bool {
    // The address is nobody's elsewhere.
    let bound = std::net::TcpListener::bind((OUTSIDE, 0)).is_ok();
    bound && std::env::var_os(INSIDE).is_some()
}

/// Runs this program once more, with these arguments, in a network namespace that has nothing but
/// [`OUTSIDE`] and loopback and forwards nothing; its exit code. It ends when this process does.
///
/// # Errors
///
/// When `unshare` or `ip` cannot be run.
///
/// # Panics
///
/// Outside of a runtime of tokio.
pub fn enter(arguments: impl IntoIterator<Item = OsString>) -> Result<i32> {
    // A new namespace may forward because the machine does.
    let prepare = format!(
        "echo 0 > /proc/sys/net/ipv4/ip_forward && ip link set lo up \
         && ip addr add {OUTSIDE}/32 dev lo && exec setpriv --pdeathsig TERM \"$0\" \"$@\""
    );
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "sh", "-c", &prepare]).arg(std::env::current_exe()?);
    unshare.args(arguments).env(INSIDE, "1");
    // Ctrl-C is for the other one, which cleans up; this one waits for it.
    let _interrupts = signal(SignalKind::interrupt())?;
    let status = unshare.status().context("running unshare")?;
    Ok(crate::guard::code(status))
}
