//! Every file below `scenarios` is one test.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut trials: Vec<Trial> = files(&root, "yaml")
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap_or(&path).with_extension("");
            Trial::test(name.to_string_lossy(), move || {
                portolan_tests::scenario::run(&path).map_err(|error| format!("{error:#}").into())
            })
        })
        .collect();
    trials.push(Trial::test("golden_files_belong_to_scenarios", move || left_over(&root)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A golden file whose scenario was renamed or removed proves nothing.
fn left_over(root: &Path) -> Result<(), Failed> {
    let lonely: Vec<_> = files(root, "golden")
        .into_iter()
        .filter(|path| !path.with_extension("yaml").exists())
        .map(|path| path.display().to_string())
        .collect();
    if lonely.is_empty() {
        return Ok(());
    }
    Err(format!("remove these golden files, they have no scenario: {}", lonely.join(", ")).into())
}

/// All files with an extension, in the order of their paths.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
        .into_iter()
        .flat_map(|path| match path.extension() {
            None => files(&path, extension),
            Some(found) if found == extension => vec![path],
            Some(_) => Vec::new(),
        })
        .collect()
}
