//! A program of Portolan: as a process with a kubeconfig of its own and nothing else of a cluster, or as
//! the pods of its Deployment.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

use super::pods::Pods;
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

impl FailPoint {
    /// Lets a program that stands there go on, and not stop there again.
    pub fn go_on(&self) -> Result<()> {
        let go = self.go();
        fs::write(&go, "").with_context(|| format!("writing {}", go.display()))
    }

    fn go(&self) -> PathBuf {
        let mut go = self.reached.clone().into_os_string();
        go.push(".go");
        go.into()
    }
}

/// What a program runs as.
enum Run {
    /// A process, another one after each restart.
    Process(Mutex<Arc<Process>>),
    /// The pods of its Deployment.
    Pods {
        /// They.
        pods: Pods,
        /// Processes of those that were killed last.
        killed: Mutex<Vec<u32>>,
    },
}

/// A running program of Portolan.
pub struct Program {
    name: String,
    cluster: String,
    kubeconfig: PathBuf,
    dir: PathBuf,
    plain_http: String,
    run: Run,
    artifacts: u16,
    health: u16,
    metrics: u16,
    /// `--lease-duration`, where it is not the program's own.
    lease: Option<&'static str>,
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
        // Here nothing but this process holds the lease: who was killed need not be waited for long.
        let lease = Some("3s");
        Self::launch(name, cluster, kubeconfig, dir, plain_http, lease, fail_point).await
    }

    /// Starts a replica beside this program: in a folder of its own beside its, with the same
    /// kubeconfig, and with its leases as long as they are in an installation.
    pub async fn replica(&self, name: &str) -> Result<Self> {
        let mut dir = self.dir.clone().into_os_string();
        dir.push(format!("-{name}"));
        let dir = PathBuf::from(dir);
        fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        let (program, cluster, plain_http) = (&self.name, &self.cluster, &self.plain_http);
        let kubeconfig = self.kubeconfig.clone();
        Self::launch(program, cluster, kubeconfig, dir, plain_http, None, None).await
    }

    async fn launch(
        name: &str,
        cluster: &str,
        kubeconfig: PathBuf,
        dir: PathBuf,
        plain_http: &str,
        lease: Option<&'static str>,
        fail_point: Option<FailPoint>,
    ) -> Result<Self> {
        let [artifacts, health, metrics] = ports::several()?;
        let mut command = command(
            name,
            cluster,
            &kubeconfig,
            &dir,
            plain_http,
            [artifacts, health, metrics],
            fail_point,
        )?;
        leases(&mut command, lease);
        let process = Process::spawn(name, command, &dir.join("log")).await?;
        let program = Self {
            name: name.into(),
            cluster: cluster.into(),
            kubeconfig,
            dir,
            plain_http: plain_http.into(),
            run: Run::Process(Mutex::new(Arc::new(process))),
            artifacts,
            health,
            metrics,
            lease,
        };
        program.ready().await?;
        Ok(program)
    }

    /// The program as it was installed by `kubectl apply -k`; waits until it is ready.
    pub(super) async fn installed(
        name: &str,
        cluster: &str,
        kubeconfig: PathBuf,
        dir: PathBuf,
        pods: Pods,
    ) -> Result<Self> {
        let program = Self {
            name: name.into(),
            cluster: cluster.into(),
            kubeconfig,
            dir,
            plain_http: String::new(),
            run: Run::Pods { pods, killed: Mutex::default() },
            artifacts: 0,
            health: 0,
            metrics: 0,
            lease: None,
        };
        program.ready().await?;
        Ok(program)
    }

    fn process(&self) -> Result<Arc<Process>> {
        match &self.run {
            Run::Process(process) => {
                Ok(Arc::clone(&process.lock().unwrap_or_else(PoisonError::into_inner)))
            }
            Run::Pods { .. } => bail!("{} of {} runs as pods", self.name, self.cluster),
        }
    }

    async fn ready(&self) -> Result<()> {
        if let Run::Pods { pods, killed } = &self.run {
            let killed =
                std::mem::take(&mut *killed.lock().unwrap_or_else(PoisonError::into_inner));
            return pods.back(&killed).await;
        }
        let url = format!("http://127.0.0.1:{}/readyz", self.health);
        let client = reqwest::Client::builder().no_proxy().build()?;
        let what = format!("{} of {}", self.name, self.cluster);
        let process = self.process()?;
        let ready = wait::until(&what, READY, async || {
            if !process.is_running() {
                return Some(false);
            }
            let answer = client.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(true)
        })
        .await;
        match ready {
            Ok(true) => Ok(()),
            _ => Err(process.failure(&format!("{what} is not ready"))),
        }
    }

    /// Kills the program as `kill -9` does, if it still runs; as pods, all of them.
    pub fn kill(&self) -> Result<()> {
        match &self.run {
            Run::Process(_) => self.process()?.kill_9(),
            Run::Pods { pods, killed } => {
                let processes = pods.first_processes();
                pods.kill(&processes)?;
                *killed.lock().unwrap_or_else(PoisonError::into_inner) = processes;
                Ok(())
            }
        }
    }

    /// Asks the program to stop, and does not wait for it. Only where it is a process.
    pub fn terminate(&self) -> Result<()> {
        self.process()?.terminate()
    }

    /// Asks the program to stop and waits for it. Only where it is a process.
    pub async fn stop(&self) -> Result<()> {
        let process = self.process()?;
        process.terminate()?;
        process.wait().await;
        Ok(())
    }

    /// Starts the program again after it ended, on the same data. Pods come back by themselves; they are
    /// waited for.
    pub async fn restart(&self, fail_point: Option<FailPoint>) -> Result<()> {
        let Run::Process(slot) = &self.run else { return self.ready().await };
        self.process()?.wait().await;
        let ports = [self.artifacts, self.health, self.metrics];
        let mut command = command(
            &self.name,
            &self.cluster,
            &self.kubeconfig,
            &self.dir,
            &self.plain_http,
            ports,
            fail_point,
        )?;
        leases(&mut command, self.lease);
        let process = Process::spawn(&self.name, command, &self.dir.join("log")).await?;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(process);
        self.ready().await
    }

    /// Throws away what the program keeps on disk: it is a cache.
    pub fn forget(&self) -> Result<()> {
        let data = self.dir.join("data");
        fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))
    }

    /// What the program logged so far.
    pub fn log(&self) -> String {
        match &self.run {
            Run::Process(_) => fs::read_to_string(self.dir.join("log")).unwrap_or_default(),
            Run::Pods { pods, .. } => pods.log(),
        }
    }

    /// Process id; 0 where it runs as pods.
    pub fn pid(&self) -> u32 {
        self.process().map_or(0, |process| process.pid())
    }

    /// Whether it runs as the pods of its Deployment.
    pub fn is_pods(&self) -> bool {
        matches!(self.run, Run::Pods { .. })
    }

    /// The folder with its kubeconfig, its data and its log.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Port of its artifact server.
    pub fn artifact_port(&self) -> u16 {
        self.artifacts
    }

    /// Port of its health server.
    pub fn health_port(&self) -> u16 {
        self.health
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
        let _ = fs::remove_file(point.go());
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
    Ok(command)
}

/// How long its leases last, where not as long as in an installation.
fn leases(command: &mut Command, lease: Option<&str>) {
    if let Some(lease) = lease {
        command.arg("--lease-duration").arg(lease);
    }
}

/// The program that was built beside the running one.
pub(super) fn binary(name: &str) -> Result<PathBuf> {
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
