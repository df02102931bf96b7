//! Small commands around the servers: git and kubectl in a scratch home, and their output.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::AsyncWriteExt as _;

use crate::control_plane::ControlPlane;
use crate::programs;

/// A git command that sees nothing of this machine's git settings, identity or surrounding repository.
pub fn git(home: &Path) -> Command {
    let mut git = Command::new("git");
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"] {
        git.env_remove(name);
    }
    git.env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join(".config"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .stdin(Stdio::null());
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), "Testbed");
        git.env(format!("GIT_{role}_EMAIL"), "testbed@example.test");
    }
    git
}

/// Like [`git`], with a login at one server, which appears in no argument and no error.
pub fn git_as(home: &Path, url: &str, user: &str, password: &str) -> Command {
    let login = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let mut git = git(home);
    git.env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", format!("http.{url}.extraHeader"))
        .env("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {login}"));
    git
}

/// Runs the kubectl of the same version as the server, as its administrator; its standard output.
pub async fn kubectl(cluster: &ControlPlane, args: &[&str]) -> Result<String> {
    let home = cluster.dir().join("kubectl");
    let mut kubectl = Command::new(programs::program("kubectl").await?);
    kubectl
        .env("HOME", &home)
        .env("KUBECACHEDIR", home.join("cache"))
        .env("KUBECONFIG", cluster.kubeconfig())
        .args(args);
    run(kubectl).await
}

/// Runs a command to its end; its standard output, or an error with what it said.
pub fn output(command: &mut Command) -> Result<String> {
    let name = describe(command);
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {name}; is it installed?"))?;
    text(&name, &out)
}

/// Like [`output`], without blocking the runtime.
pub async fn run(command: Command) -> Result<String> {
    run_with(command, &[]).await
}

/// Like [`run`], with something on standard input.
pub async fn run_with(command: Command, input: &[u8]) -> Result<String> {
    let name = describe(&command);
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("running {name}; is it installed?"))?;
    let stdin = child.stdin.take();
    let send = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read is no error of ours.
            let _ = stdin.write_all(input).await;
        }
    };
    let ((), out) = tokio::join!(send, child.wait_with_output());
    text(&name, &out?)
}

fn text(name: &str, out: &Output) -> Result<String> {
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if !out.status.success() {
        let errors = String::from_utf8_lossy(&out.stderr);
        bail!("{name} failed ({}):\n{text}{}", out.status, errors.trim_end());
    }
    Ok(text)
}

/// A command's program and arguments as one line.
pub(crate) fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

/// The last lines of a log file, for error messages.
pub(crate) fn last_lines(path: &Path, count: usize) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
