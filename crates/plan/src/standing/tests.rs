use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::choreography::OwnerKind;
use crate::object::Gvk;

const TIME: &str = "2026-01-01T00:00:10Z";

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message,
           "lastTransitionTime": TIME})
}

fn is(type_: &str) -> Value {
    condition(type_, "True", type_, "")
}

/// An owner with conditions and resources.
fn owner(kind: OwnerKind, conditions: &[Value], resources: &[Value]) -> Value {
    let blueprint = json!({"kind": kind.blueprint_kind(), "name": "web"});
    json!({
        "apiVersion": "carto.run/v1alpha1", "kind": kind.name(),
        "metadata": {"name": "shop", "namespace": "dev", "generation": 3, "labels": {"type": "wbe"}},
        "spec": {},
        "status": {
            "observedGeneration": 3, "conditions": conditions, "resources": resources,
            kind.blueprint_ref_field(): blueprint,
        },
    })
}

/// A resource that takes its input from another, with an object of a kind; the other conditions are
/// those of a resource that is ready.
fn resource(name: &str, input: &str, object: Option<(&str, &str)>, unmet: &[Value]) -> Value {
    let mut conditions = unmet.to_vec();
    for type_ in ["ResourceSubmitted", "Healthy"] {
        if unmet.iter().all(|condition| condition["type"] != type_) {
            conditions.push(is(type_));
        }
    }
    let ready = match unmet.first() {
        None => is("Ready"),
        Some(first) => {
            let text = |key: &str| first[key].as_str().unwrap_or_default().to_owned();
            condition("Ready", &text("status"), &text("reason"), &text("message"))
        }
    };
    conditions.push(ready);
    let mut entry = json!({"name": name, "conditions": conditions});
    if !input.is_empty() {
        entry["inputs"] = json!([{"name": input}]);
    }
    if let Some((api_version, kind)) = object {
        entry["stampedRef"] = json!({
            "apiVersion": api_version, "kind": kind, "namespace": "dev", "name": "shop",
            "resource": format!("{}s.{}", kind.to_lowercase(), Gvk::new(api_version, kind).group),
        });
    }
    entry
}

#[expect(clippy::unnecessary_wraps, reason = "as a resource takes it")]
fn ours(kind: &str) -> Option<(&str, &str)> {
    Some(("carto.run/v1alpha1", kind))
}

/// An object with conditions and more status.
fn object(api_version: &str, kind: &str, conditions: &[Value], more: &Value) -> Seen {
    let mut status = more.clone();
    status["conditions"] = json!(conditions);
    Seen::Object(Box::new(json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": "shop", "namespace": "dev", "generation": 1}, "status": status,
    })))
}

fn native(kind: &str, conditions: &[Value], more: &Value) -> Seen {
    object("carto.run/v1alpha1", kind, conditions, more)
}

fn told(kind: OwnerKind, owner: &Value, seen: Vec<(&str, Seen)>, chains: &[Value]) -> Standing {
    let objects: BTreeMap<String, Seen> =
        seen.into_iter().map(|(name, seen)| (name.to_owned(), seen)).collect();
    tell(&Evidence { kind, owner, objects: &objects, blueprints: Some(chains) })
}

/// The cause in one line: where, reason, message.
fn line(standing: &Standing) -> String {
    let Some(cause) = &standing.cause else { return format!("{:?}", standing.state) };
    let place = match (&cause.object, &cause.resource) {
        (Some(object), _) => object.kind.clone(),
        (None, Some(resource)) => resource.clone(),
        (None, None) => standing.kind.to_owned(),
    };
    format!("{:?} {place} {}: {}", standing.state, cause.reason, cause.message)
}

const STAMP: &str = "evaluate tag $(source.revision)$: jsonpath returned empty list";

/// A resource that cannot be stamped for want of its input.
fn unfed(name: &str, input: &str) -> Value {
    let unmet = condition("ResourceSubmitted", "False", "TemplateStampFailure", STAMP);
    resource(name, input, None, &[unmet])
}

/// A resource that waits for the output of its object.
fn without_output(name: &str, input: &str, object: Option<(&str, &str)>) -> Value {
    let unmet = condition("ResourceSubmitted", "Unknown", "MissingValueAtPath", "waiting to read");
    resource(
        name,
        input,
        object,
        &[unmet, condition("Healthy", "Unknown", "OutputNotAvailable", "")],
    )
}

