//! What maintainers do on the forge, through its API.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use portolan_testbed::Forge;
use portolan_testbed::forge::{Merge, RequestState};
use portolan_testbed::landscape::{CONFIG, TEAM};
use portolan_testbed::wait::until;
use serde_json::{Value, json};

use crate::world::DEADLINE;

/// A call that has to succeed, below the configuration repository.
pub async fn call(forge: &Forge, method: Method, path: &str, body: Value) -> Result<Value> {
    let path = format!("/repos/{TEAM}/{CONFIG}{path}");
    let body = Some(body).filter(|body| !body.is_null());
    let (code, answer) = forge.api(method.clone(), &path, body).await?;
    ensure!((200..300).contains(&code), "{method} {path}: {code} {answer}");
    Ok(answer)
}

/// All requests from one branch to another, the newest first. The label keeps the branch's name when the
/// branch is gone.
pub async fn requests(forge: &Forge, branch: &str, base: &str) -> Result<Vec<Value>> {
    let mut found = forge.requests(TEAM, CONFIG).await?;
    found.retain(|request| request["head"]["label"] == branch && request["base"]["ref"] == base);
    Ok(found)
}

/// Waits for an open request between two branches whose head is not another's.
pub async fn open_request(forge: &Forge, branch: &str, base: &str) -> Result<Value> {
    until(&format!("an open request from {branch} to {base}"), DEADLINE, async || {
        let all = requests(forge, branch, base).await.ok()?;
        all.into_iter().find(|request| request["state"] == "open")
    })
    .await
}

/// Opens a request as a maintainer does.
pub async fn open(forge: &Forge, branch: &str, base: &str, title: &str) -> Result<i64> {
    let body = json!({"head": branch, "base": base, "title": title});
    let request = call(forge, Method::POST, "/pulls", body).await?;
    request["number"].as_i64().context("it has a number")
}

/// Merges a request as an administrator may; tries again while the forge still checks it.
pub async fn merge(forge: &Forge, number: i64, style: &str, delete_branch: bool) -> Result<()> {
    let how = Merge { style, delete_branch, head: None };
    let request = forge.merge(&forge.admin(), TEAM, CONFIG, number.try_into()?, &how).await?;
    ensure!(request.state == RequestState::Merged, "it is closed: {request:?}");
    Ok(())
}

/// Closes a request without merging it.
pub async fn close(forge: &Forge, number: i64) -> Result<()> {
    call(forge, Method::PATCH, &format!("/pulls/{number}"), json!({"state": "closed"})).await?;
    Ok(())
}
