//! The plain git server: credentials, hooks, history, and everything it can do wrong.

use std::path::PathBuf;
use std::time::Duration;

use portolan_testbed::{Fault, GitServer, How, git, tools, wait};
use tempfile::TempDir;

const AUTHOR: &str = "Jane <jane@example.test>";
const DEADLINE: Duration = Duration::from_mins(1);

/// A server with one repository that has one commit, and a clone of it.
struct Setting {
    server: GitServer,
    scratch: TempDir,
    first: String,
}

impl Setting {
    async fn new() -> Self {
        let server = GitServer::start().await.unwrap();
        server.create_repo("team/app").await.unwrap();
        let files: &[(&str, Option<&[u8]>)] = &[("a \"b\"/c.txt", Some(b"1\n")), ("d", Some(b"2"))];
        let first =
            server.commit("team/app", "main", files, "first\n\nbody", AUTHOR).await.unwrap();
        let setting = Self { server, scratch: tempfile::tempdir().unwrap(), first };
        let url = setting.server.url("team/app");
        setting.git_in(".", &["clone", "--quiet", &url, "tree"]).await.unwrap();
        setting
    }

    async fn git_in(&self, folder: &str, args: &[&str]) -> anyhow::Result<String> {
        let mut command = git(self.scratch.path());
        command.current_dir(self.scratch.path().join(folder)).args(args);
        tools::run(command).await
    }

