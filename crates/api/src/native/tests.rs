//! The CEL rules, evaluated without a server.

use serde_json::{Value, json};

use super::{GitDeployment, GitSource, GitWriter, SourceImage, Verification};

/// Checks that a spec is accepted, or refused with a message that contains a text.
macro_rules! check {
    ($kind:ident, $spec:expr, ok) => {
        assert_eq!(refusal::<$kind, _>($spec, $kind::validate_cel), None)
    };
    ($kind:ident, $spec:expr, $text:literal) => {{
        let refusal = refusal::<$kind, _>($spec, $kind::validate_cel).unwrap_or_default();
        assert!(refusal.contains($text), "{:?} does not say {:?}", refusal, $text);
    }};
}

fn refusal<K: serde::de::DeserializeOwned, E: ToString>(
    spec: Value,
    validate: impl Fn(&K) -> Result<(), E>,
) -> Option<String> {
    let object = json!({"metadata": {"name": "x"}, "spec": spec});
    let object: K = serde_json::from_value(object).unwrap();
    Some(validate(&object).err()?.to_string())
}

#[test]
fn git_source_rules() {
    check!(GitSource, json!({"url": "https://git.example/a.git"}), ok);
    check!(GitSource, json!({"url": "ssh://git@git.example/a.git", "ref": {"tag": "v1"}}), ok);
    check!(GitSource, json!({"url": "file:///etc"}), "https:// or ssh://");
    check!(GitSource, json!({"url": "ext::sh -c id"}), "https:// or ssh://");
    check!(GitSource, json!({"url": "https://u:p@git.example/a"}), "user name or password");
    check!(GitSource, json!({"url": "https://g/a", "ref": {}}), "exactly one of");
    let two = json!({"branch": "a", "tag": "b"});
    check!(GitSource, json!({"url": "https://g/a", "ref": two}), "exactly one of");
    check!(GitSource, json!({"url": "https://g/a", "path": "../x"}), "stay inside");
    check!(GitSource, json!({"url": "https://g/a", "interval": "10ms"}), "at least 1s");
}

#[test]
fn source_image_rules() {
    let source = json!({"url": "u", "revision": "r"});
    let image = |image: &str| json!({"source": source, "image": image});
    check!(SourceImage, image("registry.example/team/app"), ok);
    check!(SourceImage, image("127.0.0.1:5000/app"), ok);
    check!(SourceImage, image("localhost/app"), ok);
    check!(SourceImage, image("registry.example/app:v1"), "without tag");
    check!(SourceImage, image("registry.example/app@sha256:00"), "without tag");
    check!(SourceImage, image("team/app"), "with its registry");
    let layer = json!([{"from": "../x", "to": "app"}]);
    let layers = json!({"source": source, "image": "r.example/a", "layers": layer});
    check!(SourceImage, layers.clone(), "stay inside");
    check!(SourceImage, layers, "absolute");
}

fn writer(extra: &Value) -> Value {
    let mut spec = json!({
        "repository": {"url": "https://git.example/config.git"},
        "branch": "staging",
        "path": "apps/app",
        "content": {"files": {"a.yaml": "a: 1"}},
    });
    for (key, value) in extra.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

#[test]
fn git_writer_rules() {
    check!(GitWriter, writer(&json!({})), ok);
    check!(GitWriter, writer(&json!({"path": "."})), ok);
    for path in ["/a", "a//b", "../a", "a/./b", ".git/hooks", "a/.GIT", ".portolan"] {
        check!(GitWriter, writer(&json!({"path": path})), "path must be relative");
    }
    check!(GitWriter, writer(&json!({"path": ".", "exclusive": true})), "everybody's files");
    let tree = json!({"url": "u", "revision": "r", "path": "."});
    check!(GitWriter, writer(&json!({"content": {"tree": tree}})), ok);
    check!(GitWriter, writer(&json!({"content": {}})), "exactly one of files and tree");
    let both = json!({"files": {}, "tree": tree});
    check!(GitWriter, writer(&json!({"content": both})), "exactly one of files and tree");
}

#[test]
fn a_writer_keeps_its_branch_and_path() {
    let object = |spec: Value| -> GitWriter {
        serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": spec})).unwrap()
    };
    let old = object(writer(&json!({})));
    let moved = object(writer(&json!({"path": "apps/b", "branch": "b"})));
    let text = moved.validate_cel_update(&old).unwrap_err().to_string();
    assert!(text.contains("path cannot change") && text.contains("branch cannot change"), "{text}");
    let other = object(writer(&json!({"base": "main"})));
    assert!(other.validate_cel_update(&old).is_ok());
}

#[test]
fn git_deployment_rules() {
    let source = json!({"url": "u", "revision": "r"});
    let with = |key: &str, value: Value| {
        let mut spec = json!({"serviceAccountName": "deployer", "source": source});
        spec[key] = value;
        spec
    };
    check!(GitDeployment, with("path", json!("apps/app")), ok);
    check!(GitDeployment, with("path", json!("a/../..")), "stay inside");
    check!(GitDeployment, with("sourceRef", json!({"name": "s"})), "exactly one of");
    check!(GitDeployment, json!({"serviceAccountName": "deployer"}), "exactly one of");
    check!(GitDeployment, with("timeout", json!("0s")), "at least 1s");
}

#[test]
fn verification_rules() {
    let with = |checks: Value| {
        json!({
            "subject": {"url": "u", "revision": "r", "deploymentRef": {"name": "d"}},
            "serviceAccountName": "tester",
            "checks": checks,
        })
    };
    let up = json!({"name": "up", "http": {"service": {"name": "app", "port": 80}}});
    let object =
        json!({"name": "up", "object": {"ref": {"apiVersion": "v1", "kind": "Pod", "name": "p"}}});
    check!(Verification, with(json!([up])), ok);
    check!(Verification, with(json!([up, object])), "unique");
    check!(Verification, with(json!([{"name": "none"}])), "exactly one of http");
    check!(Verification, with(json!([{"name": "up", "http": {}}])), "exactly one of service");
    let often = |every: &str| {
        let mut check = up.clone();
        check["every"] = json!(every);
        with(json!([check]))
    };
    check!(Verification, often("1s"), ok);
    check!(Verification, often("0s"), "every must be at least 1s");
    check!(Verification, often("999ms"), "every must be at least 1s");
}
