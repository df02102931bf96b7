//! `portolan-testbed demo`.

mod look_around;
mod nodes;

use std::io::{Write as _, stdout};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portolan_testbed::story::{Show, run};

/// The demo.
#[derive(Args)]
pub(crate) struct Demo {
    /// Keep everything in this folder (empty or absent), leave it running at the end and tell how to
    /// look around.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// What runs pods.
    #[arg(long, value_enum, default_value_t)]
    nodes: nodes::Wanted,
    /// Kill controllers, stop the forge and API servers meanwhile.
    #[arg(long)]
    chaos: bool,
    /// What is disturbed when, with `--chaos`: the same number, the same disturbances; drawn and told
    /// where it is not given.
    #[arg(long, requires = "chaos")]
    seed: Option<u64>,
}

impl Demo {
    /// Shows it; ends everything it started, also when it is interrupted.
    pub(crate) async fn run(self) -> Result<()> {
        let line = |text: &str| {
            let _ = writeln!(stdout(), "{text}");
        };
        let nodes = self.nodes.resolve(&line)?;
        if let Some(code) = nodes::go_outside(nodes)? {
            std::process::exit(code);
        }
        let kept = self.keep.is_some();
        let seed = || self.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
        let chaos = self.chaos.then(seed);
        let show = Show { keep: self.keep, chaos, nodes, line: &line };
        let told = tokio::select! {
            told = run(&show) => told?,
            _ = tokio::signal::ctrl_c() => {
                line("interrupted: everything it started ends with it");
                return Ok(());
            }
        };
        if kept {
            look_around::look_around(&told.0, &line).await?;
        }
        Ok(())
    }
}
