//! What a person can do about a cause, where its message does not say it.

use portolan_api::native::reasons::{stalled, transient, waiting};
use serde_json::Value;

use super::cause::ACCOUNT_MISSING;
use super::owner::is_native_kind;
use super::report::{Cause, Object};
use super::tell::{Evidence, Seen};
use crate::choreography::{
    Blueprint, Owner, OwnerKind, RefusalKind, Selection, advice, option_advice, refusal_advice,
    select,
};
use crate::object;
use crate::trace::clean;

/// Most blueprints that are named.
const NAMED: usize = 8;

/// Reason of content that is on its branch, with no request seen yet.
const UNMERGED: &str = "Unmerged";
const BY_ITSELF: &str = "nothing: it goes on by itself";
const AGAIN: &str = "nothing unless it lasts: it is tried again by itself";
const NOT_ALLOWED: &str = "use https, or let the operator allow the host; check the annotation \
                           portolan.carto.run/hosts of the Secret";

/// What to do about the reasons of native kinds whose messages do not say it.
const NATIVE: [(&str, &str); 36] = [
    (waiting::REF_NOT_FOUND, "push it, or follow another"),
    (waiting::PATH_NOT_FOUND, "check the path; it goes on with a revision that has files there"),
    (waiting::ARTIFACT_GONE, "look at the GitSource: it has to offer the tree again"),
    (waiting::NOT_VERIFIED, "look at the Verification: it has to vouch for exactly this tree"),
    (waiting::PROGRESSING, BY_ITSELF),
    (waiting::DEPLOYMENT_NOT_READY, BY_ITSELF),
    (waiting::SUPERSEDED, BY_ITSELF),
    (waiting::CHECKING, BY_ITSELF),
    (waiting::HELD, BY_ITSELF),
    (waiting::SUSPENDED, "take spec.suspend away"),
    (transient::GIT_UNREACHABLE, AGAIN),
    (transient::GIT_SERVER_ERROR, AGAIN),
    (transient::GIT_WORKER_FAILED, AGAIN),
    (transient::ARTIFACT_UNREACHABLE, AGAIN),
    (transient::API_UNAVAILABLE, AGAIN),
    (transient::PARTIALLY_APPLIED, AGAIN),
    (transient::LOCAL_STORAGE, AGAIN),
    ("RegistryUnreachable", AGAIN),
    ("RegistryServerError", AGAIN),
    (stalled::INVALID_SPEC, "mend the template, or the parameters that fill it"),
    (stalled::AUTH_FAILED, "put the right credentials into the Secret; it is read by itself"),
    (stalled::CREDENTIALS_INVALID, "put the right keys into the Secret; it is read by itself"),
    (stalled::HOST_NOT_ALLOWED, NOT_ALLOWED),
    (stalled::URL_NOT_ALLOWED, NOT_ALLOWED),
    (stalled::PUSH_REFUSED, "let the writer's account push there: a hook or a protected branch"),
    (stalled::REQUEST_REFUSED, "check what the account may do in the repository"),
    (stalled::MANIFESTS_REFUSED, "mend the files; nothing was changed in the cluster"),
    (stalled::UNHEALTHY, "mend what the objects say, and send a new change"),
    (stalled::FORBIDDEN, "grant the ServiceAccount what the message asks for"),
    (stalled::ACCOUNT_NOT_ALLOWED, "name another ServiceAccount"),
    (
        stalled::VERIFICATION_FAILED,
        "send a new change, or set the annotation portolan.carto.run/requestedAt to check again",
    ),
    (stalled::TOO_LARGE, "make it smaller, or leave files out"),
    ("AwaitingMerge", "review it and merge it on the forge"),
    ("AwaitingApproval", "give on the forge what is missing; then it is merged by itself"),
    (UNMERGED, "take the branch into its goal on the forge: open a request and merge it"),
    ("Merging", BY_ITSELF),
];

/// What a person can do.
pub(super) fn hint(evidence: &Evidence<'_>, cause: &Cause) -> Option<String> {
    if cause.reason == waiting::PENDING {
        return Some(is_running(evidence.kind));
    }
    match (&cause.object, &cause.resource) {
        (Some(_), Some(resource)) if cause.reason == UNMERGED && opens(evidence, resource) => {
            Some("its request is opened by itself; then people merge it".into())
        }
        (Some(object), _) => of_object(object, cause),
        (None, Some(_)) => of_resource(cause),
        (None, None) => of_owner(evidence, cause),
    }
}

/// Whether the writer of a resource opens its request by itself.
fn opens(evidence: &Evidence<'_>, resource: &str) -> bool {
    let Some(Seen::Object(writer)) = evidence.objects.get(resource) else { return false };
    writer.pointer("/spec/pullRequest/open").and_then(Value::as_bool).unwrap_or(false)
}

fn is_running(kind: OwnerKind) -> String {
    let program = match kind {
        OwnerKind::Workload => "portolan-supply-chain",
        OwnerKind::Deliverable => "portolan-delivery",
    };
    format!("is {program} running? kubectl -n portolan-system get pods")
}

