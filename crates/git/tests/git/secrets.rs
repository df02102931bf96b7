//! T-26: credentials are in no message, no file name, no file and no environment.

use std::path::Path;

use portolan_git::{Credentials, Error, Login, RemoteRepository};
use portolan_testbed::Fault;

use crate::lab::{Lab, REPO, Writer, workers};

const SECRET: &str = "canary-s3cret/word+1234567890";
/// The secret in all forms in which it might get out.
const FORMS: [&str; 5] = [
    "canary-s3cre",
    "Y2FuYXJ5LXMzY3JldC93b3JkKzEyMzQ1Njc4OTA=",
    "Y2FuYXJ5LXMz",
    "bWU6Y2FuYXJ5",
    "canary-s3cret%2Fword",
];

fn check(text: &str) {
    for form in FORMS {
        assert!(!text.contains(form), "{text}");
    }
}

/// What a server sends that repeats what it was shown.
const ECHO: &str = "#!/bin/sh\ncat >/dev/null\necho 'you sent canary-s3cret/word+1234567890, in base64 \
                    bWU6Y2FuYXJ5LXMzY3JldC93b3JkKzEyMzQ1Njc4OTA=, cut canary-s3cret' >&2\nexit 1\n";

#[tokio::test]
async fn no_message_holds_a_secret() {
    let lab = Lab::with(|options| options.deadline = std::time::Duration::from_secs(2)).await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    let mut texts = Vec::new();
    for credentials in [Credentials::basic("me", SECRET), Credentials::bearer(SECRET)] {
        texts.push(format!("{credentials:?}"));
        let is_basic = matches!(credentials.login, Login::Basic { .. });
        let repo = RemoteRepository::new(lab.server.url(REPO), credentials.clone());
        texts.push(format!("{repo:?}"));
        let with_userinfo = RemoteRepository::new(
            lab.server.url(REPO).replace("http://", &format!("http://me:{SECRET}@")),
            credentials,
        );
        texts.push(format!("{with_userinfo:?} {:?}", lab.service.refs(&with_userinfo).await));
        for fault in [
            None,
            Some((Fault::Status(503), "info/refs")),
            Some((Fault::Status(404), "info/refs")),
            Some((Fault::Status(403), "git-receive-pack")),
            Some((
                Fault::Redirect(format!("http://me:{SECRET}@evil.example/{SECRET}?t={SECRET}")),
                "info/refs",
            )),
            Some((Fault::Hang, "git-receive-pack")),
            Some((Fault::LoseAnswer, "git-upload-pack")),
            Some((Fault::CutAfter(100), "info/refs")),
        ] {
            lab.server.set_credentials(is_basic.then_some(("me", SECRET)));
            if let Some((fault, at)) = fault {
                lab.server.inject(fault, at, None);
            } else {
                lab.server.set_hook(REPO, "pre-receive", ECHO).await.unwrap();
            }
            let writer = Writer::new("main", None, "A");
            let written = lab.service.write(&repo, writer.place.clone(), Box::new(writer)).await;
            let error = written.unwrap_err();
            texts.push(format!("{error} {error:?} {}", serde_json_of(&error)));
            lab.server.clear_faults();
            let _ = lab.server.remove_hook(REPO, "pre-receive");
        }
        lab.server.set_credentials(Some(("me", "another")));
        texts.push(format!("{:?}", lab.service.refs(&repo).await));
    }
    for text in &texts {
        check(text);
    }
    assert!(texts.iter().any(|text| text.contains("you sent ***, in base64 ***")), "{texts:?}");
    files(lab.cache());
}

fn serde_json_of(error: &Error) -> String {
    format!("{} {:?} {:?}", error.reason(), error.class(), error.retry_after())
}

/// Names and contents of all files.
fn files(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        check(&entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files(&entry.path());
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            check(&String::from_utf8_lossy(&bytes));
        }
    }
}

/// What a worker has of us: two pipes, a scratch folder, no environment, no core dump.
#[tokio::test]
async fn a_worker_inherits_nothing() {
    let lab = Lab::new().await;
    let _open = std::fs::File::open("/etc/hostname");
    let repo = RemoteRepository::new(lab.server.url(REPO), Credentials::basic("me", SECRET));
    lab.service.refs(&repo).await.unwrap();
    let ids = workers(lab.cache());
    assert_eq!(ids.len(), 1);
    let read = |name: &str| {
        String::from_utf8_lossy(&std::fs::read(format!("/proc/{}/{name}", ids[0])).unwrap())
            .into_owned()
    };
    let environment = read("environ");
    let names: Vec<&str> = environment
        .split('\0')
        .filter_map(|pair| pair.split_once('='))
        .map(|pair| pair.0)
        .collect();
    assert_eq!(names, ["HOME", "TMPDIR"]);
    check(&(environment.clone() + &read("cmdline")));
    let limits = read("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    for descriptor in std::fs::read_dir(format!("/proc/{}/fd", ids[0])).unwrap().flatten() {
        let target = std::fs::read_link(descriptor.path()).unwrap_or_default();
        let target = target.to_string_lossy();
        let is_known = target.starts_with("pipe:")
            || target.starts_with("socket:")
            || target.starts_with("anon_inode:")
            || target == "/dev/null"
            || target.starts_with(&*lab.cache().to_string_lossy());
        assert!(is_known, "{target}");
    }
}

/// What one credential has fetched, no other sees.
#[tokio::test]
async fn tenants_do_not_share_a_cache() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    for credentials in
        [Credentials::none(), Credentials::basic("a", "1"), Credentials::basic("a", "2")]
    {
        let repo = RemoteRepository::new(lab.server.url(REPO), credentials);
        lab.service.refs(&repo).await.unwrap();
    }
    assert_eq!(workers(lab.cache()).len(), 3);
    let folders =
        std::fs::read_dir(lab.cache()).unwrap().flatten().filter(|entry| entry.path().is_dir());
    assert_eq!(folders.count(), 3);
}
