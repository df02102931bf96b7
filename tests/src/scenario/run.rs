//! Runs a scenario and compares what came of it with its golden file.

use std::path::Path;

use anyhow::{Context, ensure};
use jiff::{SignedDuration, Timestamp};
use portolan_plan::choreography::{OwnerKind, report_blueprint};
use portolan_plan::object::ObjectKey;
use serde_json::{Map, Value, json};

use super::api_server::ApiServer;
use super::check;
use super::controller::{Controller, Moment};
use super::gather::{self, Order};
use super::kinds::ServedKinds;
use super::record;
use super::script::{Script, Step};
use crate::{golden, yaml};

/// When every scenario begins.
const START: &str = "2026-01-01T00:00:00Z";

/// By how much the clock moves where a step says nothing.
const PACE: SignedDuration = SignedDuration::from_secs(10);

/// Runs the scenario of a file.
pub fn run(path: &Path) -> anyhow::Result<()> {
    let script = Script::read(path)?;
    let mut stage = Stage::new(&script)?;
    let mut records = Vec::new();
    for step in &script.steps {
        let told =
            stage.play(step, &script).with_context(|| format!("in step {:?}", step.title))?;
        records.extend(told);
    }
    let text = format!(
        "# Made with UPDATE_GOLDEN=1 from {}.\n{}",
        path.file_name().unwrap_or_default().to_string_lossy(),
        yaml::print(&Value::Array(records))?.replace("\n- step:", "\n\n- step:")
    );
    golden::compare(&path.with_extension("golden"), &text)
}

/// The cluster and the controller of a scenario.
struct Stage {
    server: ApiServer,
    controller: Controller,
    now: Timestamp,
}

impl Stage {
    fn new(script: &Script) -> anyhow::Result<Self> {
        let mut kinds = ServedKinds::built_in();
        kinds.serve(&script.kinds);
        let controller = Controller {
            allow_cluster_scoped: script.allow_cluster_scoped,
            ..Controller::default()
        };
        Ok(Self { server: ApiServer::new(kinds)?, controller, now: START.parse()? })
    }

    /// Lets a step happen and reconciles; gives what the golden file says of it.
    fn play(&mut self, step: &Step, script: &Script) -> anyhow::Result<Vec<Value>> {
        let pace = match &step.now {
            Some(text) => text.parse().with_context(|| format!("reading the time {text:?}"))?,
            None => PACE,
        };
        self.now = self.now.checked_add(pace)?;
        for line in &step.delete {
            self.server.remove(line)?;
        }
        self.server.kinds.serve(&step.kinds);
        for object in &step.apply {
            self.server.change(object)?;
        }
        if step.restart {
            self.controller.normalised.clear();
        }
        let blueprints = self.report_blueprints()?;
        let owners = gather::owners(&self.server);
        let mut records = Vec::new();
        for owner in &owners {
            records.extend(self.reconcile(owner, step, owners.len() > 1)?);
        }
        if records.is_empty() {
            records.push(Map::from_iter([("step".to_owned(), json!(step.title))]));
        }
        if script.report_blueprints {
            records[0].insert("blueprints".into(), Value::Object(blueprints));
        }
        Ok(records.into_iter().map(Value::Object).collect())
    }

    /// Reconciles an owner as often as the step allows, then checks that it is at rest.
    fn reconcile(
        &mut self,
        owner: &ObjectKey,
        step: &Step,
        several: bool,
    ) -> anyhow::Result<Vec<Map<String, Value>>> {
        let moment = Moment { now: self.now, refused: &step.refuse, order: Order::Stored };
        let mut records = Vec::new();
        let mut told = Vec::new();
        for round in 1..=step.reconciles.max(1) {
            let before = (self.server.clone(), self.controller.clone());
            let found = self.controller.reconcile(&mut self.server, owner, moment)?;
            check::order_does_not_matter((&before.0, &before.1), owner, moment, &found)?;
            if let Some(status) = &found.status {
                check::is_acceptable(status)?;
            }
            ensure!(round == 1 || found.did_something(), "the step needs {} reconciles", round - 1);
            let mut record = record::reconcile(&found);
            record.insert("step".into(), json!(step.title));
            if several {
                record.insert("owner".into(), json!(format!("{}/{}", owner.kind, owner.name)));
            }
            records.push(record);
            told.extend(found.events);
        }
        check::is_at_rest((&self.server, &self.controller), owner, moment, &told)?;
        Ok(records)
    }

    /// Reports on all blueprints as their controller does; gives what changed.
    fn report_blueprints(&mut self) -> anyhow::Result<Map<String, Value>> {
        let mut changed = Map::new();
        for kind in [OwnerKind::Workload, OwnerKind::Deliverable] {
            for blueprint in gather::blueprints(&self.server, kind, Order::Stored)? {
                let exists = |key: &_| gather::template(&self.server, key).is_some();
                let report = report_blueprint(&blueprint, exists, self.now);
                if !report.changed {
                    continue;
                }
                let status = serde_json::to_value(&report.status)?;
                let line = format!("{}/{}", kind.blueprint_kind(), blueprint.name);
                let key = self.server.key(&line)?;
                check::is_acceptable(&status)?;
                self.server.set_status(&key, status.clone())?;
                changed.insert(line, status);
            }
        }
        Ok(changed)
    }
}