/// A workload whose chain reaches a resource: those before it are ready, those after it have no input.
fn workload(at: Value) -> Value {
    let name = at["name"].as_str().unwrap_or_default().to_owned();
    let all = [
        ("source", "", "GitSource"),
        ("image", "source", "SourceImage"),
        ("write", "image", "GitWriter"),
    ];
    let mut passed = false;
    let resources: Vec<Value> = all
        .into_iter()
        .map(|(of, input, kind)| {
            if of == name {
                passed = true;
                at.clone()
            } else if passed {
                unfed(of, input)
            } else {
                resource(of, input, ours(kind), &[])
            }
        })
        .collect();
    let ready = at["conditions"].as_array().and_then(|list| list.last()).cloned();
    let conditions = [is("SupplyChainReady"), ready.unwrap_or_default()];
    owner(OwnerKind::Workload, &conditions, &resources)
}

fn ready(kind: &str, more: &Value) -> Seen {
    native(kind, &[condition("Ready", "True", "Succeeded", "")], more)
}

fn stalled(kind: &str, reason: &str, message: &str) -> Seen {
    native(kind, &[condition("Ready", "False", reason, message)], &json!({}))
}

fn waiting(kind: &str, reason: &str, message: &str) -> Seen {
    native(kind, &[condition("Ready", "Unknown", reason, message)], &json!({}))
}

#[test]
fn what_is_ready_says_since_when_and_what_it_runs() {
    let write = resource("write", "image", ours("GitWriter"), &[]);
    let digest = format!("registry.example/dev/shop@sha256:{}", "d".repeat(64));
    let artifact = json!({"artifact": {
        "revision": "95839b83", "ref": "refs/heads/main", "commit": {"subject": "Bigger\nbuttons"},
    }});
    let written = json!({"revision": "d8223b0e", "branch": "staging"});
    let seen = vec![
        ("source", ready("GitSource", &artifact)),
        ("image", ready("SourceImage", &json!({"latestImage": digest}))),
        ("write", ready("GitWriter", &written)),
    ];
    let standing = told(OwnerKind::Workload, &workload(write), seen, &[]);
    assert_eq!((standing.state, &standing.cause), (State::Ready, &None));
    assert_eq!(standing.since, TIME.parse().ok());
    assert_eq!(standing.blueprint.as_deref(), Some("web"));
    let [source, image, write] = &standing.steps[..] else { panic!("three steps") };
    assert!(standing.steps.iter().all(|step| step.state == StepState::Ready));
    assert_eq!(source.branch.as_deref(), Some("main"));
    assert_eq!(source.subject.as_deref(), Some("Bigger buttons"));
    assert_eq!(image.image, Some(digest));
    assert_eq!(
        (write.branch.as_deref(), write.revision.as_deref()),
        (Some("staging"), Some("d8223b0e"))
    );
}

