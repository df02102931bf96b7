//! `portolan trace` on repositories made with real git: in a clone, a bare repository, a folder of a
//! work tree, and from a server.

#[path = "trace/lab.rs"]
mod lab;

use anyhow::{Context as _, Result, ensure};
use lab::{Lab, Told, long, passage, record};
use portolan_testbed::GitServer;

/// What every way of reading has to show of the first change.
fn is_the_first_change(told: &Told, lab: &Lab) -> Result<()> {
    ensure!(told.code == 0, "{told:?}");
    let story = told.json()?;
    let at = |pointer: &str| story.pointer(pointer).cloned().unwrap_or_default();
    ensure!(at("/passage") == passage(1), "{story:#}");
    ensure!(at("/path") == "apps/shop" && at("/workload") == "demo/shop", "{story:#}");
    ensure!(at("/source/commits/0/subject") == "version 1", "{story:#}");
    let arrivals = story["arrivals"].as_array().context("arrivals")?;
    let way: Vec<String> = arrivals
        .iter()
        .map(|arrival| {
            let text = |key: &str| arrival[key].as_str().unwrap_or("?").to_owned();
            let fate = arrival["fate"]["kind"].as_str().unwrap_or("?");
            let (branch, how, role) = (text("branch"), text("how"), text("role"));
            format!("{branch} {how} {role} {fate} {}", arrival["after"])
        })
        .collect();
    ensure!(
        way == [
            "staging-shop direct writer merged 10",
            "staging merge environment replaced 300",
            "production direct environment reverted 600",
        ],
        "{way:#?}"
    );
    ensure!(arrivals[1]["request"] == 7, "{story:#}");
    ensure!(arrivals[1]["commit"] == lab.commit("merge 1")?, "{story:#}");
    ensure!(arrivals[1]["verdict"]["verification"] == "demo/checks", "{story:#}");
    ensure!(arrivals[2]["fate"]["commit"] == lab.commit("revert")?, "{story:#}");
    ensure!(arrivals[2]["fate"]["author"] == "Ann", "{story:#}");
    Ok(())
}

#[test]
fn a_clone_a_bare_repository_and_a_folder_tell_the_same() -> Result<()> {
    let lab = Lab::new()?;
    let bare = lab.home().join("copy.git");
    lab.git_in(lab.home(), &["clone", "--quiet", "--bare", lab.tree_text()?, bare_text(&bare)?])?;
    let clone = lab.home().join("clone");
    lab.git_in(
        lab.home(),
        &["clone", "--quiet", "-b", "staging", lab.tree_text()?, bare_text(&clone)?],
    )?;
    let linked = lab.home().join("linked");
    lab.git_in(&clone, &["worktree", "add", "--quiet", "--detach", bare_text(&linked)?])?;
    // A branch here that has fallen behind: what the origin has counts.
    lab.git_in(&clone, &["branch", "-f", "--no-track", "production", lab.commit("start")?])?;
    for folder in [&bare, &clone, &clone.join("apps/shop"), &linked] {
        for what in [&passage(1)[..8], &lab.commit("merge 1")?[..7], &lab.commit("write 1")?[..9]] {
            let told = lab.trace(folder, &[what, "--json"])?;
            is_the_first_change(&told, &lab).with_context(|| format!("{what} {folder:?}"))?;
        }
    }
    let named = lab.trace(lab.home(), &[&passage(1), "--json", "-r", bare_text(&clone)?])?;
    is_the_first_change(&named, &lab)
}

fn bare_text(path: &std::path::Path) -> Result<&str> {
    path.to_str().context("odd path")
}

#[test]
fn a_person_sees_the_way() -> Result<()> {
    let lab = Lab::new()?;
    let told = lab.trace(lab.tree(), &[&long(1)[..10]])?;
    println!("{}", told.out);
    ensure!(told.code == 0 && !told.out.contains('\u{1b}'), "{told:?}");
    for part in [
        "apps/shop   passage ",
        "source https://git.example/team/shop",
        "● 111111111111  version 1 (Bo)",
        "merged by Ann, request #7",
        "verified in staging by demo/checks",
        "+10 min 0 s",
        "removed by Ann with ",
    ] {
        ensure!(told.out.contains(part), "no {part:?} in\n{}", told.out);
    }
    let newest = lab.trace(lab.tree(), &["shop"])?;
    println!("{}", newest.out);
    ensure!(newest.out.contains(&passage(2)[..12]), "{newest:?}");
    ensure!(newest.out.contains("still there"), "{newest:?}");
    let latest = lab.trace(lab.tree(), &["latest"])?;
    ensure!(latest.out == newest.out, "{latest:?}");
    let limited = lab.trace(lab.tree(), &["shop", "--json", "--branch", "staging"])?;
    ensure!(limited.json()?["arrivals"].as_array().map(Vec::len) == Some(2), "{limited:?}");
    Ok(())
}