fn of_object(object: &Object, cause: &Cause) -> Option<String> {
    if is_native_kind(&object.api_version, &object.kind) {
        let known = NATIVE.iter().find(|(reason, _)| *reason == cause.reason);
        return known.map(|(_, hint)| (*hint).to_owned());
    }
    let namespace = object.namespace.as_ref().map(|namespace| format!(" -n {namespace}"));
    let (namespace, kind) = (namespace.unwrap_or_default(), &object.resource);
    Some(clean(&format!("look at it: kubectl{namespace} describe {kind} {}", object.name), 500))
}

/// About what keeps a resource from being stamped or from offering its outputs.
fn of_resource(cause: &Cause) -> Option<String> {
    let hint = match cause.reason.as_str() {
        "NameConflict" => refusal_advice(RefusalKind::NameConflict),
        // A kind that may not be watched: the message has the rule to add.
        "TemplateRejectedByAPIServer" if cause.message.contains("add a ClusterRole") => None,
        "TemplateRejectedByAPIServer" if cause.message.contains("is forbidden") => {
            refusal_advice(RefusalKind::Forbidden)
        }
        "TemplateStampFailure" | "TemplateRejectedByAPIServer" => {
            refusal_advice(RefusalKind::Invalid)
        }
        "TemplateOptionsMatchError" => Some(option_advice(cause.message.contains("found [0]"))),
        "MissingValueAtPath" => Some("look at that object, and at the path in the template"),
        _ => None,
    };
    hint.map(Into::into)
}

/// About an owner that is not served, or cannot be.
fn of_owner(evidence: &Evidence<'_>, cause: &Cause) -> Option<String> {
    if cause.reason == ACCOUNT_MISSING {
        return Some("create it, or name another in spec.serviceAccountName".into());
    }
    if cause.condition != evidence.kind.blueprint_ready() && cause.condition != "Ready" {
        return None;
    }
    let blueprints = evidence.blueprints?;
    if cause.reason == "TemplatesNotFound" {
        return templates(evidence, blueprints, &cause.message);
    }
    let owner = Owner::read(evidence.kind, evidence.owner.clone()).ok()?;
    let compiled: Vec<_> = blueprints
        .iter()
        .filter_map(|blueprint| Blueprint::read(evidence.kind, blueprint).ok())
        .map(Into::into)
        .collect();
    let selection = select(&owner, &compiled);
    let told = match &selection {
        Selection::Broken(details) => Some(details.join("; ")),
        other => advice(&owner, other),
    }?;
    let is_unserved = matches!(selection, Selection::NoLabels | Selection::NotFound);
    let there =
        if is_unserved { format!(": {}", named(evidence.kind, blueprints)) } else { String::new() };
    Some(clean(&format!("{told}{there}"), 2000))
}

/// The blueprints that there are, with the labels they select by.
fn named(kind: OwnerKind, blueprints: &[Value]) -> String {
    let kind = kind.blueprint_kind();
    if blueprints.is_empty() {
        return format!("there is no {kind} yet");
    }
    let mut listed: Vec<String> = blueprints.iter().take(NAMED).map(selects).collect();
    let more = blueprints.len().saturating_sub(NAMED);
    listed.extend((more > 0).then(|| format!("and {more} more")));
    listed.join(", ")
}

fn selects(blueprint: &Value) -> String {
    let spec = &blueprint["spec"];
    let labels = spec["selector"].as_object().into_iter().flatten();
    let mut by: Vec<String> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("?"))).collect();
    for (field, word) in
        [("selectorMatchExpressions", "expressions"), ("selectorMatchFields", "fields")]
    {
        let used = spec[field].as_array().is_some_and(|list| !list.is_empty());
        by.extend(used.then(|| word.to_owned()));
    }
    format!("{} selects by {}", object::name(blueprint), by.join(", "))
}

/// The templates that the owner's blueprint names and that do not exist, by the resources in the message.
fn templates(evidence: &Evidence<'_>, blueprints: &[Value], message: &str) -> Option<String> {
    let (kind, owner) = (evidence.kind, evidence.owner);
    let name = object::text(owner, &format!("/status/{}/name", kind.blueprint_ref_field()));
    let blueprint = blueprints.iter().find(|blueprint| object::name(blueprint) == name)?;
    let blueprint = Blueprint::read(kind, blueprint).ok()?;
    let (_, list) = message.split_once('[')?;
    let missing: Vec<&str> = list.trim_end_matches(']').split(", ").collect();
    let mut hints = Vec::new();
    for resource in &blueprint.resources {
        let wanted = missing.iter().filter(|name| **name == resource.name).count();
        let names: Vec<String> = blueprint
            .templates()
            .filter(|(of, _)| *of == resource.name)
            .map(|(_, key)| format!("{} {}", key.kind.name(), key.name))
            .collect();
        if wanted > 0 && wanted >= names.len() {
            hints.push(names.join(", "));
        } else if wanted > 0 {
            hints.push(format!("{wanted} of {}", names.join(", ")));
        }
    }
    (!hints.is_empty()).then(|| clean(&format!("create {}", hints.join(", ")), 2000))
}
