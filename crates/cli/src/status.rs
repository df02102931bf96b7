//! `portolan status`: where Workloads and Deliverables stand, read from a cluster.

mod connect;
mod picture;
mod read;
mod reader;
mod what;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use portolan_plan::standing::{Evidence, Standing, State, tell};
use portolan_plan::trace::clean;
use serde::Serialize;

use self::read::Found;
use self::what::What;
use crate::paint::{Paint, print};
use crate::say;

/// Something is not ready.
const NOT_READY: u8 = 1;
/// The arguments do not read, the cluster does not answer, or what was asked for is not there.
const TROUBLE: u8 = 2;

/// Exit codes: 0 everything is ready, 1 something is not, 2 it cannot be told.
#[derive(Args)]
#[command(after_long_help = "Examples:
  portolan status                       the namespace of the current context
  portolan status -A                    all namespaces
  portolan status shop                  the Workload and the Deliverable called shop, step by step
  portolan status deliverable/shop -n staging --context staging

Exit codes:
  0  all that is shown is ready, or ready but for a merge that people make
  1  something waits or is held
  2  the arguments do not read, the cluster does not answer or refuses, or nothing has this name")]
pub(crate) struct Arguments {
    /// Only this one: workload/NAME, deliverable/NAME, or NAME for both kinds
    #[arg(value_name = "WHAT")]
    what: Option<What>,

    /// The kubeconfig; default: what KUBECONFIG names, else ~/.kube/config
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig; default: its current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// The namespace; default: that of the context
    #[arg(long, short, value_name = "NAME", conflicts_with = "all_namespaces")]
    namespace: Option<String>,

    /// Look in all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,

    /// Print it for programs
    #[arg(long, short, value_name = "FORMAT")]
    output: Option<Format>,
}

/// How it is printed for programs.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One object.
    Json,
}

/// What is told of a cluster.
#[derive(Serialize)]
struct Told {
    owners: Vec<Standing>,
    notes: Vec<String>,
}

/// Tells where owners stand.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match status(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("error: {}", clean(&chain(&error), 4000)));
            ExitCode::from(TROUBLE)
        }
    }
}

/// An error with its causes, each once.
fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| {
        if text.contains(&cause) {
            text
        } else if text.is_empty() {
            cause
        } else {
            format!("{text}: {cause}")
        }
    })
}

fn status(arguments: &Arguments) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (found, place) = runtime.block_on(async {
        let connection = connect::connect(arguments).await?;
        let found = read::read(&connection, arguments).await?;
        anyhow::Ok((found, connection.place()))
    })?;
    let told = told(found);
    let text = match arguments.output {
        Some(Format::Json) => serde_json::to_string_pretty(&told)? + "\n",
        None => {
            let (notes, now) = (&told.notes, Timestamp::now());
            picture::picture(
                &told.owners,
                notes,
                &place,
                arguments.what.is_some(),
                now,
                Paint::of_output(),
            )
        }
    };
    print(&text);
    let is_ready = told.owners.iter().all(|owner| owner.state <= State::Unmerged);
    Ok(if is_ready { 0 } else { NOT_READY })
}

fn told(found: Found) -> Told {
    let Found { owners, objects, blueprints, notes } = found;
    let none = BTreeMap::new();
    let standing = |(number, (kind, owner)): (usize, &(_, _))| {
        let objects = objects.get(&number).unwrap_or(&none);
        let blueprints = blueprints.get(kind).map(Vec::as_slice);
        tell(&Evidence { kind: *kind, owner, objects, blueprints })
    };
    Told { owners: owners.iter().enumerate().map(standing).collect(), notes }
}