#[rstest]
#[case::source_missing(
    without_output("source", "", ours("GitSource")),
    vec![("source", waiting("GitSource", "RefNotFound", "refs/heads/mian is not in the repository"))],
    "Waiting GitSource RefNotFound: refs/heads/mian is not in the repository",
    Some("push it, or follow another"),
    [StepState::Waiting, StepState::Unreached, StepState::Unreached]
)]
#[case::not_looked_at(
    without_output("source", "", ours("GitSource")),
    vec![("source", native("GitSource", &[], &json!({})))],
    "Waiting GitSource Pending: no controller has looked at it yet",
    Some("is portolan-supply-chain running? kubectl -n portolan-system get pods"),
    [StepState::Waiting, StepState::Unreached, StepState::Unreached]
)]
#[case::image_waits_for_credentials(
    without_output("image", "source", ours("SourceImage")),
    vec![("image", waiting("SourceImage", "CredentialsMissing", "Secret dev/registry does not exist: create it"))],
    "Waiting SourceImage CredentialsMissing: Secret dev/registry does not exist: create it",
    None,
    [StepState::Ready, StepState::Waiting, StepState::Unreached]
)]
#[case::request_declined(
    resource("write", "image", ours("GitWriter"), &[condition("Healthy", "False", "ReadyCondition", "closed")]),
    vec![("write", stalled("GitWriter", "Declined", "request #7 was closed"))],
    "Held GitWriter Declined: request #7 was closed",
    None,
    [StepState::Ready, StepState::Ready, StepState::Failed]
)]
#[case::reverted_with_a_template_without_health_rule(
    resource("write", "image", ours("GitWriter"), &[]),
    vec![("write", stalled("GitWriter", "Reverted", "taken back by Ann"))],
    "Held GitWriter Reverted: taken back by Ann",
    None,
    [StepState::Ready, StepState::Ready, StepState::Failed]
)]
#[case::the_template_is_wrong_and_the_object_is_from_before(
    resource("image", "source", ours("SourceImage"), &[condition("ResourceSubmitted", "False", "TemplateStampFailure", "no such parameter")]),
    vec![("image", ready("SourceImage", &json!({})))],
    "Held image TemplateStampFailure: no such parameter",
    Some("mend the template, or the parameters that fill it"),
    [StepState::Ready, StepState::Failed, StepState::Unreached]
)]
#[case::the_object_is_gone(
    resource("image", "source", ours("SourceImage"), &[]),
    vec![("image", Seen::Gone)],
    "Waiting SourceImage NotFound: SourceImage shop does not exist",
    None,
    [StepState::Ready, StepState::Waiting, StepState::Unreached]
)]
#[case::the_object_may_not_be_read(
    without_output("image", "source", ours("SourceImage")),
    vec![("image", Seen::Hidden("forbidden".into()))],
    "Waiting image MissingValueAtPath: waiting to read",
    Some("look at that object, and at the path in the template"),
    [StepState::Ready, StepState::Waiting, StepState::Unreached]
)]
fn a_workload_is_held_by_one_cause(
    #[case] at: Value,
    #[case] seen: Vec<(&str, Seen)>,
    #[case] expected: &str,
    #[case] hint: Option<&str>,
    #[case] states: [StepState; 3],
) {
    let standing = told(OwnerKind::Workload, &workload(at), seen, &[]);
    assert_eq!(line(&standing), expected);
    let cause = standing.cause.expect("there is a cause");
    assert_eq!(cause.hint.as_deref(), hint);
    assert_eq!(cause.since.is_some(), !cause.condition.is_empty());
    assert_eq!(standing.steps.iter().map(|step| step.state).collect::<Vec<_>>(), states);
}

#[test]
fn an_open_request_waits_for_a_merge_and_the_owner_is_ready() {
    let write = resource("write", "image", ours("GitWriter"), &[]);
    let conditions = [
        condition("Ready", "True", "Written", "staging-shop holds the content"),
        condition("Merged", "False", "AwaitingMerge", "request #7 waits for people"),
    ];
    let url = "https://git.example/team/config/pulls/7";
    let request = json!({"number": 7, "state": "open", "url": url});
    let status = json!({"branch": "staging-shop", "revision": "d8", "pullRequest": request});
    let seen = vec![("write", native("GitWriter", &conditions, &status))];
    let standing = told(OwnerKind::Workload, &workload(write), seen, &[]);
    assert_eq!(line(&standing), "Unmerged GitWriter AwaitingMerge: request #7 waits for people");
    assert_eq!(
        standing.cause.and_then(|cause| cause.hint).as_deref(),
        Some("review it and merge it on the forge")
    );
    let step = &standing.steps[2];
    assert_eq!(step.state, StepState::Unmerged);
    assert_eq!(step.request, Some(Request { number: 7, state: "open".into(), url: url.into() }));
}

#[rstest]
#[case(json!(true), "its request is opened by itself; then people merge it")]
#[case(json!(false), "take the branch into its goal on the forge: open a request and merge it")]
#[case(Value::Null, "take the branch into its goal on the forge: open a request and merge it")]
fn what_has_no_request_yet_is_told_who_opens_it(#[case] open: Value, #[case] hint: &str) {
    let conditions = [is("Ready"), condition("Merged", "False", "Unmerged", "not yet")];
    let Seen::Object(mut writer) = native("GitWriter", &conditions, &json!({})) else { panic!() };
    writer["spec"] = json!({"pullRequest": {"open": open}});
    let write = resource("write", "image", ours("GitWriter"), &[]);
    let seen = vec![("write", Seen::Object(writer))];
    let standing = told(OwnerKind::Workload, &workload(write), seen, &[]);
    assert_eq!(standing.state, State::Unmerged);
    assert_eq!(standing.cause.and_then(|cause| cause.hint).as_deref(), Some(hint));
}

