//! The plan of one owner: all resources in blueprint order, then the whole new status.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::sync::Arc;

use portolan_api::choreography::status::{ObjectReference, ResourceStatus};
use portolan_api::condition::{ConditionStatus, Decided, Generation, find, timed};
use serde_json::{Value, json};

use super::blueprint::{Blueprint, BlueprintResource};
use super::conditions::{self, Level};
use super::entry::Entry;
use super::inputs::{Inputs, Offers};
use super::outputs;
use super::owner::Owner;
use super::resource::{self, Choice, Standing};
use super::resource_error::ResourceError;
use super::selection::Selection;
use super::world::{KindState, Refusal, RefusalKind, WatchState, World};
use super::{events, orphans, readiness, rollup};
use crate::object::{Gvk, ObjectKey};
use crate::outcome::{Again, Apply, Delete, Event, Identity};

/// What one look at an owner comes to. While `applies` or `deletes` hold anything, write them, put
/// what came of it into the world and plan again; `status` and `events` are for the last look.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Objects to apply.
    pub applies: Vec<Apply>,
    /// Objects to delete.
    pub deletes: Vec<Delete>,
    /// The account as which both are done.
    pub identity: Option<Identity>,
    /// The whole new status, where it differs from the stored one.
    pub status: Option<Value>,
    /// Events, where status is final; where some kinds are awaited, those about writes so far.
    pub events: Vec<Event>,
    /// When to look again.
    pub again: Again,
    /// Kinds the owner stamps, which have to be watched.
    pub kinds: BTreeSet<Gvk>,
    /// True: some of these kinds are not in the cache yet; look again once they are.
    pub waiting: bool,
}

impl Outcome {
    fn nothing() -> Self {
        Self {
            applies: Vec::new(),
            deletes: Vec::new(),
            identity: None,
            status: None,
            events: Vec::new(),
            again: Again::OnChange,
            kinds: BTreeSet::new(),
            waiting: false,
        }
    }
}

/// The account an owner's objects are stamped as (section 12.1).
pub fn account(owner: &Owner, blueprint: &Blueprint) -> Identity {
    let by_blueprint = blueprint.account.as_ref().filter(|account| !account.name.is_empty());
    let (name, namespace) = match (&owner.service_account, by_blueprint) {
        (Some(name), _) => (name.as_str(), None),
        (None, Some(account)) => (account.name.as_str(), account.namespace.as_deref()),
        (None, None) => ("default", None),
    };
    let namespace = namespace.filter(|namespace| !namespace.is_empty());
    Identity { namespace: namespace.unwrap_or(&owner.namespace).into(), name: name.into() }
}

/// Plans one owner. Total and deterministic.
pub fn plan(world: &World) -> Outcome {
    let owner = &world.owner;
    if owner.terminating {
        return Outcome::nothing();
    }
    let blueprint = match &world.selection {
        Selection::One(blueprint) => blueprint,
        Selection::Broken(details) => return unserved(world, None, details, None),
        other => {
            let condition = conditions::selection(owner, other);
            return unserved(world, condition, &[], conditions::advice(owner, other));
        }
    };
    let templates = readiness::templates_ready(blueprint, |key| world.templates.contains_key(key));
    if templates.status != ConditionStatus::True {
        let type_ = owner.kind.blueprint_ready();
        let condition = Decided::no(type_, templates.reason, templates.message);
        let missing: Vec<String> = blueprint
            .templates()
            .filter(|(_, key)| !world.templates.contains_key(key))
            .map(|(_, key)| format!("{} {}", key.kind.name(), key.name))
            .collect();
        let hint = Some(format!("create {}", missing.join(", ")));
        let story = Story { hint, ..Story::default() };
        return report(world, Some(blueprint), vec![condition], None, story);
    }
    let served = Decided::yes(owner.kind.blueprint_ready(), "Ready", "");
    let identity = account(owner, blueprint);
    let well_formed = is_name(&identity.name) && is_name(&identity.namespace);
    if !world.account_exists || !well_formed {
        let missing = conditions::account_missing(&identity.namespace, &identity.name);
        let account = format!("{}/{}", identity.namespace, identity.name);
        let hint = if well_formed {
            format!("create ServiceAccount {account}")
        } else {
            format!("name another ServiceAccount: none can be called {account}")
        };
        let story = Story { hint: Some(hint), ..Story::default() };
        return report(world, Some(blueprint), vec![served, missing], None, story);
    }
    Pass::new(world, blueprint).run(identity, served)
}

