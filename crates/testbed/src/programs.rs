//! Where a server program comes from: a folder of the user's, the cache, an ordinary Go build, or a download by checksum.
//!
//! **Invariant:** a program found in the cache is whole: it is made under another name and then renamed, by one
//! process at a time.

mod build;
mod cache;
mod download;
mod recipe;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

pub use cache::cache_root;
pub(crate) use recipe::hex;
pub use recipe::{RECIPES, Recipe, modules, recipe};

/// Path of a program; builds or downloads it first if it is nowhere yet.
pub async fn program(name: &str) -> Result<PathBuf> {
    let name = name.to_owned();
    tokio::task::spawn_blocking(move || ensure(&name)).await?
}

/// Path of a program that is here already, without building anything.
pub fn present(name: &str) -> Result<Option<PathBuf>> {
    let recipe = recipe(name)?;
    if let Some(path) = cache::in_assets(name) {
        return Ok(Some(path));
    }
    let path = cache::place(recipe)?;
    Ok(path.is_file().then_some(path))
}

/// Like [`program`], for callers without a runtime; blocks while it builds.
pub fn ensure(name: &str) -> Result<PathBuf> {
    if let Some(path) = present(name)? {
        return Ok(path);
    }
    let recipe = recipe(name)?;
    let path = cache::place(recipe)?;
    let folder = path.parent().context("a cached program lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let _lock = cache::lock(folder, name)?;
    if !path.is_file() {
        if build::go_is_here() {
            build::go_build(recipe, &path)?;
        } else {
            download::install(recipe, &path)?;
        }
    }
    Ok(path)
}

/// The folder of the sources that a program's own module was built from, e.g. kwok's stage files.
pub async fn module_dir(module: &str) -> Result<PathBuf> {
    let module = module.to_owned();
    tokio::task::spawn_blocking(move || {
        let Some(recipe) = RECIPES.iter().find(|recipe| recipe.module == module) else {
            bail!("no module {module} below {}", modules().display());
        };
        build::source_dir(recipe)
    })
    .await?
}

/// The stage files that make kwok's nodes and Pods come to life at once.
pub async fn kwok_stages() -> Result<Vec<PathBuf>> {
    if !tokio::task::spawn_blocking(build::go_is_here).await? {
        return tokio::task::spawn_blocking(|| Ok(vec![download::kwok_stages()?])).await?;
    }
    let stages = module_dir("kwok").await?.join("kustomize/stage");
    let mut files = vec![
        stages.join("node/fast/node-initialize.yaml"),
        stages.join("node/heartbeat-with-lease/node-heartbeat-with-lease.yaml"),
    ];
    for name in ["pod-ready", "pod-complete", "pod-delete"] {
        files.push(stages.join(format!("pod/fast/{name}.yaml")));
    }
    Ok(files)
}

/// Tells the person in front of the terminal what takes so long. Tests capture `eprintln!`, so this writes past it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "portolan-testbed: {line}");
}