/// A deliverable that stops where it is deployed; what comes after it is from before.
fn deliverable() -> Value {
    let unmet = condition("ResourcesSubmitted", "Unknown", "ConditionNotMet", "not equal");
    let ill = condition("Healthy", "False", "ReadyCondition", "not healthy");
    let kept = condition("ResourceSubmitted", "False", "TemplateStampFailure", STAMP);
    let resources = [
        resource("config", "", ours("GitSource"), &[]),
        resource("deploy", "config", ours("GitDeployment"), &[unmet.clone(), ill]),
        resource("verify", "deploy", ours("Verification"), &[kept]),
        unfed("promote", "verify"),
    ];
    let ready = condition("Ready", "Unknown", "ConditionNotMet", "not equal");
    owner(OwnerKind::Deliverable, &[is("DeliveryReady"), unmet, ready], &resources)
}

#[test]
fn an_unhealthy_deployment_is_the_cause_of_all_that_comes_after_it() {
    let status = json!({"observedRevision": "b343a0a8", "attemptedRevision": "cc8ccf64"});
    let message = "cc8ccf64 is not healthy after 15 s: pod shop: Unschedulable: Insufficient cpu";
    let unhealthy = condition("Ready", "False", "Unhealthy", message);
    let seen = vec![
        ("config", ready("GitSource", &json!({}))),
        ("deploy", native("GitDeployment", &[unhealthy], &status)),
        ("verify", ready("Verification", &json!({"verified": {"revision": "b343a0a8"}}))),
    ];
    let standing = told(OwnerKind::Deliverable, &deliverable(), seen, &[]);
    assert_eq!(line(&standing), format!("Held GitDeployment Unhealthy: {message}"));
    let reached: Vec<StepState> = standing.steps.iter().map(|step| step.state).collect();
    assert_eq!(
        reached,
        [StepState::Ready, StepState::Failed, StepState::Unreached, StepState::Unreached]
    );
    let (deploy, verify) = (&standing.steps[1], &standing.steps[2]);
    assert_eq!(deploy.revision.as_deref(), Some("b343a0a8"));
    assert_eq!(deploy.attempted.as_deref(), Some("cc8ccf64"));
    assert_eq!(verify.revision.as_deref(), Some("b343a0a8"), "what it shows is from before");
}

#[test]
fn a_failed_verification_is_told_with_what_was_found() {
    let resources = [
        resource("deploy", "", ours("GitDeployment"), &[]),
        without_output("verify", "deploy", ours("Verification")),
        unfed("promote", "verify"),
    ];
    let conditions = [is("DeliveryReady"), condition("Ready", "Unknown", "MissingValueAtPath", "")];
    let owner = owner(OwnerKind::Deliverable, &conditions, &resources);
    let failed = stalled("Verification", "VerificationFailed", "check page: answered 500");
    let seen = vec![("deploy", ready("GitDeployment", &json!({}))), ("verify", failed)];
    let standing = told(OwnerKind::Deliverable, &owner, seen, &[]);
    assert_eq!(line(&standing), "Held Verification VerificationFailed: check page: answered 500");
    let hint = standing.cause.and_then(|cause| cause.hint).unwrap_or_default();
    assert!(hint.contains("portolan.carto.run/requestedAt"), "{hint}");
}

fn chain(name: &str, selector: &Value, resources: &Value) -> Value {
    json!({"metadata": {"name": name}, "spec": {"selector": selector, "resources": resources}})
}

#[rstest]
#[case::no_chain(
    "SupplyChainNotFound",
    vec![],
    Some("set the labels that a ClusterSupplyChain selects by in its spec.selector: there is no \
          ClusterSupplyChain yet")
)]
#[case::no_matching_chain(
    "SupplyChainNotFound",
    vec![chain("web", &json!({"type": "web"}), &json!([]))],
    Some("set the labels that a ClusterSupplyChain selects by in its spec.selector: web selects by \
          type=web")
)]
#[case::several_match(
    "MultipleSupplyChainMatches",
    vec![chain("a", &json!({"type": "wbe"}), &json!([])), chain("b", &json!({"type": "wbe"}), &json!([]))],
    Some("these match equally well: a, b; make the selector of one more specific")
)]
fn an_owner_without_a_chain_is_told_which_there_are(
    #[case] reason: &str,
    #[case] chains: Vec<Value>,
    #[case] hint: Option<&str>,
) {
    let conditions =
        ["SupplyChainReady", "Ready"].map(|type_| condition(type_, "False", reason, "no"));
    // What was stamped before is left as it is.
    let before = resource("source", "", ours("GitSource"), &[]);
    let owner = owner(OwnerKind::Workload, &conditions, &[before]);
    assert!(needs_blueprints(OwnerKind::Workload, &owner));
    let standing = told(OwnerKind::Workload, &owner, vec![], &chains);
    assert_eq!(line(&standing), format!("Held Workload {reason}: no"));
    assert_eq!(standing.cause.and_then(|cause| cause.hint).as_deref(), hint);
}

