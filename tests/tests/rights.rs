//! The rights that `config/` gives: as few as the programs use, and each by name.

use std::collections::BTreeSet;
use std::process::Command;

use portolan_testbed::manifests::{parse, project};
use portolan_testbed::programs;
use serde_json::Value;

/// A base as `kubectl apply -k` sees it.
fn base(name: &str) -> Vec<Value> {
    let kubectl = programs::ensure("kubectl").expect("kubectl is built");
    let folder = project("config").join(name);
    let out = Command::new(kubectl).arg("kustomize").arg(folder).output().expect("it runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    parse(&String::from_utf8_lossy(&out.stdout)).expect("it is YAML")
}

const BASES: [(&str, &str); 2] =
    [("build-cluster", "portolan-supply-chain"), ("delivery-cluster", "portolan-delivery")];

fn of_kind<'a>(documents: &'a [Value], kinds: &[&str]) -> Vec<&'a Value> {
    documents.iter().filter(|document| kinds.iter().any(|kind| document["kind"] == *kind)).collect()
}

fn texts(rule: &Value, key: &str) -> BTreeSet<String> {
    let list = rule[key].as_array().cloned().unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn no_rule_has_a_star_and_secrets_are_only_got() {
    for (name, program) in BASES {
        let documents = base(name);
        let roles = of_kind(&documents, &["ClusterRole", "Role"]);
        assert!(!roles.is_empty(), "{name} has roles");
        for role in roles {
            for rule in role["rules"].as_array().into_iter().flatten() {
                let text = rule.to_string();
                assert!(!text.contains('*'), "{program}: {text}");
                let resources = texts(rule, "resources");
                let verbs = texts(rule, "verbs");
                if resources.contains("secrets") {
                    assert_eq!(verbs, BTreeSet::from(["get".to_owned()]), "{program}: {text}");
                }
                for dangerous in ["escalate", "bind"] {
                    assert!(!verbs.contains(dangerous), "{program}: {text}");
                }
                // A program writes as a tenant's account: it may be it, and no user or group but that.
                if verbs.contains("impersonate") {
                    assert!(!resources.contains("users"), "{program}: {text}");
                    let names = texts(rule, "resourceNames");
                    assert!(
                        !resources.contains("groups") || !names.is_empty(),
                        "{program}: {text}"
                    );
                }
            }
        }
    }
}

/// What a program may write with its own rights: status, finalizers of kinds that clean up, events and
/// leases. Everything of a tenant is written as the tenant's account.
#[test]
fn nothing_of_a_tenant_is_written_with_own_rights() {
    let allowed = [
        ("portolan-supply-chain", &["events", "gitwriters", "leases"][..]),
        ("portolan-delivery", &["events", "gitdeployments", "gitwriters", "leases"][..]),
    ];
    for ((name, program), (of, allowed)) in BASES.into_iter().zip(allowed) {
        assert_eq!(program, of);
        let documents = base(name);
        let mut written = BTreeSet::new();
        for role in of_kind(&documents, &["ClusterRole", "Role"]) {
            let role_name = role["metadata"]["name"].as_str().unwrap_or_default();
            let own = role_name.starts_with(program);
            if !own && !role_name.starts_with("portolan-stamped-kinds") {
                continue;
            }
            for rule in role["rules"].as_array().into_iter().flatten() {
                let verbs = texts(rule, "verbs");
                let reading =
                    BTreeSet::from(["get", "list", "watch", "impersonate"].map(String::from));
                if !verbs.is_subset(&reading) {
                    assert!(own, "{role_name} only reads: {rule}");
                    written.extend(texts(rule, "resources"));
                }
            }
        }
        written.retain(|resource| !resource.ends_with("/status"));
        let written: Vec<&str> = written.iter().map(String::as_str).collect();
        assert_eq!(written, allowed, "{program}");
    }
}

#[test]
fn pods_are_as_restricted_as_can_be() {
    for (name, program) in BASES {
        let documents = base(name);
        let deployments = of_kind(&documents, &["Deployment"]);
        assert_eq!(deployments.len(), 1, "{name} has one Deployment");
        let spec = &deployments[0]["spec"]["template"]["spec"];
        assert_eq!(spec["serviceAccountName"], program);
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
        assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        let container = &spec["containers"][0]["securityContext"];
        assert_eq!(container["allowPrivilegeEscalation"], false);
        assert_eq!(container["readOnlyRootFilesystem"], true);
        assert_eq!(container["capabilities"]["drop"][0], "ALL");
        for probe in ["livenessProbe", "readinessProbe"] {
            assert!(spec["containers"][0][probe].is_object(), "{program} has a {probe}");
        }
        assert!(spec["containers"][0]["resources"]["requests"]["memory"].is_string());
        let services = of_kind(&documents, &["Service"]);
        let services: Vec<&Value> = services.iter().map(|s| &s["metadata"]["name"]).collect();
        assert_eq!(services, ["portolan-artifacts", "portolan-metrics"], "{name}");
        let definitions = of_kind(&documents, &["CustomResourceDefinition"]);
        assert_eq!(definitions.len(), 16, "{name} brings all kinds");
    }
}
