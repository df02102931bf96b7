//! The workspace as cargo and the file system show it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// The prefix of our own crates.
const OURS: &str = "portolan-";

/// A crate of the workspace.
#[derive(Clone, Debug)]
pub struct Member {
    /// Name without the prefix that all have.
    pub name: String,
    /// The folder of its Cargo.toml.
    pub folder: PathBuf,
    /// What Cargo.toml says it is.
    pub description: Option<String>,
    /// Our own crates that it uses.
    pub edges: Vec<Edge>,
}

/// One of our crates uses another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The crate that is used, without the prefix.
    pub to: String,
    /// Whether only tests use it.
    pub dev: bool,
}

/// What `cargo metadata` knows.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Our crates, by name.
    pub members: Vec<Member>,
    /// The features of every package as they are resolved for the whole workspace.
    pub features: BTreeMap<String, BTreeSet<String>>,
}

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

impl Workspace {
    /// Asks cargo.
    pub fn read() -> anyhow::Result<Self> {
        // For this machine alone: packages of other platforms need not be downloaded.
        let version = cargo(&["-vV"])?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("cargo -vV names no host")?;
        let text = cargo(&["metadata", "--format-version", "1", "--filter-platform", host])?;
        let metadata: Value = serde_json::from_str(&text).context("reading cargo metadata")?;
        let packages = list(&metadata["packages"]);
        let ids: BTreeSet<&str> =
            list(&metadata["workspace_members"]).iter().filter_map(Value::as_str).collect();
        let mut members: Vec<Member> = packages
            .iter()
            .filter(|package| package["id"].as_str().is_some_and(|id| ids.contains(id)))
            .map(member)
            .collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let names: BTreeMap<&str, &str> = packages
            .iter()
            .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
            .collect();
        let mut features: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            let Some(name) = node["id"].as_str().and_then(|id| names.get(id)) else { continue };
            let of_node = list(&node["features"]).iter().filter_map(Value::as_str);
            features.entry((*name).to_owned()).or_default().extend(of_node.map(str::to_owned));
        }
        Ok(Self { members, features })
    }

    /// A crate by its name without the prefix.
    pub fn member(&self, name: &str) -> anyhow::Result<&Member> {
        let found = self.members.iter().find(|member| member.name == name);
        found.with_context(|| format!("the workspace has no crate {OURS}{name}"))
    }
}

/// Names of all packages that a crate of ours is built from, tests and build scripts aside.
///
/// `cargo metadata` adds up the features that all crates together ask for; `cargo tree` resolves
/// those of this crate alone.
pub fn closure(name: &str) -> anyhow::Result<BTreeSet<String>> {
    let package = format!("{OURS}{name}");
    let tree = ["tree", "--offline", "-p", &package, "-e", "normal", "--prefix", "none"];
    let text = cargo(&tree)?;
    Ok(text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// All Rust files below a folder, in the order of their paths.
pub fn sources(folder: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries =
                std::fs::read_dir(&path).with_context(|| format!("listing {}", path.display()))?;
            waiting.extend(entries.flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("reading {}", path.display()))?;
            files.push((path, text));
        }
    }
    files.sort();
    Ok(files)
}

fn member(package: &Value) -> Member {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    let edges = list(&package["dependencies"])
        .iter()
        .filter_map(|dependency| {
            let to = dependency["name"].as_str()?.strip_prefix(OURS)?.to_owned();
            Some(Edge { to, dev: dependency["kind"] == "dev" })
        })
        .collect();
    Member {
        name: text("name").strip_prefix(OURS).unwrap_or(text("name")).into(),
        folder: Path::new(text("manifest_path"))
            .parent()
            .map_or_else(PathBuf::new, Path::to_path_buf),
        description: package["description"].as_str().map(str::to_owned),
        edges,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Runs the cargo that runs this test.
fn cargo(arguments: &[&str]) -> anyhow::Result<String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(&program)
        .args(arguments)
        .current_dir(root())
        .output()
        .with_context(|| format!("running {}", Path::new(&program).display()))?;
    if !output.status.success() {
        bail!("cargo {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
