//! A real node in a room: containerd with crun, a kubelet and kube-proxy.
//!
//! Containers stay in the caller's own control group: limits are accepted and not enforced.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};
use serde_json::json;

use crate::pki::Pki;
use crate::room::Number;
use crate::wait;

/// The node's name, which its certificate carries too.
pub(super) const NAME: &str = "node-1";
/// Where containerd listens; `/run` is the room's own.
pub(super) const SOCKET: &str = "/run/containerd/containerd.sock";

/// What the node's programs are told.
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Writes the settings of a node that pulls from one registry, without TLS.
    pub(super) fn write(
        folder: &Path,
        number: Number,
        registry: &str,
        pause: &str,
        pki: &Pki,
    ) -> Result<Self> {
        let files = Self { folder: folder.join("node") };
        fs::create_dir_all(files.path("cni"))?;
        fs::create_dir_all(files.path("certs.d").join(registry))?;
        let hosts = format!(
            "server = \"http://{registry}\"\n[host.\"http://{registry}\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
        );
        fs::write(files.path("certs.d").join(registry).join("hosts.toml"), hosts)?;
        // The machine's control groups are not ours to use.
        let crun = files.path("crun");
        fs::write(&crun, "#!/bin/sh\nexec /usr/bin/crun --cgroup-manager=disabled \"$@\"\n")?;
        fs::set_permissions(&crun, fs::Permissions::from_mode(0o755))?;
        fs::write(files.path("cni/10-room.conflist"), network(number))?;
        fs::write(files.path("containerd.toml"), files.containerd(pause))?;
        let kubelet = kubelet(&number.address(), pki, &files.path("volume-plugins"));
        fs::write(files.path("kubelet.json"), kubelet)?;
        Ok(files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn containerd(&self, pause: &str) -> String {
        let path = |name: &str| self.path(name).display().to_string();
        format!(
            r#"version = 2
root = "{root}"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
disable_cgroup = true
disable_apparmor = true
restrict_oom_score_adj = true
disable_tcp_service = true
stream_server_address = "127.0.0.1"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "crun"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
BinaryName = "{crun}"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{certs}"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{cni}"
"#,
            root = path("containerd"),
            crun = path("crun"),
            certs = path("certs.d"),
            cni = path("cni"),
        )
    }

    pub(super) fn containerd_flags(&self) -> Vec<String> {
        vec!["--config".into(), self.path("containerd.toml").display().to_string()]
    }

    pub(super) fn kubelet_flags(&self, kubeconfig: &Path, number: Number) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--config={}", self.path("kubelet.json").display()),
            format!("--hostname-override={NAME}"),
            format!("--node-ip={}", number.address()),
            "--root-dir=/var/lib/kubelet".into(),
        ]
    }
}

/// The pods' network: a bridge, and the room as its router.
fn network(number: Number) -> String {
    json!({
        "cniVersion": "0.4.0",
        "name": "room",
        "plugins": [{
            "type": "bridge", "bridge": "cni0",
            "isGateway": true, "isDefaultGateway": true, "hairpinMode": true,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": number.pods()}]]},
        }],
    })
    .to_string()
}

fn kubelet(address: &str, pki: &Pki, volume_plugins: &Path) -> String {
    let nothing = "0%";
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": false},
            "x509": {"clientCAFile": pki.path("ca.crt")},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": format!("unix://{SOCKET}"),
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "localStorageCapacityIsolation": false,
        "makeIPTablesUtilChains": false,
        // Fails rather than changes a figure of the machine.
        "protectKernelDefaults": true,
        "oomScoreAdj": 0,
        "serializeImagePulls": false,
        "syncFrequency": "10s",
        "evictionHard": {
            "memory.available": nothing, "nodefs.available": nothing,
            "nodefs.inodesFree": nothing, "imagefs.available": nothing,
            "imagefs.inodesFree": nothing,
        },
        "imageGCHighThresholdPercent": 100,
        "volumePluginDir": volume_plugins,
        // There are no names in a room but those of Services, which need no resolver here.
        "resolvConf": "",
    })
    .to_string()
}

/// kube-proxy: addresses of Services. Zeros leave the kernel's own figures alone.
pub(super) fn proxy_flags(kubeconfig: &Path, number: Number) -> Vec<String> {
    let zero = ["max-per-core", "min", "tcp-timeout-established", "tcp-timeout-close-wait"];
    let mut flags = vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--proxy-mode=nftables".into(),
        format!("--hostname-override={NAME}"),
        format!("--cluster-cidr={}", number.pods()),
        format!("--bind-address={}", number.address()),
        "--healthz-bind-address=127.0.0.1:10256".into(),
        "--metrics-bind-address=127.0.0.1:10249".into(),
    ];
    flags.extend(zero.map(|figure| format!("--conntrack-{figure}=0")));
    flags
}

/// Waits until pods may be scheduled to the node.
pub(super) async fn ready(client: &Client, deadline: Duration) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    wait::until("the node to be ready", deadline, async || {
        let node = nodes.get_opt(NAME).await.ok()??;
        let ready = node.status?.conditions?.into_iter().find(|one| one.type_ == "Ready")?;
        let tainted =
            node.spec.and_then(|spec| spec.taints).is_some_and(|taints| !taints.is_empty());
        (ready.status == "True" && !tainted).then_some(())
    })
    .await
    .context("the kubelet's and containerd's logs say why")
}
