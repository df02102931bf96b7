//! Owners, the objects they stamped, and blueprints where they help.

use std::collections::BTreeMap;

use anyhow::bail;
use futures::StreamExt as _;
use portolan_plan::choreography::OwnerKind;
use portolan_plan::object;
use portolan_plan::standing::{Seen, Wanted, needs_blueprints, wanted};
use serde_json::Value;

use super::Arguments;
use super::connect::Connection;
use super::reader::{Listing, api, get, list, ours};
use super::what::What;

/// Objects that are read at the same time.
const AT_ONCE: usize = 16;

/// What a cluster shows.
pub(super) struct Found {
    /// Owners, by namespace, kind and name.
    pub(super) owners: Vec<(OwnerKind, Value)>,
    /// The objects of an owner, by its place in `owners`; by the name of their resource.
    pub(super) objects: BTreeMap<usize, BTreeMap<String, Seen>>,
    /// All blueprints for a kind of owners, where they were needed and may be seen.
    pub(super) blueprints: BTreeMap<OwnerKind, Vec<Value>>,
    /// What a person has to know of what is not shown.
    pub(super) notes: Vec<String>,
}

/// Reads what was asked for.
pub(super) async fn read(at: &Connection, arguments: &Arguments) -> anyhow::Result<Found> {
    let what = arguments.what.as_ref();
    let kinds = What::kinds(what);
    let (mut owners, mut notes, mut not_served) = (Vec::new(), Vec::new(), 0);
    for kind in &kinds {
        match owners_of(at, *kind, what).await? {
            Listing::Objects(found) => owners.extend(found.into_iter().map(|owner| (*kind, owner))),
            Listing::NotServed => not_served += 1,
            Listing::Forbidden(message) => notes.push(forbidden(at, *kind, &message)),
        }
    }
    let named = kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" nor ");
    if not_served == kinds.len() {
        let neither = if kinds.len() > 1 { "neither " } else { "no " };
        bail!(
            "{} serves {neither}{named}: is Portolan installed there, and is it the right context?",
            at.url
        );
    }
    if notes.len() + not_served == kinds.len() {
        bail!("{}", notes.join("; "));
    }
    if let (Some(what), true, true) = (what, owners.is_empty(), notes.is_empty()) {
        let kinds = kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or ");
        let elsewhere = if at.namespace.is_some() { "; -A looks in all namespaces" } else { "" };
        bail!("no {kinds} is called {} in {}{elsewhere}", what.name, at.place());
    }
    owners.sort_by_cached_key(|(kind, owner)| {
        (object::namespace(owner).to_owned(), *kind, object::name(owner).to_owned())
    });
    let objects = objects(at, &owners).await;
    let blueprints = blueprints(at, &owners).await;
    Ok(Found { owners, objects, blueprints, notes })
}

async fn owners_of(
    at: &Connection,
    kind: OwnerKind,
    what: Option<&What>,
) -> anyhow::Result<Listing> {
    let api = api(&at.client, &ours(kind.name()), at.namespace.as_deref());
    let name = what.map(|what| what.name.as_str());
    let listing = list(&api, name).await?;
    // Who may not list may still read what has a name.
    if let (Listing::Forbidden(_), Some(name), Some(_)) = (&listing, name, &at.namespace)
        && let Ok(found) = api.get_opt(name).await
    {
        let found = found.map(serde_json::to_value).transpose()?;
        return Ok(Listing::Objects(found.into_iter().collect()));
    }
    Ok(listing)
}

fn forbidden(at: &Connection, kind: OwnerKind, message: &str) -> String {
    let hint = if at.namespace.is_none() { " (name one namespace with -n)" } else { "" };
    format!("{}s are not shown: you may not list them: {message}{hint}", kind.name())
}

/// The objects that tell where each owner stands.
async fn objects(
    at: &Connection,
    owners: &[(OwnerKind, Value)],
) -> BTreeMap<usize, BTreeMap<String, Seen>> {
    let all = owners.iter().enumerate().flat_map(|(number, (_, owner))| {
        wanted(owner).into_iter().map(move |wanted| (number, wanted))
    });
    let all: Vec<(usize, Wanted)> = all.collect();
    let reads = all.into_iter().map(|(number, wanted)| async move {
        let seen = get(&at.client, &wanted.object).await;
        (number, wanted.resource, seen)
    });
    let mut reads = futures::stream::iter(reads).buffer_unordered(AT_ONCE);
    let mut objects: BTreeMap<usize, BTreeMap<String, Seen>> = BTreeMap::new();
    while let Some((number, resource, seen)) = reads.next().await {
        objects.entry(number).or_default().insert(resource, seen);
    }
    objects
}

/// The blueprints, where one of the owners is not served: they only help to say what to do.
async fn blueprints(
    at: &Connection,
    owners: &[(OwnerKind, Value)],
) -> BTreeMap<OwnerKind, Vec<Value>> {
    let mut found = BTreeMap::new();
    for kind in super::what::KINDS {
        let asks = |(of, owner): &(OwnerKind, Value)| *of == kind && needs_blueprints(kind, owner);
        if !owners.iter().any(asks) {
            continue;
        }
        let api = api(&at.client, &ours(kind.blueprint_kind()), None);
        if let Ok(Listing::Objects(blueprints)) = list(&api, None).await {
            found.insert(kind, blueprints);
        }
    }
    found
}
