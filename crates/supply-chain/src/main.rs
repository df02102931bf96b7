//! The build cluster's program: takes Workloads through their supply chains into git.

use clap::Parser;
use portolan_controller::{Listen, Role, Settings, git_worker, start};

/// The build cluster's program: takes Workloads through their supply chains into git.
#[derive(Parser)]
#[command(name = "portolan-supply-chain", version)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,

    /// Address for artifacts, or `off`.
    #[arg(long, default_value = ":8080")]
    artifact_addr: String,

    /// Address for metrics, or `off`.
    #[arg(long, default_value = ":8081")]
    metrics_addr: String,

    /// Address for /healthz and /readyz, or `off`.
    #[arg(long, default_value = ":8082")]
    health_addr: String,

    /// Address for admission, or `off`. Admission comes with a later version: nothing listens yet.
    #[arg(long, default_value = ":9443")]
    webhook_addr: String,
}

fn main() -> anyhow::Result<()> {
    git_worker();
    let arguments = Arguments::parse();
    let listen = Listen {
        artifacts: arguments.artifact_addr,
        metrics: arguments.metrics_addr,
        health: arguments.health_addr,
    };
    start(Role::SupplyChain, arguments.settings, listen)?;
    Ok(())
}
