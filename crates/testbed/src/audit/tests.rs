//! Lines as kube-apiserver 1.34 writes them.

use std::io::Write as _;

use super::*;

const LINE: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"6c","stage":"ResponseComplete","requestURI":"/apis/apps/v1/namespaces/dev/deployments/web?fieldManager=x","verb":"patch","user":{"username":"system:serviceaccount:portolan-system:portolan-delivery","groups":["system:authenticated"]},"impersonatedUser":{"username":"system:serviceaccount:dev:deployer","groups":["system:authenticated"]},"sourceIPs":["127.0.0.1"],"userAgent":"portolan/0.1","objectRef":{"resource":"deployments","namespace":"dev","name":"web","apiGroup":"apps","apiVersion":"v1","subresource":"status"},"responseStatus":{"metadata":{},"code":201},"requestReceivedTimestamp":"2025-11-21T10:15:50.000001Z","stageTimestamp":"2025-11-21T10:15:50.123456Z"}"#;

fn entry(verb: &str, group: &str, resource: &str, user: &str) -> AuditEntry {
    let mut entry = AuditEntry::parse(LINE).unwrap();
    entry.verb = verb.into();
    entry.group = group.into();
    entry.resource = resource.into();
    entry.subresource = String::new();
    entry.user = user.into();
    entry.impersonated_user = None;
    entry
}

#[test]
fn a_line_is_read_in_full() {
    let entry = AuditEntry::parse(LINE).unwrap();
    assert_eq!(entry.user, "system:serviceaccount:portolan-system:portolan-delivery");
    assert_eq!(entry.actor(), "system:serviceaccount:dev:deployer");
    assert_eq!((entry.group.as_str(), entry.resource.as_str()), ("apps", "deployments"));
    assert_eq!((entry.namespace.as_str(), entry.name.as_str()), ("dev", "web"));
    assert_eq!((entry.subresource.as_str(), entry.code), ("status", 201));
    assert_eq!(entry.at.to_string(), "2025-11-21T10:15:50.123456Z");
    assert!(entry.is_write() && !entry.is_lease() && !entry.is_event() && !entry.is_watch());
}

#[test]
fn writes_are_counted_by_user_with_events_apart() {
    let entries = [
        entry("create", "", "configmaps", "jane"),
        entry("patch", "apps", "deployments", "jane"),
        entry("create", "", "events", "jane"),
        entry("patch", "events.k8s.io", "events", "jane"),
        entry("update", "coordination.k8s.io", "leases", "jane"),
        entry("create", "authorization.k8s.io", "subjectaccessreviews", "jane"),
        entry("get", "", "configmaps", "jane"),
        entry("deletecollection", "", "pods", "joe"),
    ];
    let writes = writes_by_user(&entries);
    assert_eq!(writes["jane"], Writes { objects: 2, events: 2 });
    assert_eq!(writes["joe"], Writes { objects: 1, events: 0 });
    assert_eq!(besides_watches_and_leases(&entries).len(), 7);
}

#[test]
fn a_half_written_line_and_what_is_before_the_mark_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = AuditLog::new(path.clone(), Config::new(http::Uri::from_static("https://127.0.0.1")));
    assert!(log.requests(Mark::default()).unwrap().is_empty(), "no file yet");
    let mut file = File::create(&path).unwrap();
    writeln!(file, "{LINE}").unwrap();
    let mark = log.mark();
    write!(file, "{LINE}\n{}", &LINE[..40]).unwrap();
    assert_eq!(log.requests(Mark::default()).unwrap().len(), 2);
    assert_eq!(log.requests(mark).unwrap().len(), 1);
}