#[test]
fn missing_templates_are_named() {
    let message = "did not find the template of the resource(s) [source, deploy]";
    let conditions = ["SupplyChainReady", "Ready"]
        .map(|type_| condition(type_, "False", "TemplatesNotFound", message));
    let option = |name: &str| json!({"name": name, "selector": {"matchLabels": {"a": name}}});
    let resources = json!([
        {"name": "source", "templateRef": {"kind": "ClusterSourceTemplate", "name": "git"}},
        {"name": "deploy", "templateRef": {
            "kind": "ClusterTemplate", "options": [option("x"), option("y")],
        }},
    ]);
    let owner = owner(OwnerKind::Workload, &conditions, &[]);
    let chains = [chain("web", &json!({"type": "wbe"}), &resources)];
    let standing = told(OwnerKind::Workload, &owner, vec![], &chains);
    assert_eq!(line(&standing), format!("Held Workload TemplatesNotFound: {message}"));
    assert_eq!(
        standing.cause.and_then(|cause| cause.hint).as_deref(),
        Some("create ClusterSourceTemplate git, 1 of ClusterTemplate x, ClusterTemplate y")
    );
    let blind = Evidence {
        kind: OwnerKind::Workload,
        owner: &owner,
        objects: &BTreeMap::new(),
        blueprints: None,
    };
    let standing = tell(&blind);
    assert_eq!(
        standing.state,
        State::Held,
        "who may not read chains is told the cause all the same"
    );
}

#[rstest]
#[case::the_condition_of_the_health_rule(
    condition("Healthy", "False", "BuiltCondition", ""),
    vec![condition("Pulled", "False", "Other", "other"), condition("Built", "False", "Broken", "exit 1")],
    "Held Image Broken: exit 1"
)]
#[case::the_condition_about_the_whole(
    condition("Healthy", "Unknown", "NoMatchesFulfilled", ""),
    vec![condition("Pulled", "False", "Other", "other"), condition("Ready", "Unknown", "Building", "layer 2")],
    "Waiting Image Building: layer 2"
)]
#[case::the_first_that_is_not_true(
    condition("Healthy", "False", "MatchedField", ""),
    vec![is("Pulled"), condition("Reconciling", "False", "Idle", ""), condition("Scanned", "False", "Cve", "CVE-1")],
    "Held Image Cve: CVE-1"
)]
#[case::trouble_that_is_raised(
    condition("Healthy", "Unknown", "NoMatchesFulfilled", ""),
    vec![is("Pulled"), condition("Failed", "True", "Oom", "out of memory")],
    "Held Image Oom: out of memory"
)]
#[case::nothing_said(
    condition("Healthy", "False", "MatchedField", "field value: bad, message: look here"),
    vec![],
    "Held image MatchedField: field value: bad, message: look here"
)]
fn foreign_kinds_are_read_by_their_conditions(
    #[case] healthy: Value,
    #[case] conditions: Vec<Value>,
    #[case] expected: &str,
) {
    let kpack = ("kpack.io/v1alpha2", "Image");
    let at = resource("image", "source", Some(kpack), &[healthy]);
    let seen = vec![("image", object(kpack.0, kpack.1, &conditions, &json!({})))];
    let standing = told(OwnerKind::Workload, &workload(at), seen, &[]);
    assert_eq!(line(&standing), expected);
    let cause = standing.cause.expect("there is a cause");
    if cause.object.is_some() {
        assert_eq!(
            cause.hint.as_deref(),
            Some("look at it: kubectl -n dev describe images.kpack.io shop")
        );
    }
}

