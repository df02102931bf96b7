//! `portolan-testbed demo`.

mod nodes;

use std::io::{Write as _, stdout};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portolan_testbed::landscape::{APP, CONFIG, Landscape, Nodes, TEAM};
use portolan_testbed::programs::program;
use portolan_testbed::story::{Environment, OTHER, Show, run};

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
            look_around(&told.0, &line).await?;
        }
        Ok(())
    }
}

/// Tells how to look around and how to push a change, and waits until the person is done.
async fn look_around(landscape: &Landscape, line: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let kubectl = program("kubectl").await?;
    let kubectl = kubectl.display();
    // Real nodes have a network of their own, and what speaks with them must be in it.
    let enter = match landscape.nodes {
        Nodes::Fake => String::new(),
        Nodes::Real => format!("nsenter --net --target {} ", std::process::id()),
    };
    line("\nEverything stays up until you press Ctrl-C. To look around:\n");
    for member in landscape.members() {
        let (config, namespace) = (member.plane.kubeconfig(), &member.namespace);
        let cluster = format!("{enter}{kubectl} --kubeconfig {} -n {namespace}", config.display());
        line(&format!("  # the {} cluster", member.name()));
        line(&format!("  {cluster} get portolan,workloads,deliverables"));
        line(&format!("  {cluster} get events --sort-by=.lastTimestamp"));
        if member.program.is_pods() {
            line(&format!(
                "  {cluster} -n portolan-system logs -l app.kubernetes.io/part-of=portolan"
            ));
        } else {
            line(&format!("  less {}", member.program.dir().join("log").display()));
        }
    }
    let url = landscape.forge.base_url();
    let (user, password) = landscape.developer();
    let host = url.trim_start_matches("http://");
    line("  # git: what the programs wrote, and the applications (logins of this demo alone)");
    for repository in [CONFIG, APP, OTHER] {
        line(&format!(
            "  {enter}git clone http://{user}:{password}@{host}/{TEAM}/{repository}.git"
        ));
    }
    line("  # the requests, in a browser");
    line(&format!("  {url}/{TEAM}/{CONFIG}/pulls?state=closed"));
    for environment in [Environment::Staging, Environment::Production] {
        let (user, password) = landscape.maintainer(environment.name());
        line(&format!("  {user} / {password}   reviews and merges into {}", environment.name()));
    }
    line(&format!("\nTo send a change: edit site/index.html in the clone of {APP}, commit, push."));
    line(&format!("A few seconds later a request offers it: {url}/{TEAM}/{CONFIG}/pulls"));
    line("Approve and merge it as staging's maintainer, and then the one into production.");
    tokio::signal::ctrl_c().await?;
    line("\nended: everything it started ends with it; the folder with its logs stays");
    Ok(())
}