/// Squashed with the branch deleted, edited there by a person; rebased onto another branch.
#[test]
fn squashes_rebases_and_edits_are_told() -> Result<()> {
    let lab = Lab::new()?;
    let writer = record(3, 3);
    lab.checkout("staging-shop")?;
    lab.git(&["reset", "--quiet", "--hard", "staging"])?;
    lab.write_change("write 3", &writer, 2010)?;
    lab.checkout("staging")?;
    lab.git(&["merge", "--quiet", "--squash", "staging-shop"])?;
    lab.commit_as("squash", ("Ann", 2020), "Write apps/shop (#9)\n\n* one commit\n")?;
    lab.write("apps/shop/deployment.yaml", b"by hand")?;
    lab.commit_as("edit", ("Cyd", 2030), "more memory")?;
    lab.git(&["checkout", "--quiet", "-b", "test", lab.commit("merge 2")?])?;
    lab.write("other", b"other")?;
    lab.commit_as("other", ("Ann", 2031), "something else")?;
    lab.git(&["cherry-pick", lab.commit("write 3")?])?;
    lab.git(&["branch", "-D", "staging-shop"])?;
    let told = lab.trace(lab.tree(), &[lab.commit("edit")?, "--json"])?;
    let story = told.json()?;
    ensure!(story["passage"] == passage(3), "{story:#}");
    let arrivals = story["arrivals"].as_array().context("arrivals")?;
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or("?").to_owned();
    let way: Vec<String> = arrivals
        .iter()
        .map(|one| format!("{} {}", text(one, "branch"), text(one, "how")))
        .collect();
    ensure!(way == ["staging squash", "test rebase"], "{story:#}");
    ensure!(arrivals[0]["request"] == 9, "{story:#}");
    ensure!(arrivals[0]["edits"][0]["author"] == "Cyd", "{story:#}");
    ensure!(arrivals[0]["edits"][0]["files"][0] == "deployment.yaml", "{story:#}");
    ensure!(arrivals[0]["fate"]["kind"] == "current", "{story:#}");
    Ok(())
}

#[test]
fn what_is_not_found_or_not_clear_is_said() -> Result<()> {
    let lab = Lab::new()?;
    let nothing = lab.trace(lab.tree(), &["abcdef0123"])?;
    ensure!(nothing.code == 1 && nothing.out.is_empty(), "{nothing:?}");
    for part in ["staging, staging-shop", "3 branches", "3 records", "git log", "apps/shop"] {
        ensure!(nothing.err.contains(part), "no {part:?} in\n{}", nothing.err);
    }
    let branch = lab.trace(lab.tree(), &["latest", "--branch", "nowhere"])?;
    ensure!(branch.code == 3 && branch.err.contains("there are production"), "{branch:?}");
    let nowhere = lab.trace(lab.home(), &["latest"])?;
    ensure!(nowhere.code == 3 && nowhere.err.contains("--repository"), "{nowhere:?}");
    let usage = lab.trace(lab.tree(), &["a\u{1b}b"])?;
    ensure!(usage.code == 2 && !usage.err.contains('\u{1b}'), "{usage:?}");
    Ok(())
}