#[test]
fn a_foreign_object_of_a_ready_resource_is_left_to_its_health_rule() {
    let at = resource("image", "source", Some(("kpack.io/v1alpha2", "Image")), &[]);
    let odd = [condition("Idle", "False", "Busy", "")];
    let seen = vec![("image", object("kpack.io/v1alpha2", "Image", &odd, &json!({})))];
    let mut owner = workload(at);
    owner["status"]["resources"].as_array_mut().expect("a list").truncate(2);
    assert_eq!(told(OwnerKind::Workload, &owner, seen, &[]).state, State::Ready);
}

#[test]
fn an_input_that_comes_later_in_the_chain_is_still_the_cause() {
    let resources =
        [unfed("image", "source"), without_output("source", "image-of-nobody", ours("GitSource"))];
    let conditions =
        [is("SupplyChainReady"), condition("Ready", "False", "TemplateStampFailure", "")];
    let owner = owner(OwnerKind::Workload, &conditions, &resources);
    let seen = vec![("source", stalled("GitSource", "AuthFailed", "refused"))];
    let standing = told(OwnerKind::Workload, &owner, seen, &[]);
    assert_eq!(line(&standing), "Held GitSource AuthFailed: refused");
    // Resources that name each other in a circle end the walk too.
    let circle = [unfed("a", "b"), unfed("b", "a")];
    let owner = self::owner(OwnerKind::Workload, &conditions, &circle);
    assert!(told(OwnerKind::Workload, &owner, vec![], &[]).cause.is_some());
}

#[test]
fn an_owner_that_nobody_looked_at_is_told_so() {
    let mut owner = owner(OwnerKind::Deliverable, &[is("DeliveryReady"), is("Ready")], &[]);
    owner["metadata"]["generation"] = json!(4);
    let standing = told(OwnerKind::Deliverable, &owner, vec![], &[]);
    assert_eq!(
        line(&standing),
        "Waiting Deliverable Pending: no controller has looked at its newest spec yet"
    );
    owner["status"] = Value::Null;
    let standing = told(OwnerKind::Deliverable, &owner, vec![], &[]);
    assert_eq!(line(&standing), "Waiting Deliverable Pending: no controller has looked at it yet");
    let hint = standing.cause.and_then(|cause| cause.hint).unwrap_or_default();
    assert!(hint.contains("portolan-delivery"), "{hint}");
    owner["metadata"]["deletionTimestamp"] = json!(TIME);
    let standing = told(OwnerKind::Deliverable, &owner, vec![], &[]);
    assert_eq!(line(&standing), "Waiting Deliverable Terminating: it is being deleted");
}

#[test]
fn a_missing_account_holds_whatever_the_resources_were() {
    let missing = condition("ResourcesSubmitted", "False", "ServiceAccountError", "not found");
    let before = unfed("image", "source");
    let owner = owner(OwnerKind::Workload, &[is("SupplyChainReady"), missing], &[before]);
    let standing = told(OwnerKind::Workload, &owner, vec![], &[]);
    assert_eq!(line(&standing), "Held Workload ServiceAccountError: not found");
}

#[test]
fn edits_and_what_may_not_be_read_are_noted() {
    let write = resource("write", "image", ours("GitWriter"), &[]);
    let conditions =
        [is("Ready"), condition("Edited", "True", "EditedOnBranch", "by Ann\u{1b}[31m")];
    let seen = vec![
        ("source", Seen::Hidden("gitsources is forbidden".into())),
        ("write", native("GitWriter", &conditions, &json!({}))),
    ];
    let standing = told(OwnerKind::Workload, &workload(write), seen, &[]);
    assert_eq!(standing.state, State::Ready);
    assert_eq!(
        standing.notes,
        [
            "GitSource shop cannot be read: gitsources is forbidden",
            "GitWriter shop: Edited: by Ann [31m",
        ]
    );
}

#[test]
fn objects_without_a_status_are_not_asked_for() {
    let resources = [
        resource("source", "", ours("GitSource"), &[]),
        resource("config", "", Some(("v1", "ConfigMap")), &[]),
        resource("token", "", Some(("v1", "Secret")), &[]),
        unfed("write", "config"),
    ];
    let owner = owner(OwnerKind::Workload, &[is("SupplyChainReady")], &resources);
    let wanted: Vec<String> = wanted(&owner).into_iter().map(|wanted| wanted.resource).collect();
    assert_eq!(wanted, ["source"]);
}
