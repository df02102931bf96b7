//! The flags that each server of a control plane is started with.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::pki::Pki;
use crate::room::Number;

/// The ports of one control plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) api: u16,
    pub(super) etcd: u16,
    pub(super) peer: u16,
}

/// etcd alone: no other member to wait for, so it may elect itself quickly, and no fsync.
pub(super) fn etcd(data: &Path, ports: Ports) -> Vec<String> {
    let client = format!("http://127.0.0.1:{}", ports.etcd);
    let peer = format!("http://127.0.0.1:{}", ports.peer);
    vec![
        format!("--data-dir={}", data.display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync=true".into(),
        "--heartbeat-interval=10".into(),
        "--election-timeout=100".into(),
        "--log-level=warn".into(),
    ]
}

/// kube-apiserver with RBAC, client certificates, service accounts and an audit log that can be counted.
pub(super) fn api_server(
    pki: &Pki,
    ports: Ports,
    audit: &Audit<'_>,
    accounts: bool,
    room: Option<Number>,
) -> Vec<String> {
    let file = |flag: &str, name: &str| format!("--{flag}={}", pki.path(name).display());
    let mut flags = vec![
        format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd),
        format!("--secure-port={}", ports.api),
        file("tls-cert-file", "server.crt"),
        file("tls-private-key-file", "server.key"),
        file("client-ca-file", "ca.crt"),
        "--authorization-mode=Node,RBAC".into(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
        file("service-account-key-file", "sa.pub"),
        file("service-account-signing-key-file", "sa.key"),
        "--service-cluster-ip-range=10.0.0.0/24".into(),
        "--allow-privileged=true".into(),
        format!("--audit-policy-file={}", audit.policy.display()),
        format!("--audit-log-path={}", audit.log.display()),
        // A line is in the file before its request's handler returns; the file is never rotated away.
        "--audit-log-mode=blocking".into(),
        "--audit-log-maxsize=1000000".into(),
    ];
    if let Some(room) = room {
        // Pods reach it through Service `kubernetes`, and it reaches the kubelet for logs.
        flags.extend([
            "--bind-address=0.0.0.0".into(),
            format!("--advertise-address={}", room.address()),
            "--kubelet-preferred-address-types=InternalIP".into(),
            file("kubelet-client-certificate", "kubelet-client.crt"),
            file("kubelet-client-key", "kubelet-client.key"),
        ]);
    } else {
        flags.extend([
            "--bind-address=127.0.0.1".into(),
            // Without it the server looks for a network interface, which a machine without network
            // lacks.
            "--advertise-address=127.0.0.1".into(),
            "--endpoint-reconciler-type=none".into(),
        ]);
    }
    if !accounts {
        // Nobody makes the accounts that this plugin demands of every Pod.
        flags.push("--disable-admission-plugins=ServiceAccount".into());
    }
    flags
}

/// Where the audit policy and the audit log are.
pub(super) struct Audit<'a> {
    pub(super) policy: &'a Path,
    pub(super) log: &'a Path,
}

/// One line a request, at its end; nothing about health checks.
pub(super) fn write_audit_policy(path: &Path) -> Result<()> {
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            { "level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*"] },
            { "level": "Metadata" },
        ],
    });
    Ok(fs::write(path, policy.to_string())?)
}

/// kube-controller-manager: each controller as its own account, so that the audit log tells them apart.
pub(super) fn controller_manager(
    kubeconfig: &Path,
    pki: &Pki,
    volume_plugins: &Path,
) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--leader-elect=false".into(),
        "--use-service-account-credentials=true".into(),
        format!("--service-account-private-key-file={}", pki.path("sa.key").display()),
        format!("--root-ca-file={}", pki.path("ca.crt").display()),
        "--kube-api-qps=200".into(),
        "--kube-api-burst=400".into(),
        // Else it makes a folder of the machine's own.
        format!("--flex-volume-plugin-dir={}", volume_plugins.display()),
        "--secure-port=0".into(),
    ]
}

/// kube-scheduler.
pub(super) fn scheduler(kubeconfig: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
    ]
}

/// kwok, which plays the kubelet of every node.
pub(super) fn kwok(kubeconfig: &Path, stages: &[impl AsRef<Path>]) -> Vec<String> {
    let mut flags = vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--manage-all-nodes=true".into(),
        "--node-lease-duration-seconds=40".into(),
    ];
    flags.extend(stages.iter().map(|stage| format!("--config={}", stage.as_ref().display())));
    flags
}