#[test]
fn hostile_text_and_records_do_no_harm() -> Result<()> {
    let lab = Lab::new()?;
    lab.checkout("staging")?;
    lab.write("apps/evil/.portolan/passage", b"{\"writer\": 1}")?;
    lab.write("apps/huge/.portolan/passage", &vec![b' '; 17 << 20])?;
    let mut record = record(3, 1);
    record.writer = "a/b/\u{1b}[2Jc\u{202e}".into();
    record.hops = vec![portolan_api::record::Hop::default(); 100_000];
    lab.write("apps/wide/.portolan/passage", &record.write())?;
    lab.commit_as("odd", ("Ev\u{1b}[31mil", 900), "\u{9b}31m sub\u{7}ject")?;
    let told = lab.trace(lab.tree(), &["apps/wide"])?;
    ensure!(told.code == 0, "{told:?}");
    let odd = |text: &str| text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
    ensure!(!odd(&told.out), "{told:?}");
    let json = lab.trace(lab.tree(), &["apps/wide", "--json"])?;
    ensure!(json.code == 0 && !odd(&json.out), "{json:?}");
    let nothing = lab.trace(lab.tree(), &["apps/evil"])?;
    ensure!(nothing.code == 1 && nothing.err.contains("2 records do not read"), "{nothing:?}");
    Ok(())
}

#[test]
fn a_shallow_clone_says_so() -> Result<()> {
    let lab = Lab::new()?;
    let shallow = lab.home().join("shallow");
    let from = format!("file://{}", lab.tree_text()?);
    let args = ["clone", "--quiet", "--depth=1", "--no-single-branch", &from, bare_text(&shallow)?];
    lab.git_in(lab.home(), &args)?;
    let told = lab.trace(&shallow, &["shop"])?;
    ensure!(told.code == 0, "{told:?}");
    ensure!(told.out.contains("oldest commit at hand"), "{}", told.out);
    ensure!(told.out.contains("--unshallow"), "{}", told.out);
    Ok(())
}

#[tokio::test]
async fn a_server_tells_the_same_and_no_secret_is_shown() -> Result<()> {
    let lab = Lab::new()?;
    let server = GitServer::start().await?;
    server.create_repo("team/config").await?;
    let path = server.repo_path("team/config");
    lab.git_in(lab.tree(), &["push", "--quiet", "--all", bare_text(&path)?])?;
    server.set_credentials(Some(("me", "canary-password-1")));
    let url = server.url("team/config");
    let passage = passage(1);
    let ask = |args: &[&str], password: Option<&str>| {
        let args = [&[passage.as_str(), "--json", "-r", url.as_str()], args].concat();
        lab.trace_with(lab.home(), &args, password)
    };
    let refused = ask(&["--username", "me"], Some("canary-password-1"))?;
    ensure!(refused.code == 2 && refused.err.contains("--allow-http 127.0.0.1"), "{refused:?}");
    ensure!(server.seen().is_empty(), "{:?}", server.seen());
    let allow = ["--allow-http", "127.0.0.1"];
    let anonymous = ask(&allow, None)?;
    ensure!(anonymous.code == 3 && anonymous.err.contains("--username"), "{anonymous:?}");
    let user = [&allow[..], &["--username", "me"]].concat();
    let wrong = ask(&user, Some("canary-password-2"))?;
    ensure!(wrong.code == 3 && !wrong.err.contains("canary"), "{wrong:?}");
    let missing = ask(&user, None)?;
    ensure!(missing.code == 2 && missing.err.contains("PORTOLAN_GIT_PASSWORD"), "{missing:?}");
    for _ in 0..2 {
        let told = ask(&user, Some("canary-password-1"))?;
        is_the_first_change(&told, &lab)?;
        ensure!(!told.out.contains("canary") && !told.err.contains("canary"), "{told:?}");
    }
    let in_url = url.replace("http://", "https://me:canary-password-1@");
    let told = lab.trace(lab.home(), &["latest", "-r", &in_url])?;
    ensure!(told.code == 2 && !told.err.contains("canary"), "{told:?}");
    for help in [&["--help"][..], &["trace", "--help"]] {
        let told = lab.run(lab.home(), help, Some("canary-password-1"))?;
        ensure!(told.code == 0 && !told.out.contains("canary"), "{told:?}");
    }
    Ok(())
}

#[test]
fn kubectl_finds_it() -> Result<()> {
    let lab = Lab::new()?;
    let told = lab.program("kubectl-portolan", lab.tree(), &["trace", "latest"], None)?;
    ensure!(told.code == 0, "{told:?}");
    let help = lab.program("kubectl-portolan", lab.tree(), &["trace", "--help"], None)?;
    ensure!(help.out.contains("Usage: kubectl portolan trace"), "{help:?}");
    Ok(())
}
