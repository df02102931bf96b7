//! A program as it is installed: a Deployment made by `kubectl apply -k`, on real nodes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::manifests::project;
use crate::room::processes;
use crate::tools::{output, run};
use crate::{ControlPlane, programs, wait};

/// Longer than any rollout on a busy machine, images pulled.
const DEADLINE: Duration = Duration::from_mins(4);
/// Where config/ installs the programs.
const NAMESPACE: &str = "portolan-system";

/// The pods of a program.
pub(super) struct Pods {
    program: &'static str,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    /// The first process of the room that they run in.
    room: u32,
}

/// What an installation adds to a base of `config/`.
pub(super) struct Overlay<'a> {
    /// Folder below `config/`.
    pub(super) base: &'a str,
    /// The program's Deployment.
    pub(super) program: &'static str,
    /// The image by digest.
    pub(super) image: &'a str,
    /// More arguments of the program.
    pub(super) arguments: Vec<String>,
}

impl Overlay<'_> {
    /// Writes a kustomization, as a person writes one.
    fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let Some((name, digest)) = self.image.split_once('@') else {
            bail!("{} is not an image by digest", self.image);
        };
        let base = project("config").join(self.base).canonicalize()?;
        let up = "../".repeat(folder.components().count() - 1);
        let base = format!("{up}{}", base.strip_prefix("/")?.display());
        let added = self.arguments.iter().map(|argument| {
            json!({
                "op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": argument,
            })
        });
        let kustomization = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [base],
            "images": [{"name": "portolan", "newName": name, "digest": digest}],
            "patches": [{
                "target": {"kind": "Deployment", "name": self.program},
                "patch": serde_json::to_string(&added.collect::<Vec<_>>())?,
            }],
        });
        let path = folder.join("kustomization.yaml");
        fs::write(&path, serde_json::to_string_pretty(&kustomization)?)
            .with_context(|| format!("writing {}", path.display()))
    }
}

impl Pods {
    /// Installs the overlay, which is written to the folder. [`ready`](Self::ready) waits for the pods.
    pub(super) async fn install(
        plane: &ControlPlane,
        overlay: &Overlay<'_>,
        folder: &Path,
    ) -> Result<Self> {
        overlay.write(folder)?;
        let room = plane.room().context("pods need a real node")?.first();
        let kubectl = programs::program("kubectl").await?;
        let pods = Self { program: overlay.program, kubectl, kubeconfig: plane.kubeconfig(), room };
        let mut apply = pods.kubectl(&["apply", "--server-side", "-k"]);
        apply.arg(folder);
        run(apply).await?;
        Ok(pods)
    }

    fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut kubectl = Command::new(&self.kubectl);
        kubectl.env("KUBECONFIG", &self.kubeconfig).env("HOME", "/nonexistent");
        kubectl.args(arguments);
        kubectl
    }

    /// Waits until all replicas run in processes other than these, and are ready.
    pub(super) async fn back(&self, killed: &[u32]) -> Result<()> {
        let what = format!("new processes of {}", self.program);
        let started = wait::until(&what, DEADLINE, async || {
            let now = self.first_processes();
            let new = now.iter().filter(|process| !killed.contains(process)).count();
            (new >= killed.len() && new == now.len()).then_some(())
        })
        .await;
        started.with_context(|| self.log())?;
        self.ready().await
    }

    /// Waits until all replicas are ready.
    pub(super) async fn ready(&self) -> Result<()> {
        let last = std::sync::Mutex::new(Value::Null);
        let what = format!("all replicas of {}", self.program);
        let ready = wait::until(&what, DEADLINE, async || {
            let deployment =
                self.kubectl(&["get", "deployment", self.program, "-n", NAMESPACE, "-o", "json"]);
            let found: Value = serde_json::from_str(&run(deployment).await.ok()?).ok()?;
            let ready = found["status"]["readyReplicas"] == found["spec"]["replicas"];
            *last.lock().ok()? = found["status"].clone();
            ready.then_some(())
        })
        .await;
        ready.with_context(|| {
            format!("its status: {}; {}", last.into_inner().unwrap_or_default(), self.log())
        })
    }

    /// Kills processes as `kill -9` does; the kubelet starts them again.
    pub(super) fn kill(&self, processes: &[u32]) -> Result<()> {
        for &process in processes {
            let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else { continue };
            match kill_process(pid, Signal::KILL) {
                Err(error) if error != rustix::io::Errno::SRCH => {
                    return Err(error).with_context(|| format!("killing {}", self.program));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The first process of each replica's container.
    pub(super) fn first_processes(&self) -> Vec<u32> {
        let all: Vec<_> = processes().collect();
        let parent = |of: u32| all.iter().find(|(process, _)| *process == of).map(|found| found.1);
        let in_room = |process: u32| {
            std::iter::successors(Some(process), |&process| parent(process))
                .any(|ancestor| ancestor == self.room)
        };
        let ours = |process: u32| {
            let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            line.starts_with(format!("/{}\0", self.program).as_bytes()) && is_first(process)
        };
        all.iter().map(|(process, _)| *process).filter(|&one| ours(one) && in_room(one)).collect()
    }

    /// What all replicas logged so far.
    pub(super) fn log(&self) -> String {
        let selector = format!("app.kubernetes.io/name={}", self.program);
        let arguments = ["logs", "-n", NAMESPACE, "--prefix", "--tail=-1", "-l"];
        let mut logs = self.kubectl(&arguments);
        logs.arg(selector);
        output(&mut logs).unwrap_or_else(|error| format!("no log: {error:#}"))
    }
}

/// Whether a process is the first one of its namespace.
fn is_first(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    ids.split_whitespace().next_back() == Some("1")
}
