//! What the clusters' accounts may do on the forge, and what they did.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use http::Method;
use portolan_testbed::landscape::{Landscape, Member, TEAM};
use portolan_testbed::{Login, tools};
use serde_json::Value;

/// Name and password of a cluster's account, as its Secret has them.
fn account(member: &Member) -> Result<(String, String)> {
    let secret = member.git_secret("git", None);
    let text = |key: &str| secret["stringData"][key].as_str().map(str::to_owned);
    Ok((text("username").context("a user")?, text("password").context("a password")?))
}

/// Calls the forge's API with a cluster's account.
pub async fn call_as(
    landscape: &Landscape,
    member: &Member,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<(u16, Value)> {
    let (user, password) = account(member)?;
    landscape.forge.api_as(&Login::Password(user, password), method, path, body).await
}

/// What a cluster's account may do with a repository: `none`, `read`, `write` or `admin`.
pub async fn permission(
    landscape: &Landscape,
    member: &Member,
    repository: &str,
) -> Result<&'static str> {
    let path = format!("/repos/{TEAM}/{repository}");
    let (code, answer) = call_as(landscape, member, Method::GET, &path, None).await?;
    if code == 404 {
        return Ok("none");
    }
    ensure!(code == 200, "{path} as {}: {code} {answer}", member.name());
    let has = |name: &str| answer["permissions"][name] == true;
    Ok(match (has("admin"), has("push"), has("pull")) {
        (true, _, _) => "admin",
        (_, true, _) => "write",
        (_, _, true) => "read",
        _ => "none",
    })
}

/// Tries to push a commit with one more file to a branch with a cluster's credentials, as whoever took
/// them would; returns what the forge said against it.
pub async fn refusal(
    landscape: &Landscape,
    member: &Member,
    repository: &str,
    branch: &str,
    file: &str,
) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let git = async |arguments: &[&str]| -> Result<String> {
        let mut git = tools::git(folder.path());
        git.current_dir(folder.path()).args(arguments);
        tools::run(git).await
    };
    let url = |(user, password): (&str, &str)| {
        let url = landscape.forge.http_url(TEAM, repository);
        url.replacen("http://", &format!("http://{user}:{password}@"), 1)
    };
    git(&["clone", "-q", "-b", branch, &url(landscape.developer()), "clone"]).await?;
    let path = folder.path().join("clone").join(file);
    std::fs::create_dir_all(path.parent().context("the file is in a folder")?)?;
    std::fs::write(&path, "planted\n")?;
    git(&["-C", "clone", "add", "."]).await?;
    git(&["-C", "clone", "commit", "-q", "-m", "Planted"]).await?;
    let (user, password) = account(member)?;
    let goal = format!("HEAD:refs/heads/{branch}");
    match git(&["-C", "clone", "push", &url((&user, &password)), &goal]).await {
        Ok(_) => anyhow::bail!("{} pushed {file} to {repository} {branch}", member.name()),
        Err(error) => Ok(error.to_string()),
    }
}

/// Who pushed to which branch of a repository, as the forge has it.
pub async fn pushes(landscape: &Landscape, repository: &str) -> Result<BTreeSet<(String, String)>> {
    let mut pushes = BTreeSet::new();
    for page in 1.. {
        let path = format!("/repos/{TEAM}/{repository}/activities/feeds?limit=50&page={page}");
        let (code, answer) = landscape.forge.api(Method::GET, &path, None).await?;
        let some = answer.as_array().filter(|_| code == 200);
        let some = some.with_context(|| format!("{path}: {code} {answer}"))?;
        if some.is_empty() {
            break;
        }
        for activity in some.iter().filter(|activity| activity["op_type"] == "commit_repo") {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            pushes.insert((text(&activity["act_user"]["login"]), text(&activity["ref_name"])));
        }
    }
    Ok(pushes)
}
