//! Builds a server program with an ordinary `go build` of its own module.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, Result, bail};

use super::cache::whole;
use super::recipe::Recipe;
use super::say;
use crate::tools::{last_lines, output};

const HEARTBEAT: Duration = Duration::from_secs(15);

/// Whether a Go toolchain answers.
pub(super) fn go_is_here() -> bool {
    Command::new("go")
        .arg("version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Builds the recipe's program to `path`, telling how it goes.
pub(super) fn go_build(recipe: &Recipe, path: &Path) -> Result<()> {
    let name = recipe.program;
    say(&format!(
        "building {name} from {}; the first time about {} min on two cores",
        recipe.package, recipe.minutes
    ));
    let start = Instant::now();
    whole(path, |partial| {
        let log = path.with_file_name(format!("{name}.build.log"));
        let errors = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let mut go = command(recipe, partial);
        go.stdin(Stdio::null()).stdout(errors.try_clone()?).stderr(errors);
        let mut child = go.spawn().context("starting go build")?;
        let (done, ended) = mpsc::channel();
        let waiter = thread::spawn(move || {
            let status = child.wait();
            let _ = done.send(());
            status
        });
        while ended.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
            say(&format!("still building {name}: {} s", start.elapsed().as_secs()));
        }
        let Ok(status) = waiter.join() else { bail!("the thread waiting for go build panicked") };
        if !status.context("waiting for go build")?.success() {
            bail!(
                "go build of {name} in {} failed:\n{}",
                recipe.folder().display(),
                last_lines(&log, 20)
            );
        }
        let _ = fs::remove_file(&log);
        Ok(())
    })?;
    say(&format!("built {name} in {:.1} s", start.elapsed().as_secs_f32()));
    Ok(())
}

fn command(recipe: &Recipe, out: &Path) -> Command {
    let mut go = Command::new("go");
    go.current_dir(recipe.folder()).env("CGO_ENABLED", if recipe.cgo { "1" } else { "0" }).args([
        "build",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
    ]);
    if !recipe.tags.is_empty() {
        go.args(["-tags", recipe.tags]);
    }
    go.args(["-ldflags", recipe.ldflags]).arg("-o").arg(out).arg(recipe.package);
    go
}

/// The folder of the module that holds the recipe's package, fetched if only the built program was kept.
pub(super) fn source_dir(recipe: &Recipe) -> Result<PathBuf> {
    let module = required_module(recipe)?;
    let dir = || {
        let mut go = Command::new("go");
        go.current_dir(recipe.folder()).args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}"]);
        output(go.arg(&module)).map(|text| PathBuf::from(text.trim()))
    };
    let found = dir()?;
    if !found.as_os_str().is_empty() {
        return Ok(found);
    }
    output(Command::new("go").current_dir(recipe.folder()).args(["mod", "download", &module]))?;
    let found = dir()?;
    if found.as_os_str().is_empty() {
        bail!("go knows no folder of {module}, not even after `go mod download {module}`");
    }
    Ok(found)
}

fn required_module(recipe: &Recipe) -> Result<String> {
    let path = recipe.folder().join("go.mod");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    text.lines()
        .filter_map(|line| line.trim().trim_start_matches("require ").split_whitespace().next())
        .filter(|module| {
            let rest = recipe.package.strip_prefix(module);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .max_by_key(|module| module.len())
        .map(str::to_owned)
        .with_context(|| format!("{} requires no module of {}", path.display(), recipe.package))
}

#[cfg(test)]
mod tests {
    use super::super::recipe::recipe;
    use super::*;

    #[test]
    fn the_required_module_is_the_longest_prefix_of_the_package() {
        for (program, module) in [
            ("kwok", "sigs.k8s.io/kwok"),
            ("gitea", "code.gitea.io/gitea"),
            ("etcd", "go.etcd.io/etcd/server/v3"),
            ("crane", "github.com/google/go-containerregistry"),
        ] {
            assert_eq!(required_module(recipe(program).unwrap()).unwrap(), module);
        }
    }
}
