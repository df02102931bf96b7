//! `portolan trace`: the way of a change, told from a repository alone.

mod ask;
mod nothing;
mod picture;
mod place;
mod read;
mod words;

use std::process::ExitCode;

use clap::Args;
use portolan_plan::trace::{Found, Query, Seek, Story, clean, find, tell};

use self::place::Place;
use crate::paint::{Paint, print};
use crate::say;

/// Nothing was found.
const NOTHING: u8 = 1;
/// Several changes may be meant, or the arguments do not read.
const UNCLEAR: u8 = 2;
/// The repository cannot be looked through.
const TROUBLE: u8 = 3;

/// Exit codes: 0 told, 1 nothing found, 2 several changes may be meant or the arguments do not read,
/// 3 the repository cannot be read.
#[derive(Args)]
#[command(after_long_help = "Examples:
  portolan trace latest                     in a clone of the configuration repository
  portolan trace shop                       the newest change of the application shop
  portolan trace 7c6310f8                   a passage, a configuration commit or a source commit
  portolan trace 7c6310f8 --repository https://git.example/team/config --username me

Exit codes:
  0  told   1  nothing found   2  several changes may be meant, or the arguments do not read
  3  the repository cannot be read")]
pub(crate) struct Arguments {
    /// What to trace: a passage, a configuration commit or a source commit by at least 6 digits of its
    /// id; an application by its path or name (its newest change); or `latest`
    #[arg(value_name = "WHAT")]
    what: String,

    /// The configuration repository: a folder in it, or its url. A clone is as old as its last fetch
    #[arg(long, short, value_name = "URL|PATH", default_value = ".")]
    repository: String,

    /// Look through this branch only; may be given again
    #[arg(long, short, value_name = "NAME")]
    branch: Vec<String>,

    /// Only what was first written in this directory, where several have the same name or id
    #[arg(long, value_name = "DIRECTORY")]
    path: Option<String>,

    /// Print the story as JSON
    #[arg(long)]
    json: bool,

    /// User for a url; the password or token comes from the environment: PORTOLAN_GIT_PASSWORD
    #[arg(long, value_name = "USER")]
    username: Option<String>,

    /// Hosts, with or without a port, that may be asked over http
    #[arg(long, value_delimiter = ',', value_name = "HOST")]
    allow_http: Vec<String>,
}

/// Traces.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match trace(arguments) {
        Ok(code) => ExitCode::from(code),
        Err((code, message)) => {
            say(&format!("error: {}", clean(&message, 2000)));
            ExitCode::from(code)
        }
    }
}

/// The exit code, or one with the words to say.
type Outcome = Result<u8, (u8, String)>;

fn trace(arguments: &Arguments) -> Outcome {
    let unclear = |message: String| (UNCLEAR, message);
    let query = Query::read(&arguments.what).map_err(|error| unclear(error.to_string()))?;
    let place = Place::new(arguments).map_err(unclear)?;
    let seek =
        Seek { commit: query.commit().map(str::to_owned), branches: arguments.branch.clone() };
    let (name, evidence) = read::read(&place, seek).map_err(|error| (TROUBLE, error))?;
    let path = arguments.path.as_deref().map(|path| path.trim_end_matches('/'));
    match find(&evidence, &query, path) {
        Found::One(candidate) => show(&tell(&evidence, &candidate), arguments.json),
        Found::Many(candidates) => {
            say(&ask::text(&arguments.what, &candidates));
            Ok(UNCLEAR)
        }
        Found::Nothing => {
            say(&nothing::text(&arguments.what, &name, &evidence));
            Ok(NOTHING)
        }
    }
}

fn show(story: &Story, json: bool) -> Outcome {
    let text = if json {
        let text = serde_json::to_string_pretty(story);
        text.map_err(|error| (TROUBLE, format!("the story cannot be printed: {error}")))? + "\n"
    } else {
        picture::picture(story, Paint::of_output())
    };
    print(&text);
    Ok(0)
}
