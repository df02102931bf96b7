//! The portolan command: a laptop's and CI's view.

mod crds;
mod paint;
mod status;
mod text;
mod trace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

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
    /// Tell the way of a change: where it comes from, which branches it reached, how, and what became
    /// of it. Git is all it needs.
    Trace(trace::Arguments),
    /// Tell where Workloads and Deliverables stand in a cluster, and the one cause that holds each.
    /// It only reads, as the person whose kubeconfig it is.
    Status(status::Arguments),
}

/// Runs the command.
pub fn main() -> ExitCode {
    portolan_git::worker::run_if_worker();
    let done = match arguments() {
        Ok(Arguments { command: Command::Crds { out } }) => {
            crds::write(&out).map(|()| ExitCode::SUCCESS)
        }
        Ok(Arguments { command: Command::Trace(arguments) }) => return trace::run(&arguments),
        Ok(Arguments { command: Command::Status(arguments) }) => return status::run(&arguments),
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| {
        say(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

/// The arguments, under the name by which a person calls the program.
fn arguments() -> anyhow::Result<Arguments> {
    let called = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&called).file_stem().unwrap_or_default();
    let mut command = Arguments::command();
    if name == "kubectl-portolan" {
        command = command.bin_name("kubectl portolan");
    }
    // Ends the process with its usage where the arguments do not read.
    let found = command.get_matches();
    Arguments::from_arg_matches(&found).context("reading the arguments")
}

/// A line for the person in front of the terminal.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