/// The report of an owner that no blueprint serves: what it stamped before stays as it is.
fn unserved(
    world: &World,
    condition: Option<Decided>,
    details: &[String],
    hint: Option<String>,
) -> Outcome {
    let story = Story { details, hint };
    report(world, None, condition.into_iter().collect(), None, story)
}

/// Whether a name can be that of a ServiceAccount or a namespace; an identity that is empty or
/// malformed is never used (threat T-05).
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.'])
}

/// All resources of a blueprint, looked at once in order.
struct Pass<'w> {
    world: &'w World,
    blueprint: &'w Blueprint,
    offers: Offers,
    entries: Vec<Entry>,
    /// Resources whose offers this pass cannot know: they, or what they wait for, are to be written.
    unknown: BTreeSet<&'w str>,
    claimed: BTreeMap<ObjectKey, &'w str>,
    applies: Vec<Apply>,
    kinds: BTreeSet<Gvk>,
    waiting: bool,
}

impl<'w> Pass<'w> {
    fn new(world: &'w World, blueprint: &'w Blueprint) -> Self {
        Self {
            world,
            blueprint,
            offers: Offers::new(),
            entries: Vec::new(),
            unknown: BTreeSet::new(),
            claimed: BTreeMap::new(),
            applies: Vec::new(),
            kinds: BTreeSet::new(),
            waiting: false,
        }
    }

    fn run(mut self, identity: Identity, served: Decided) -> Outcome {
        for resource in &self.blueprint.resources {
            self.look_at(resource);
        }
        self.remember();
        let base = Outcome {
            identity: Some(identity),
            kinds: self.kinds,
            waiting: self.waiting,
            ..Outcome::nothing()
        };
        if self.waiting {
            // The next reconcile will not know what was written in this one.
            let events = events::of_receipts(self.world);
            return Outcome { applies: self.applies, events, ..base };
        }
        if !self.applies.is_empty() {
            return Outcome { applies: self.applies, ..base };
        }
        let (world, entries) = (self.world, self.entries);
        let owner = &world.owner;
        let statuses: Vec<ResourceStatus> =
            entries.iter().map(|entry| entry.status(owner, self.blueprint, world.now)).collect();
        let ready = statuses.iter().all(|status| {
            find(&status.conditions, "Ready").is_some_and(|c| c.status == ConditionStatus::True)
        });
        let deletes =
            if ready { orphans::deletes(world, self.blueprint, &entries) } else { Vec::new() };
        if !deletes.is_empty() {
            return Outcome { deletes, ..base };
        }
        let health: Vec<Option<Decided>> =
            entries.iter().map(|entry| entry.healthy(owner.previous(&entry.name))).collect();
        // The first failing resource decides what the owner says of submission.
        let failing = entries.iter().zip(&health).find(|(entry, _)| entry.error.is_some());
        let submission = failing.map_or_else(
            || conditions::submitted(Level::Owner, false),
            |(entry, health)| {
                entry.submission(Level::Owner, owner, self.blueprint, health.as_ref())
            },
        );
        let errors: Vec<&ResourceError> =
            entries.iter().filter_map(|entry| entry.error.as_ref()).collect();
        let healthy = rollup::healthy(health.iter().flatten());
        // Advice belongs to the error that `Ready` tells of; bad health hides it.
        let told = errors.first().filter(|_| healthy.status != ConditionStatus::False);
        let story = Story { hint: told.and_then(|error| error.hint()), ..Story::default() };
        let decided = vec![served, submission, healthy];
        let found = Found {
            entries: &entries,
            orphans: orphans::told(world, self.blueprint, &entries, &statuses),
            statuses,
        };
        let report = report(world, Some(self.blueprint), decided, Some(found), story);
        let left_over = orphans::refused(world).map(|_| Again::BackOff);
        let again = errors.iter().map(|error| error.again()).chain(left_over);
        let again = again.fold(Again::OnChange, Again::sooner);
        Outcome { status: report.status, events: report.events, again, ..base }
    }

    /// Has kinds watched of which objects may be left from resources that are gone.
    fn remember(&mut self) {
        for gvk in orphans::remembered(self.world) {
            let state = self.world.kinds.lookup(&gvk);
            self.waiting |= matches!(state, KindState::Served(_, WatchState::Pending));
            self.kinds.insert(gvk);
        }
    }

    fn look_at(&mut self, resource: &'w BlueprintResource) {
        let mut entry = Entry::new(resource);
        let known = match self.evaluate(resource, &mut entry) {
            Ok(known) => known,
            Err(error) => {
                entry.error = Some(error);
                true
            }
        };
        if !known {
            self.unknown.insert(&resource.name);
        }
        if let Some(offer) = &entry.offer {
            self.offers.insert(resource.name.clone(), offer.clone());
        }
        self.entries.push(entry);
    }

