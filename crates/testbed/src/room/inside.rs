//! Making a room from its inside, as its first process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change,
    mount_remount, unmount,
};
use rustix::process::{WaitOptions, wait};

use super::tell_ready;

/// Figures of the kernel that a kubelet wants: it finds them here, so that it need not, and cannot,
/// change the machine's own.
const FIGURES: &[(&str, &str)] = &[
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Makes the room of this process's namespaces, then looks after its orphans until it is killed.
///
/// # Errors
///
/// When a mount is refused.
///
/// # Caveats
///
/// Only for the first process of new mount, network and process namespaces.
pub fn prepare(folder: &Path) -> Result<()> {
    own_control_groups()?;
    own_folders(folder)?;
    own_figures(folder)?;
    let shared = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
    mount_change("/", shared).context("sharing mounts with containers")?;
    crate::tools::output(std::process::Command::new("ip").args(["link", "set", "lo", "up"]))?;
    tell_ready(folder)?;
    loop {
        // Nobody else waits for those whose parents have ended.
        if wait(WaitOptions::empty()).is_err() {
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }
}

/// The machine's control groups cannot be changed from here; crun refuses the hybrid layout, of which
/// the unified part goes.
fn own_control_groups() -> Result<()> {
    let _ = unmount("/sys/fs/cgroup/unified", UnmountFlags::empty());
    let mounts = fs::read_to_string("/proc/self/mounts").context("reading the mounts")?;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(place), Some(kind)) = (words.next(), words.next()) else { continue };
        if matches!(kind, "cgroup" | "cgroup2") {
            mount_remount(place, MountFlags::BIND | MountFlags::RDONLY, "")
                .with_context(|| format!("keeping {place} from being written to"))?;
        }
    }
    Ok(())
}

/// Folders that containerd, kubelet and CNI write to.
fn own_folders(folder: &Path) -> Result<()> {
    mount("tmpfs", "/run", "tmpfs", MountFlags::empty(), None).context("mounting /run")?;
    for (name, place) in [("varlib", "/var/lib"), ("varlog", "/var/log")] {
        let own = folder.join(name);
        fs::create_dir_all(&own)?;
        mount_bind(&own, place).with_context(|| format!("mounting {place}"))?;
    }
    Ok(())
}

fn own_figures(folder: &Path) -> Result<()> {
    for (name, figure) in FIGURES {
        let own = folder.join("sysctl").join(name);
        fs::create_dir_all(own.parent().context("a figure lies in a folder")?)?;
        fs::write(&own, format!("{figure}\n"))?;
        let place = Path::new("/proc/sys").join(name);
        mount_bind(&own, &place).with_context(|| format!("mounting {}", place.display()))?;
    }
    Ok(())
}
