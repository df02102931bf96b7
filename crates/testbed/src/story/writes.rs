//! What a round costs the API servers.

use std::time::Duration;

use anyhow::Result;

use crate::audit::{AuditEntry, Mark, writes_by_user};
use crate::landscape::{Landscape, Member};
use crate::wait::eventually;

/// Longest time an audit log may take, while its server comes and goes.
const DEADLINE: Duration = Duration::from_mins(3);

/// Counts the writes of the programs from one look to the next.
pub struct Counter<'l> {
    landscape: &'l Landscape,
    marks: Vec<Mark>,
}

impl<'l> Counter<'l> {
    /// Counts from now on.
    pub fn new(landscape: &'l Landscape) -> Self {
        let marks = landscape.members().map(|member| member.plane.audit().mark()).collect();
        Self { landscape, marks }
    }

    /// The writes since the last look: `build 11 (and 10 events), …`.
    pub async fn count(&mut self) -> Result<String> {
        let mut parts = Vec::new();
        for (member, mark) in self.landscape.members().zip(&mut self.marks) {
            let end = eventually("the audit log", DEADLINE, async || {
                member.plane.audit().settle().await.map(Some)
            })
            .await?;
            parts.push(written(member, *mark)?);
            *mark = end;
        }
        Ok(parts.join(", "))
    }
}

fn written(member: &Member, mark: Mark) -> Result<String> {
    let requests = member.plane.audit().requests(mark)?;
    let ours: Vec<AuditEntry> =
        requests.into_iter().filter(|entry| entry.user == member.user()).collect();
    let (mut objects, mut events) = (0, 0);
    for written in writes_by_user(&ours).values() {
        objects += written.objects;
        events += written.events;
    }
    Ok(format!("{} {objects} (and {events} events)", member.name()))
}
