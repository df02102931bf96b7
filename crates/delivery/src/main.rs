//! The staging and production clusters' program: takes Deliverables through their deliveries: deploy, verify, promote.

use clap::Parser;
use portolan_controller::{Listen, Role, Settings, git_worker, start};

/// The staging and production clusters' program: takes Deliverables through their deliveries: deploy, verify, promote.
#[derive(Parser)]
#[command(name = "portolan-delivery", version)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,

    /// Address for artifacts, or `off`.
    #[arg(long, default_value = ":8090")]
    artifact_addr: String,

    /// Address for metrics, or `off`.
    #[arg(long, default_value = ":8091")]
    metrics_addr: String,

    /// Address for /healthz and /readyz, or `off`.
    #[arg(long, default_value = ":8092")]
    health_addr: String,

    /// Address for admission, or `off`. Admission comes with a later version: nothing listens yet.
    #[arg(long, default_value = ":9453")]
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
    start(Role::Delivery, arguments.settings, listen)?;
    Ok(())
}
