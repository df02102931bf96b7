//! Gathering the evidence.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portolan_git::{Error, Options, RemoteRepository, Service, local};
use portolan_plan::trace::{Evidence, Seek, clean};

use super::place::Place;

/// Longest time that fetching and looking through a repository may take.
const DEADLINE: Duration = Duration::from_mins(15);

/// The name of the repository and what it shows; an error is for people.
pub(super) fn read(place: &Place, seek: Seek) -> Result<(String, Evidence), String> {
    match place {
        Place::Folder(folder) => {
            let read = local::trace(folder, &seek);
            let (found, evidence) = read.map_err(|error| error.to_string())?;
            Ok((clean(&found.to_string_lossy(), 300), evidence))
        }
        Place::Server(repository) => {
            let name = clean(&repository.shown_url(), 300);
            let evidence = ask(repository, seek).map_err(|error| format!("{name}: {error}"))?;
            Ok((name, evidence))
        }
    }
}

fn ask(repository: &RemoteRepository, seek: Seek) -> Result<Evidence, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot wait for a server: {error}"))?;
    // Kept until the worker has ended.
    let mut scratch = None;
    let cache = if let Some(cache) = cache() {
        cache
    } else {
        let folder = tempfile::tempdir()
            .map_err(|error| format!("no folder to fetch to: {error}; set XDG_CACHE_HOME"))?;
        scratch.insert(folder).path().to_owned()
    };
    let options = Options::new(cache)
        .map_err(|error| format!("this program does not know where it is: {error}"))?;
    runtime.block_on(async {
        let service = Service::new(Options { deadline: DEADLINE, ..options });
        let service = service.map_err(|error| error.to_string())?;
        service.trace(repository, seek).await.map_err(|error| hint(&error))
    })
}

/// The words of an error, with what to do about it here.
fn hint(error: &Error) -> String {
    match error {
        Error::AuthFailed { .. } => {
            format!("{error} (--username, and the password in PORTOLAN_GIT_PASSWORD)")
        }
        _ => error.to_string(),
    }
}

/// A folder of ours that can be written, so that the next call fetches only what is new.
fn cache() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let absolute = |path: &PathBuf| path.is_absolute();
    let base = folder("XDG_CACHE_HOME").filter(absolute);
    let base = base.or_else(|| Some(folder("HOME").filter(absolute)?.join(".cache")))?;
    let ours = base.join("portolan").join("trace");
    is_writable(&ours).then_some(ours)
}

fn is_writable(folder: &Path) -> bool {
    std::fs::create_dir_all(folder).is_ok() && tempfile::tempfile_in(folder).is_ok()
}
