//! The portolan command: a laptop's and CI's view.

mod crds;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Portolan carries a change from source code to production across clusters that share only git.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the CustomResourceDefinitions, one file a kind.
    Crds {
        /// Folder to write to; files of kinds that no longer exist are removed from it.
        #[arg(long, default_value = "config/crd")]
        out: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Crds { out } => crds::write(&out),
    }
}
