//! The forge: files through its API, clones over HTTP, protected branches, pull requests, outages.

use std::path::Path;

use http::Method;
use portolan_testbed::{Forge, Login, git, tools};
use serde_json::json;

/// The address with a user's name and password in it.
fn with_login(forge: &Forge, user: &str, repo: &str) -> String {
    forge.http_url("team", repo).replace("http://", &format!("http://{user}:Passw0rd!x@"))
}

async fn run(home: &Path, folder: &Path, args: &[&str]) -> anyhow::Result<String> {
    let mut command = git(home);
    command.current_dir(folder).args(args);
    tools::run(command).await
}

#[tokio::test]
async fn a_forge_serves_files_refuses_pushes_and_survives_an_outage() {
    let forge = Forge::start().await.unwrap();
    forge.create_user("jane", "Passw0rd!x").await.unwrap();
    forge.create_org("team").await.unwrap();
    forge.create_repo("team", "app", false).await.unwrap();
    forge.add_collaborator("team", "app", "jane", "write").await.unwrap();

    // An empty repository, then a change of every kind, then a new branch.
    assert_eq!(forge.branch_tip("team", "app", "main").await.unwrap(), None);
    let files: &[(&str, Option<&[u8]>)] = &[("a/one.txt", Some(b"1\n")), ("two.txt", Some(b"2\n"))];
    let first = forge.commit_files("team", "app", "main", files, "first").await.unwrap();
    let files: &[(&str, Option<&[u8]>)] =
        &[("a/one.txt", Some(b"\x00\xff")), ("two.txt", None), ("three.txt", Some(b"3\n"))];
    let second = forge.commit_files("team", "app", "main", files, "second").await.unwrap();
    assert_eq!(forge.branch_tip("team", "app", "main").await.unwrap(), Some(second.clone()));
    let read = async |path: &str| forge.read_file("team", "app", "main", path).await.unwrap();
    assert_eq!(read("a/one.txt").await.as_deref(), Some(b"\x00\xff" as &[u8]));
    assert_eq!(read("two.txt").await, None);
    let commits = forge.commits("team", "app", "main").await.unwrap();
    let ids: Vec<_> = commits.iter().filter_map(|commit| commit["sha"].as_str()).collect();
    assert_eq!(ids, [&second, &first]);
    let files: &[(&str, Option<&[u8]>)] = &[("four.txt", Some(b"4\n"))];
    let third = forge.commit_files("team", "app", "next", files, "third").await.unwrap();
    assert_eq!(forge.branch_tip("team", "app", "next").await.unwrap(), Some(third));

    // A clone with git, a push, and after protection a refusal.
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let url = with_login(&forge, "jane", "app");
    run(home, home, &["clone", "--quiet", &url, "tree"]).await.unwrap();
    let tree = home.join("tree");
    let push = async |message: &str| {
        run(home, &tree, &["commit", "--quiet", "--allow-empty", "-m", message]).await.unwrap();
        run(home, &tree, &["push", "--quiet", "origin", "HEAD:main"]).await
    };
    push("allowed").await.unwrap();
    let rule = json!({ "rule_name": "main", "enable_push": false });
    forge.protect_branch("team", "app", rule).await.unwrap();
    let refusal = push("refused").await.unwrap_err().to_string();
    assert!(refusal.contains("protected branch main"), "{refusal}");

    // A pull request by one, approved by another, with a token of narrow scope.
    let token = forge.create_token("jane", "Passw0rd!x", &["write:repository"]).await.unwrap();
    let request = json!({ "head": "next", "base": "main", "title": "Four" });
    let pulls = "/repos/team/app/pulls";
    let opened = forge.api_as(&Login::Token(token), Method::POST, pulls, Some(request)).await;
    let (code, pull) = opened.unwrap();
    assert_eq!(code, 201, "{pull}");
    let review = json!({ "event": "APPROVED", "body": "fine" });
    let path = format!("{pulls}/{}/reviews", pull["number"]);
    let (code, answer) = forge.api(Method::POST, &path, Some(review)).await.unwrap();
    assert_eq!(code, 200, "{answer}");

    let url = forge.base_url();
    forge.stop_server().await;
    assert!(forge.branch_tip("team", "app", "main").await.is_err());
    forge.start_server().await.unwrap();
    assert_eq!(forge.base_url(), url);
    assert!(forge.branch_tip("team", "app", "main").await.unwrap().is_some());
}
