//! The project's programs, as they were built beside the tests.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// The folder that has the programs: the one above the running test's.
///
/// # Errors
///
/// When a program of the image is not there.
pub fn folder() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("a test lies two folders deep")?;
    for program in portolan_testbed::image::PROGRAMS {
        ensure!(
            folder.join(program).is_file(),
            "{program} is not in {}: run `cargo build --workspace --bins`, or use make",
            folder.display()
        );
    }
    Ok(folder.to_owned())
}
