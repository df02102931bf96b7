//! A program of Portolan as a process: with a kubeconfig of its own and nothing else of a cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

use crate::process::Process;
use crate::{ports, wait};

/// Longer than any start seen on a busy machine.
const READY: Duration = Duration::from_mins(2);

/// A place where a test build of a program stops for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailPoint {
    /// Name of the place.
    pub name: String,
    /// File that appears when it is reached.
    pub reached: PathBuf,
}

/// A running program of Portolan.
pub struct Program {
    name: String,
    cluster: String,
    kubeconfig: PathBuf,
    dir: PathBuf,
    plain_http: String,
    process: Process,
    artifacts: u16,
    health: u16,
    metrics: u16,
}

impl Program {
    /// Starts a program and waits until it is ready.
    pub(super) async fn start(
        name: &str,
        cluster: &str,
        kubeconfig: PathBuf,
        dir: PathBuf,
        plain_http: &str,
        fail_point: Option<FailPoint>,
    ) -> Result<Self> {
        let [artifacts, health, metrics] = ports::several()?;
        let command = command(
            name,
            cluster,
            &kubeconfig,
            &dir,
            plain_http,
            [artifacts, health, metrics],
            fail_point,
        )?;
        let process = Process::spawn(name, command, &dir.join("log")).await?;
        let program = Self {
            name: name.into(),
            cluster: cluster.into(),
            kubeconfig,
            dir,
            plain_http: plain_http.into(),
            process,
            artifacts,
            health,
            metrics,
        };
        program.ready().await?;
        Ok(program)
    }

    async fn ready(&self) -> Result<()> {
        let url = format!("http://127.0.0.1:{}/readyz", self.health);
        let client = reqwest::Client::builder().no_proxy().build()?;
        let what = format!("{} of {}", self.name, self.cluster);
        let ready = wait::until(&what, READY, async || {
            if !self.process.is_running() {
                return Some(false);
            }
            let answer = client.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(true)
        })
        .await;
        match ready {
            Ok(true) => Ok(()),
            _ => Err(self.process.failure(&format!("{what} is not ready"))),
        }
    }

    /// Kills the program as `kill -9` does, if it still runs.
    pub fn kill(&self) -> Result<()> {
        self.process.kill_9()
    }

    /// Asks the program to stop and waits for it.
    pub async fn stop(&self) -> Result<()> {
        self.process.terminate()?;
        self.process.wait().await;
        Ok(())
    }

    /// Starts the program again after it ended, on the same data.
    pub async fn restart(&mut self, fail_point: Option<FailPoint>) -> Result<()> {
        self.process.wait().await;
        let ports = [self.artifacts, self.health, self.metrics];
        let command = command(
            &self.name,
            &self.cluster,
            &self.kubeconfig,
            &self.dir,
            &self.plain_http,
            ports,
            fail_point,
        )?;
        self.process = Process::spawn(&self.name, command, &self.dir.join("log")).await?;
        self.ready().await
    }

    /// Throws away what the program keeps on disk: it is a cache.
    pub fn forget(&self) -> Result<()> {
        let data = self.dir.join("data");
        fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))
    }

    /// What the program logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The folder with its kubeconfig, its data and its log.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Port of its artifact server.
    pub fn artifact_port(&self) -> u16 {
        self.artifacts
    }

    /// Port of its metrics server.
    pub fn metrics_port(&self) -> u16 {
        self.metrics
    }
}

/// The command of a program: an environment with nothing in it but the way to its own cluster.
fn command(
    name: &str,
    cluster: &str,
    kubeconfig: &Path,
    dir: &Path,
    plain_http: &str,
    [artifacts, health, metrics]: [u16; 3],
    fail_point: Option<FailPoint>,
) -> Result<Command> {
    let mut command = Command::new(binary(name)?);
    command.env_clear().env("KUBECONFIG", kubeconfig).env("PORTOLAN_LOG", "info,portolan=debug");
    if let Some(point) = fail_point {
        let _ = fs::remove_file(&point.reached);
        command
            .env("PORTOLAN_FAIL_POINT", point.name)
            .env("PORTOLAN_FAIL_POINT_FILE", point.reached);
    }
    let listen = |port: u16| format!("127.0.0.1:{port}");
    command.arg("--cluster-name").arg(cluster);
    command.arg("--data-dir").arg(dir.join("data"));
    command.arg("--allow-http").arg(plain_http);
    command.arg("--artifact-addr").arg(listen(artifacts));
    command.arg("--health-addr").arg(listen(health));
    command.arg("--metrics-addr").arg(listen(metrics));
    command.arg("--webhook-addr").arg("off");
    // Here nothing but this process holds the lease: who was killed need not be waited for long.
    command.arg("--lease-duration").arg("3s");
    Ok(command)
}

/// The program that was built beside the running one.
fn binary(name: &str) -> Result<PathBuf> {
    let exe = env::current_exe()?;
    let folders = exe.parent().into_iter().chain(exe.parent().and_then(Path::parent));
    for folder in folders {
        let path = folder.join(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!("{name} is not built: run `cargo build -p {name}`, or use make")
}
