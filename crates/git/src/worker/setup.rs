//! What a worker process does to itself before it does anything else.

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::error::Error;
use crate::options::Limits;

/// The oldest libgit2 without known holes (threat T-21).
const LIBGIT2: (u32, u32, u32) = (1, 9, 7);
/// Files beside the one that is written: indexes, references.
const SLACK: u64 = 64 << 20;

/// No core dumps, which would hold the credentials; no words on standard error, which may hold a
/// server's.
pub(super) fn process() {
    set(Resource::Core, 0);
    std::panic::set_hook(Box::new(|_| {}));
}

/// Caps on memory and on the size of files. A server that sends too much kills this process.
pub(super) fn limits(limits: &Limits) {
    set(Resource::Data, limits.memory);
    set(Resource::Fsize, limits.fetched.max(limits.archive_bytes) + SLACK);
}

fn set(resource: Resource, bytes: u64) {
    // Where the process may not have so much already, the lower limit stays.
    let _ = setrlimit(resource, Rlimit { current: Some(bytes), maximum: Some(bytes) });
}

/// Whether the library is one that we know.
pub(super) fn check_library() -> Result<(), Error> {
    let version = git2::Version::get().libgit2_version();
    if version < LIBGIT2 {
        let (major, minor, patch) = version;
        return Err(Error::worker(format!(
            "has libgit2 {major}.{minor}.{patch}, which is too old"
        )));
    }
    Ok(())
}
