//! `portolan-testbed demo`.

use std::io::{Write as _, stdout};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portolan_testbed::landscape::Landscape;
use portolan_testbed::story::{Show, run};

/// The demo.
#[derive(Args)]
pub(crate) struct Demo {
    /// Keep everything in this folder (empty or absent), leave it running at the end and tell how to
    /// look around.
    #[arg(long)]
    keep: Option<PathBuf>,
}

impl Demo {
    /// Shows it; ends everything it started, also when it is interrupted.
    pub(crate) async fn run(self) -> Result<()> {
        let line = |text: &str| {
            let _ = writeln!(stdout(), "{text}");
        };
        let kept = self.keep.is_some();
        let show = Show { keep: self.keep, line: &line };
        let told = tokio::select! {
            told = run(&show) => told?,
            _ = tokio::signal::ctrl_c() => {
                line("interrupted: everything it started ends with it");
                return Ok(());
            }
        };
        if kept {
            look_around(&told.0, &line).await?;
        }
        Ok(())
    }
}

/// Tells how to look around, and waits until the person is done.
async fn look_around(landscape: &Landscape, line: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let forge = landscape.forge.base_url();
    line("\nEverything stays up until you press Ctrl-C. To look around:\n");
    for member in [&landscape.build, &landscape.staging] {
        let (config, namespace) = (member.plane.kubeconfig(), &member.namespace);
        let config = config.display();
        line(&format!(
            "  kubectl --kubeconfig {config} -n {namespace} get portolan,workloads,deliverables"
        ));
        line(&format!("  less {}", member.program.dir().join("log").display()));
    }
    line(&format!(
        "  git clone http://build-cluster@{}/demo/config.git",
        forge.trim_start_matches("http://")
    ));
    tokio::signal::ctrl_c().await?;
    Ok(())
}
