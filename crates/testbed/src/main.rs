//! Builds the server programs of the tests, and guards them while they run.
#![allow(clippy::print_stderr, reason = "a command tells its user what went wrong")]

mod demo;
mod image_command;

use std::io::{Write as _, stdout};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};
use portolan_testbed::guard::Guard;
use portolan_testbed::process::Process;
use portolan_testbed::{programs, room};

/// Server programs for Portolan's tests.
#[derive(Parser)]
#[command(name = "portolan-testbed", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build server programs that are not there yet; all of them unless some are named.
    Build {
        /// Programs to build.
        programs: Vec<String>,
    },
    /// List where the server programs are.
    Paths,
    /// Show a change on its way from source to a promoted branch.
    Demo(demo::Demo),
    /// Tell which nodes the demo and the tests have here: `real`, or why not.
    Nodes,
    /// Make a room of this process's new namespaces, and be its first process.
    #[command(hide = true)]
    Room {
        /// The room's empty folder.
        folder: PathBuf,
    },
    /// Pack the image of Portolan's programs.
    Image(image_command::PackImage),
    /// Run a program that ends when standard input is closed.
    Guard(Guard),
    /// Start a guarded program, print its process id and stay: for the test that kills this process.
    #[command(hide = true)]
    Hold {
        /// The log file of the program.
        log: PathBuf,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().task).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portolan-testbed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> Result<()> {
    match task {
        Task::Build { programs } => build(&programs).await,
        Task::Paths => paths(),
        Task::Demo(demo) => demo.run().await,
        Task::Nodes => nodes(),
        Task::Image(image) => image.run().await,
        Task::Room { folder } => room::prepare(&folder),
        // A thread of the guard is still reading standard input.
        Task::Guard(guard) => std::process::exit(guard.run().await?),
        Task::Hold { log, command } => {
            let mut program = Command::new(&command[0]);
            program.args(&command[1..]);
            let process = Process::spawn("held", program, &log).await?;
            writeln!(stdout(), "{}", process.pid())?;
            std::process::exit(process.wait().await)
        }
    }
}

async fn build(names: &[String]) -> Result<()> {
    let all = programs::RECIPES.iter().map(|recipe| recipe.program.to_owned());
    let names = if names.is_empty() { all.collect() } else { names.to_vec() };
    for name in names {
        writeln!(stdout(), "{}", programs::program(&name).await?.display())?;
    }
    Ok(())
}

fn nodes() -> Result<()> {
    let told = room::missing().map_or("real".to_owned(), |missing| missing.to_string());
    Ok(writeln!(stdout(), "{told}")?)
}

fn paths() -> Result<()> {
    for recipe in programs::RECIPES {
        let place = programs::present(recipe.program)?;
        let place = place.map_or("(not built)".to_owned(), |path| path.display().to_string());
        writeln!(stdout(), "{:24} {place}", recipe.program)?;
    }
    Ok(())
}
