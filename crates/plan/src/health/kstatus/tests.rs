use serde_json::json;

use super::*;

fn check(object: Value, health: Health, message: &str) {
    let found = standing(&object);
    assert_eq!((found.health, found.message.as_str()), (health, message), "{object}");
}

fn with(api_version: &str, kind: &str, spec: Value, status: Value) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": "x", "generation": 2}, "spec": spec, "status": status,
    })
}

fn deployment_with(status: Value) -> Value {
    with("apps/v1", "Deployment", json!({"replicas": 2}), status)
}

#[test]
fn deployments() {
    let done = json!({
        "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
        "readyReplicas": 2,
    });
    check(deployment_with(done.clone()), Health::Current, "");
    check(
        deployment_with(json!({"observedGeneration": 1})),
        Health::InProgress,
        "generation is 2, latest observed is 1",
    );
    for (field, value, message) in [
        ("replicas", 1, "replicas: 1/2"),
        ("replicas", 3, "pending termination: 1"),
        ("updatedReplicas", 1, "updated: 1/2"),
        ("availableReplicas", 0, "available: 0/2"),
        ("readyReplicas", 1, "ready: 1/2"),
    ] {
        let mut status = done.clone();
        status[field] = json!(value);
        check(deployment_with(status), Health::InProgress, message);
    }
    let mut late = done.clone();
    late["conditions"] = json!([
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}
    ]);
    check(deployment_with(late), Health::Failed, "late");
    check(deployment_with(json!({})), Health::InProgress, "replicas: 0/2");
}

#[test]
fn other_workloads() {
    let set = |status| with("apps/v1", "StatefulSet", json!({"replicas": 1}), status);
    let done =
        json!({"replicas": 1, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "a"});
    check(set(done), Health::Current, "");
    check(set(json!({"replicas": 1})), Health::InProgress, "ready: 0/1");
    let daemon = |status| with("apps/v1", "DaemonSet", json!({}), status);
    check(daemon(json!({})), Health::InProgress, "the daemon set has not been looked at");
    check(daemon(json!({"observedGeneration": 2})), Health::Current, "");
    let replica = |status| with("apps/v1", "ReplicaSet", json!({"replicas": 1}), status);
    check(replica(json!({})), Health::InProgress, "labelled: 0/1");
    let job = |status| with("batch/v1", "Job", json!({}), status);
    check(job(json!({})), Health::InProgress, "the job has not started");
    check(job(json!({"startTime": "2026-01-01T00:00:00Z"})), Health::Current, "");
    let failed = json!({"conditions": [{"type": "Failed", "status": "True", "reason": "B", "message": "m"}]});
    check(job(failed), Health::Failed, "B: m");
}

#[test]
fn pods_say_why_they_wait() {
    let pod = |status| with("v1", "Pod", json!({}), status);
    let unschedulable = json!({"phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient cpu.",
    }]});
    let message = "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.";
    check(pod(unschedulable), Health::InProgress, message);
    let waiting = |phase: &str| {
        json!({"phase": phase, "containerStatuses": [
            {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "again"}}},
        ]})
    };
    check(pod(waiting("Running")), Health::Failed, "CrashLoopBackOff: again");
    check(pod(json!({"phase": "Succeeded"})), Health::Current, "");
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    check(pod(ready), Health::Current, "");
}

#[test]
fn other_kinds_say_it_in_conditions() {
    let custom = |conditions: Value| {
        with("carto.run/v1alpha1", "GitSource", json!({}), json!({"conditions": conditions}))
    };
    let condition = |type_: &str, status: &str| json!([{"type": type_, "status": status, "reason": "R", "message": "m"}]);
    check(custom(json!([])), Health::Current, "");
    check(custom(condition("Ready", "True")), Health::Current, "");
    check(custom(condition("Ready", "False")), Health::InProgress, "R: m");
    check(custom(condition("Reconciling", "True")), Health::InProgress, "R: m");
    check(custom(condition("Stalled", "True")), Health::Failed, "R: m");
    check(with("v1", "ConfigMap", json!({}), json!({})), Health::Current, "");
    check(
        with("v1", "Service", json!({"type": "LoadBalancer"}), json!({})),
        Health::InProgress,
        "the load balancer has no address",
    );
    check(
        with("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Bound"})),
        Health::Current,
        "",
    );
    let crd = json!({"conditions": [{"type": "Established", "status": "True"}]});
    check(
        with("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), crd),
        Health::Current,
        "",
    );
}

#[test]
fn what_is_being_deleted_is_terminating() {
    let object =
        json!({"kind": "ConfigMap", "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    check(object, Health::Terminating, "the object is being deleted");
}