    /// Commits something new in the clone and pushes it; what git said if it was refused.
    async fn push(&self) -> Result<(), String> {
        self.git_in("tree", &["commit", "--quiet", "--allow-empty", "-m", "more"]).await.unwrap();
        let pushed = self.git_in("tree", &["push", "origin", "HEAD:main"]).await;
        pushed.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn tip(&self) -> String {
        self.server.tip("team/app", "main").await.unwrap().unwrap()
    }

    async fn head(&self) -> String {
        self.git_in("tree", &["rev-parse", "HEAD"]).await.unwrap().trim().to_owned()
    }
}

#[tokio::test]
async fn pushes_need_the_right_credentials_and_a_hook_may_refuse_them() {
    let setting = Setting::new().await;
    setting.push().await.unwrap();
    assert_eq!(setting.tip().await, setting.head().await);

    setting.server.set_credentials(Some(("robot", "s3cret")));
    setting.server.clear_seen();
    let refusal = setting.push().await.unwrap_err();
    assert!(refusal.contains("uthentication failed"), "{refusal}");
    assert!(!setting.server.seen()[0].authorization);
    let url = setting.server.url("team/app").replace("http://", "http://robot:s3cret@");
    setting.git_in("tree", &["remote", "set-url", "origin", &url]).await.unwrap();
    setting.push().await.unwrap();
    assert!(setting.server.seen().iter().any(|seen| {
        seen.authorization && seen.method == "POST" && seen.path.ends_with("git-receive-pack")
    }));

    let before = setting.tip().await;
    let script = "#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n";
    for hook in ["pre-receive", "update"] {
        setting.server.set_hook("team/app", hook, script).await.unwrap();
        let refusal = setting.push().await.unwrap_err();
        assert!(refusal.contains("not on a Friday"), "{refusal}");
        assert_eq!(setting.tip().await, before);
        setting.server.remove_hook("team/app", hook).unwrap();
    }
    setting.push().await.unwrap();
}

#[tokio::test]
async fn faults_strike_as_told() {
    let setting = Setting::new().await;
    let server = &setting.server;
    server.inject(Fault::Status(503), "service=git-receive-pack", Some(1));
    let refusal = setting.push().await.unwrap_err();
    assert!(refusal.contains("503"), "{refusal}");
    setting.push().await.unwrap();

    // The push happens, only the client never learns of it.
    server.inject(Fault::LoseAnswer, "POST /team/app.git/git-receive-pack", Some(1));
    setting.push().await.unwrap_err();
    assert_eq!(setting.tip().await, setting.head().await);

    // Does not compress: half of it is not enough.
    let noise: Vec<u8> = (0..100_000_u64).map(|n| (n.pow(3) / 7919).to_le_bytes()[0]).collect();
    server.commit("team/app", "noise", &[("noise", Some(&noise))], "noise", AUTHOR).await.unwrap();
    server.inject(Fault::CutAfter(5_000), "POST /team/app.git/git-upload-pack", None);
    setting.git_in("tree", &["fetch"]).await.unwrap_err();
    server.clear_faults();
    setting.git_in("tree", &["fetch"]).await.unwrap();

    let other = GitServer::start().await.unwrap();
    other.set_credentials(Some(("x", "y")));
    server.inject(Fault::Redirect(other.base_url()), "info/refs", None);
    setting.git_in("tree", &["fetch"]).await.unwrap_err();
    assert!(other.seen()[0].path.starts_with("/team/app.git/info/refs?service="));
    server.clear_faults();

    server.inject(Fault::Hang, "", None);
    server.clear_seen();
    let hanging = setting.git_in("tree", &["fetch"]);
    let arrived = wait::until("the request that hangs", DEADLINE, async || server.seen().pop());
    tokio::select! {
        ended = hanging => unreachable!("git came back: {ended:?}"),
        arrived = arrived => assert_eq!(arrived.unwrap().method, "GET"),
    }
}

#[tokio::test]
async fn history_is_built_as_asked() {
    let setting = Setting::new().await;
    let server = &setting.server;
    let show = async |what: &str| server.git("team/app", &["show", what]).await;
    assert_eq!(show("main:a \"b\"/c.txt").await.unwrap(), "1\n");
    let author = server.git("team/app", &["log", "-1", "--format=%an <%ae> %s", "main"]).await;
    assert_eq!(author.unwrap().trim(), format!("{AUTHOR} first"));

    let commit = async |branch: &str, file: &str, bytes: Option<&[u8]>| {
        server.commit("team/app", branch, &[(file, bytes)], file, AUTHOR).await.unwrap()
    };
    let branch = async |name: &str, at: &str| {
        server.git("team/app", &["branch", "--force", name, at]).await.unwrap();
    };
    let removed = commit("main", "d", None).await;
    assert!(show("main:d").await.is_err());

    for (how, commits, parents) in [(How::Merge, 4, 2), (How::Squash, 3, 1), (How::Rebase, 3, 1)] {
        branch("into", &removed).await;
        branch("topic", &setting.first).await;
        commit("topic", "t", Some(b"t")).await;
        let tip = server.merge("team/app", "into", "topic", how).await.unwrap();
        assert_eq!(server.tip("team/app", "into").await.unwrap().as_deref(), Some(tip.as_str()));
        assert_eq!(show("into:t").await.unwrap(), "t");
        assert!(show("into:d").await.is_err(), "{how:?} keeps what was there");
        let list = async |args: &[&str]| {
            let listed = server.git("team/app", &[&["rev-list"], args].concat()).await.unwrap();
            listed.split_whitespace().count()
        };
        assert_eq!(list(&["into"]).await, commits, "{how:?}");
        assert_eq!(list(&["--parents", "-n", "1", "into"]).await, parents + 1, "{how:?}");

        server.revert("team/app", "into", &tip).await.unwrap();
        assert!(show("into:t").await.is_err(), "{how:?} reverted");
    }
    branch("into", &setting.first).await;
    let tip = server.merge("team/app", "into", "main", How::FastForward).await.unwrap();
    assert_eq!(tip, removed);
    commit("into", "x", Some(b"x")).await;
    commit("main", "y", Some(b"y")).await;
    assert!(server.merge("team/app", "into", "main", How::FastForward).await.is_err());

    let big = vec![b'x'; 3 << 20];
    std::fs::write(PathBuf::from(setting.scratch.path()).join("tree/big"), &big).unwrap();
    setting.git_in("tree", &["add", "big"]).await.unwrap();
    setting.git_in("tree", &["commit", "--quiet", "-m", "big"]).await.unwrap();
    setting
        .git_in("tree", &["-c", "http.postBuffer=65536", "push", "origin", "HEAD:big"])
        .await
        .unwrap();
    let size = server.git("team/app", &["cat-file", "-s", "big:big"]).await.unwrap();
    assert_eq!(size.trim(), big.len().to_string());
}
