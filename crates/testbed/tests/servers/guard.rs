//! No server outlives the process that started it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portolan_testbed::{Process, tools, wait};

const DEADLINE: Duration = Duration::from_mins(1);
const GUARD: &str = env!("CARGO_BIN_EXE_portolan-testbed");

/// Not there, or ended and not yet collected by whoever inherited it.
fn is_gone(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state
        .rsplit(')')
        .next()
        .is_none_or(|rest| rest.trim().is_empty() || rest.trim().starts_with('Z'))
}

async fn gone(pid: u32) {
    let what = format!("process {pid} to be gone");
    wait::until(&what, DEADLINE, async || is_gone(pid).then_some(())).await.unwrap();
}

/// A process of its own that holds a guarded program; the id of that program.
fn holder(folder: &Path, script: &str) -> (Child, u32) {
    let mut hold = Command::new(GUARD);
    hold.arg("hold").arg(folder.join("log")).args(["--", "sh", "-c", script]);
    let mut hold = hold.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(hold.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (hold, line.trim().parse().unwrap())
}

#[tokio::test]
async fn a_program_ends_when_its_parent_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hold, pid) = holder(folder.path(), "exec sleep 1000");
    assert!(!is_gone(pid));
    hold.kill().unwrap(); // SIGKILL: no destructor runs
    gone(pid).await;
    hold.wait().unwrap();
}

#[tokio::test]
async fn a_program_that_ignores_the_request_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let script = format!(
        "trap '' TERM; sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; while :; do wait; done",
        child.display()
    );
    let (mut hold, pid) = holder(folder.path(), &script);
    let child = wait::until("the grandchild", DEADLINE, async || {
        std::fs::read_to_string(&child).ok()?.trim().parse::<u32>().ok()
    })
    .await
    .unwrap();
    hold.kill().unwrap();
    gone(pid).await;
    gone(child).await;
    hold.wait().unwrap();
}

#[tokio::test]
async fn a_panic_ends_the_program_too() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let panicked = tokio::spawn(async move {
        let process = Process::spawn("sleep", sh("exec sleep 1000"), &log).await.unwrap();
        std::panic::panic_any(process.pid());
    });
    let panic = panicked.await.unwrap_err().into_panic();
    let pid = *panic.downcast::<u32>().unwrap();
    assert!(is_gone(pid), "dropping waits until the program is gone");
}

#[tokio::test]
async fn exit_codes_logs_and_signals_reach_the_parent() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let process =
        Process::spawn("fails", sh("echo first; echo last words >&2; exit 7"), &log).await.unwrap();
    assert_eq!(process.wait().await, 7);
    assert!(!process.is_running());
    let failure = process.ready(DEADLINE, async || false).await.unwrap_err().to_string();
    assert!(failure.contains("last words") && failure.contains("code 7"), "{failure}");

    let killed = Process::spawn("sleep", sh("exec sleep 1000"), &log).await.unwrap();
    assert!(killed.is_running());
    killed.kill_9().unwrap();
    assert_eq!(killed.wait().await, 128 + 9);
    killed.terminate().unwrap();

    let missing = Process::spawn("missing", Command::new("/no/such/program"), &log).await;
    let message = missing.unwrap_err().to_string();
    assert!(message.contains("missing did not start"), "{message}");
}

#[tokio::test]
async fn the_guard_ignores_an_interrupt_and_ends_the_program_when_its_input_closes() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let script = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let mut guard = Command::new(GUARD);
    guard.arg("guard").arg("--log").arg(&log).args(["--", "sh", "-c", script]);
    let mut guard = guard.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(guard.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pid: u32 = line.trim().parse().unwrap();
    wait::until("the trap to be set", DEADLINE, async || {
        std::fs::read_to_string(&log).ok()?.contains("ready").then_some(())
    })
    .await
    .unwrap();
    tools::output(Command::new("kill").args(["-INT", &guard.id().to_string()])).unwrap();
    // Delivered before its input closes, or the guard would end by the signal and not with the program's code.
    drop(guard.stdin.take());
    assert_eq!(guard.wait().unwrap().code(), Some(3));
    assert!(is_gone(pid));
}

fn sh(script: &str) -> Command {
    let mut sh = Command::new("sh");
    sh.args(["-c", script]);
    sh
}
