//! One reconcile of an owner, as the controller does it: gather, plan, execute, report.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{bail, ensure};
use jiff::Timestamp;
use portolan_api::labels;
use portolan_plan::choreography::{Outcome, Receipt, Subject, World, plan};
use portolan_plan::equal;
use portolan_plan::object::{self, ObjectKey, ServedKind};
use portolan_plan::outcome::{Again, Apply, Delete, Event, Expect, Identity};
use serde_json::Value;

use super::api_server::ApiServer;
use super::api_write::verb;
use super::gather::{self, Order};
use super::script::RefuseLine;

/// Most passes of one reconcile; more would mean that the plan never comes to rest.
const PASSES: usize = 50;

/// What the controller process remembers and was started with.
#[derive(Clone, Debug, Default)]
pub(super) struct Controller {
    /// Objects that the server normalised: UID and digest.
    pub(super) normalised: BTreeSet<(String, String)>,
    pub(super) allow_cluster_scoped: bool,
}

/// What the controller sees of the world outside its cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) now: Timestamp,
    pub(super) refused: &'a [RefuseLine],
    pub(super) order: Order,
}

/// What one reconcile did.
#[derive(Clone, Debug)]
pub(super) struct Reconcile {
    pub(super) writes: Vec<Write>,
    pub(super) status: Option<Value>,
    pub(super) events: Vec<Event>,
    pub(super) again: Again,
    pub(super) waiting: bool,
}

/// One write and the answer to it.
#[derive(Clone, Debug)]
pub(super) struct Write {
    /// `create`, `patch` or `delete`.
    pub(super) verb: &'static str,
    /// `Kind/name`.
    pub(super) object: String,
    pub(super) account: Identity,
    pub(super) answer: Answer,
}

/// What the API server answered.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// The object that was sent.
    Created(Value),
    /// The object before and after.
    Updated(Value, Value),
    Deleted,
    /// What kind of refusal, and what was said.
    Refused(String),
}

impl Reconcile {
    /// Whether a write was accepted, or anything reported.
    pub(super) fn did_something(&self) -> bool {
        let accepted = |write: &Write| !matches!(write.answer, Answer::Refused(_));
        self.status.is_some() || !self.events.is_empty() || self.writes.iter().any(accepted)
    }
}

impl Controller {
    /// Reconciles one owner until nothing is left to write, then reports.
    pub(super) fn reconcile(
        &mut self,
        server: &mut ApiServer,
        owner: &ObjectKey,
        moment: Moment<'_>,
    ) -> anyhow::Result<Reconcile> {
        let mut world = gather::world(server, self, owner, moment)?;
        let mut writes = Vec::new();
        for _ in 0..PASSES {
            let outcome = plan(&world);
            ensure!(outcome == plan(&world), "the same world has two plans: {world:?}");
            let nothing_to_write = outcome.applies.is_empty() && outcome.deletes.is_empty();
            if nothing_to_write || outcome.waiting {
                let Outcome { status, events, again, waiting, .. } = outcome;
                if let Some(status) = &status {
                    server.set_status(owner, status.clone())?;
                }
                return Ok(Reconcile { writes, status, events, again, waiting });
            }
            let Some(account) = &outcome.identity else { bail!("a plan writes as nobody") };
            ensure!(
                outcome.status.is_none() && outcome.events.is_empty(),
                "a plan reports before everything is written"
            );
            for apply in &outcome.applies {
                let answer = self.apply(server, &mut world, apply, moment.refused)?;
                writes.push(write(
                    verb(apply),
                    &apply.kind,
                    object::name(&apply.object),
                    account,
                    answer,
                ));
            }
            for delete in &outcome.deletes {
                let answer = remove(server, &mut world, delete, moment.refused);
                writes.push(write("delete", &delete.kind, &delete.name, account, answer));
            }
        }
        bail!("{} {} does not come to rest: {writes:#?}", owner.kind, owner.name)
    }

    fn apply(
        &mut self,
        server: &mut ApiServer,
        world: &mut World,
        apply: &Apply,
        refused: &[RefuseLine],
    ) -> anyhow::Result<Answer> {
        let digest =
            object::annotation(&apply.object, labels::APPLIED).unwrap_or_default().to_owned();
        let subject = Subject::Resource(apply.resource.clone());
        let written = match server.apply(apply, &world.owner, refused)? {
            Ok(written) => written,
            Err(refusal) => {
                let said = format!("{:?}: {}", refusal.kind, refusal.message);
                world.receipts.push((subject, Receipt::Refused { digest, refusal }));
                return Ok(Answer::Refused(said));
            }
        };
        // The digest was there already and the server keeps its own opinion about a leaf.
        let idle = matches!(apply.expect, Expect::Uid(_)) && !written.changed();
        if idle && !equal::holds(&apply.object, &written.after) {
            let seen = (object::uid(&written.after).to_owned(), digest.clone());
            self.normalised.insert(seen.clone());
            world.normalised.insert(seen);
        }
        let receipt = Receipt::Applied {
            object: qualified(&apply.kind, object::name(&apply.object)),
            digest,
            created: written.created(),
            changed: written.changed(),
        };
        world.receipts.push((subject, receipt));
        world.observed.insert(ObjectKey::of(&written.after), Arc::new(written.after.clone()));
        Ok(match written.before {
            None => Answer::Created(apply.object.clone()),
            Some(before) => Answer::Updated(before, written.after),
        })
    }
}

fn remove(
    server: &mut ApiServer,
    world: &mut World,
    delete: &Delete,
    refused: &[RefuseLine],
) -> Answer {
    let key = ObjectKey {
        group: delete.kind.gvk.group.clone(),
        kind: delete.kind.gvk.kind.clone(),
        namespace: delete.namespace.clone(),
        name: delete.name.clone(),
    };
    let subject = Subject::Orphan(key.clone());
    match server.delete(delete, refused) {
        Ok(()) => {
            let object = qualified(&delete.kind, &delete.name);
            world.receipts.push((subject, Receipt::Deleted { object }));
            world.observed.remove(&key);
            Answer::Deleted
        }
        Err(refusal) => {
            let said = format!("{:?}: {}", refusal.kind, refusal.message);
            world.receipts.push((subject, Receipt::Refused { digest: String::new(), refusal }));
            Answer::Refused(said)
        }
    }
}

fn write(
    verb: &'static str,
    kind: &ServedKind,
    name: &str,
    account: &Identity,
    answer: Answer,
) -> Write {
    let object = format!("{}/{name}", kind.gvk.kind);
    Write { verb, object, account: account.clone(), answer }
}

/// `deployments.apps/app`, as events name objects.
fn qualified(kind: &ServedKind, name: &str) -> String {
    format!("{}/{name}", kind.qualified())
}