    /// Evaluates a resource; false where this pass cannot tell what it offers.
    fn evaluate(
        &mut self,
        resource: &'w BlueprintResource,
        entry: &mut Entry,
    ) -> Result<bool, ResourceError> {
        if entry.inputs.iter().any(|input| self.unknown.contains(input.name.as_str())) {
            return Ok(false);
        }
        let template = match resource::choose(self.world, resource)? {
            Choice::PassThrough(input) => {
                entry.passed_through = true;
                entry.offer = Some(resource::pass_through(resource, &input, &self.offers)?);
                return Ok(true);
            }
            Choice::Stamp(template) => template,
        };
        entry.template = Some(Arc::clone(&template));
        let inputs = Inputs::of(resource, &self.offers);
        let rendered = resource::render(self.world, self.blueprint, resource, &template, &inputs)?;
        self.kinds.insert(Gvk::of(&rendered));
        match resource::settle(self.world, self.blueprint, resource, &template, rendered)? {
            Standing::Waiting => {
                self.waiting = true;
                Ok(false)
            }
            Standing::Write(apply) => {
                self.claim(ObjectKey::of(&apply.object), &resource.name)?;
                self.applies.push(*apply);
                Ok(false)
            }
            Standing::Converged { kind, object } => {
                self.claim(ObjectKey::of(&object), &resource.name)?;
                entry.stamped = Some((kind, Arc::clone(&object)));
                entry.offer = outputs::read(&template, &object, &inputs.deployment)?;
                Ok(true)
            }
        }
    }

    /// Two resources of one blueprint that stamp one object would overwrite each other for ever.
    fn claim(&mut self, key: ObjectKey, resource: &'w str) -> Result<(), ResourceError> {
        let taken = match self.claimed.entry(key) {
            btree_map::Entry::Vacant(free) => {
                free.insert(resource);
                return Ok(());
            }
            btree_map::Entry::Occupied(taken) => taken,
        };
        let (key, first) = (taken.key(), taken.get());
        let object = format!("{}/{}", key.namespace, key.name);
        let message = format!("{} is already stamped for resource [{first}]", key.kind);
        let refusal = Refusal { kind: RefusalKind::NameConflict, verb: "create".into(), message };
        let hint = Some("let the two templates stamp different names".into());
        Err(ResourceError::Rejected { object, refusal, hint })
    }
}

/// What a warning says beyond the condition.
#[derive(Default)]
struct Story<'a> {
    details: &'a [String],
    hint: Option<String>,
}

/// What a pass found of the resources.
struct Found<'a> {
    entries: &'a [Entry],
    statuses: Vec<ResourceStatus>,
    orphans: Vec<ObjectReference>,
}

/// The whole new status and the events about it.
fn report(
    world: &World,
    blueprint: Option<&Blueprint>,
    mut decided: Vec<Decided>,
    found: Option<Found<'_>>,
    story: Story<'_>,
) -> Outcome {
    let owner = &world.owner;
    decided.push(rollup::ready(&decided));
    let conditions = timed(&decided, &owner.status.conditions, world.now, Generation::Omit);
    let mut events = events::of_receipts(world);
    if let Some(found) = &found {
        for (entry, status) in found.entries.iter().zip(&found.statuses) {
            events.extend(events::of_resource(entry, status, owner.previous(&entry.name)));
        }
    }
    events.extend(events::of_trouble(
        &conditions,
        &owner.status.conditions,
        story.details,
        story.hint,
    ));
    let reference = blueprint.map_or_else(
        || owner.status.blueprint.clone().unwrap_or_default(),
        |blueprint| ObjectReference {
            kind: Some(owner.kind.blueprint_kind().into()),
            name: Some(blueprint.name.clone()),
            ..ObjectReference::default()
        },
    );
    let (resources, orphans) = found.map_or_else(
        || (owner.status.resources.clone(), owner.status.orphans.clone()),
        |found| (found.statuses, found.orphans),
    );
    let same = conditions == owner.status.conditions
        && owner.status.observed_generation == Some(owner.generation)
        && owner.status.blueprint.as_ref() == Some(&reference)
        && resources == owner.status.resources
        && orphans == owner.status.orphans;
    let status = (!same).then(|| {
        let mut status = json!({
            "observedGeneration": owner.generation,
            "conditions": conditions,
            "resources": resources,
        });
        if !orphans.is_empty() {
            status["orphans"] = json!(orphans);
        }
        status[owner.kind.blueprint_ref_field()] = json!(reference);
        status
    });
    Outcome { status, events, ..Outcome::nothing() }
}
