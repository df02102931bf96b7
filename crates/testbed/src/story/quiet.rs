//! What the programs ask for while nothing changes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::try_join_all;

use crate::audit::AuditEntry;
use crate::landscape::{Landscape, Member};

/// Most reads of one Secret in that time: a credential may be read anew once it is old, and it is old
/// after minutes.
const READS: usize = 2;

/// Waits while nothing changes and counts what each program asks all the same, besides watches, leases
/// and the few reads of Secrets that are due.
pub async fn quiet(
    landscape: &Landscape,
    time: Duration,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Vec<(String, usize)>> {
    try_join_all(landscape.members().map(settle)).await?;
    let seconds = time.as_secs();
    say(&format!("nothing changes for {seconds} s; git is polled every 2 s"));
    let mut marks = Vec::new();
    for member in landscape.members() {
        marks.push(member.plane.audit().settle().await?);
    }
    tokio::time::sleep(time).await;
    let mut counts = Vec::new();
    for (member, mark) in landscape.members().zip(marks) {
        let (asked, secrets) = asked(member, mark).await?;
        for entry in asked.iter().chain(&secrets) {
            say(&format!("{} asked {} {}", member.name(), entry.verb, entry.path));
        }
        for (secret, reads) in by_path(&secrets) {
            ensure!(reads <= READS, "{} read {secret} {reads} times in {seconds} s", member.name());
        }
        counts.push((member.name().to_owned(), asked.len()));
    }
    Ok(counts)
}

/// Waits until two seconds pass without a request: what the last change set in motion has come to rest.
async fn settle(member: &Member) -> Result<()> {
    for _ in 0..60 {
        let mark = member.plane.audit().settle().await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        if asked(member, mark).await?.0.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Requests of a member's program since a mark, besides watches and leases; reads of Secrets apart.
async fn asked(member: &Member, mark: crate::Mark) -> Result<(Vec<AuditEntry>, Vec<AuditEntry>)> {
    let audit = member.plane.audit();
    audit.settle().await?;
    let requests = audit.requests(mark)?;
    Ok(requests
        .into_iter()
        .filter(|entry| entry.user == member.user())
        .filter(|entry| !entry.is_watch() && !entry.is_lease())
        .partition(|entry| !(entry.resource == "secrets" && entry.verb == "get")))
}

/// How often each path was asked for.
fn by_path(entries: &[AuditEntry]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        *counts.entry(entry.path.as_str()).or_default() += 1;
    }
    counts
}
