//! What becomes of a request's head once it is closed, its branch moves on, or is deleted.

use http::Method;
use portolan_git::{Error, Options, Service};
use portolan_plan::writer::RequestState;
use serde_json::Value;

use crate::lab::{BOT, DEADLINE, Lab, credentials, new};

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_request_keeps_its_head() {
    let lab = Lab::new("declined").await;
    let request = lab.offered("a").await;
    let last = lab.push("a", "a.txt", "B").await;
    lab.with_head(request.number, &last).await;
    assert_eq!(lab.refs().await.get(&request.reference), Some(&last));
    lab.forge.close(request.number).await.unwrap();

    let declined = lab.listed(request.number).await;
    assert_eq!((declined.state, declined.head.as_str()), (RequestState::Closed, last.as_str()));
    assert_eq!((declined.branch.as_str(), declined.merged_revision), ("a", None));

    // The branch goes on without it.
    let later = lab.push("a", "a.txt", "C").await;
    let second = lab.forge.open(&new("a")).await.unwrap();
    assert_eq!((second.number, second.head.as_str()), (2, later.as_str()));
    assert_eq!(lab.listed(1).await.head, last);
    let refs = lab.refs().await;
    assert_eq!(refs.get("refs/pull/1/head"), Some(&last));
    assert_eq!(refs.get("refs/pull/2/head"), Some(&later));
    // What the forge shows of a closed one alone is the branch.
    let shown = lab.must("ann", Method::GET, "/pulls/1", Value::Null).await;
    assert_eq!(shown["head"]["sha"], later.as_str());

    // The branch is deleted: an open request from it is closed, and both keep their heads.
    lab.delete_branch("a").await;
    let closed = portolan_testbed::wait::until("the request to be closed", DEADLINE, async || {
        Some(lab.listed(2).await).filter(|request| request.state == RequestState::Closed)
    })
    .await
    .unwrap();
    assert_eq!((closed.head.as_str(), closed.branch.as_str()), (later.as_str(), "a"));
    let first = lab.listed(1).await;
    assert_eq!((first.head.as_str(), first.branch.as_str()), (last.as_str(), "a"));
    let refs = lab.refs().await;
    assert_eq!(refs.get("refs/pull/1/head"), Some(&last));
    assert_eq!(refs.get("refs/pull/2/head"), Some(&later));
    assert!(!refs.contains_key("refs/heads/a"));

    // And a new branch of the same name changes nothing about them.
    lab.push("a", "a.txt", "D").await;
    assert_eq!((lab.listed(1).await.head, lab.listed(2).await.head), (last, later));
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_are_deleted_once() {
    let lab = Lab::new("deleted").await;
    let cache = tempfile::tempdir().unwrap();
    let worker = vec![env!("CARGO_BIN_EXE_portolan-git-worker").into()];
    let service = Service::new(Options::with_worker(worker, cache.path())).unwrap();
    let repository = lab.repository(credentials(BOT));
    for branch in ["a", "portolan/team/a", "odd#%41+name", "ä=x"] {
        let path = lab.push("base", "x.txt", branch).await;
        let made = serde_json::json!({ "new_branch_name": branch, "old_ref_name": path });
        lab.must("ann", Method::POST, "/branches", made).await;
        let name = format!("refs/heads/{branch}");
        assert!(lab.refs().await.contains_key(&name), "{branch}");
        let tip = lab.refs().await.remove(&name).unwrap();
        let other = lab.tip("main").await.unwrap();
        assert!(!service.delete_branch(&repository, branch, &other).await.unwrap());
        assert!(lab.refs().await.contains_key(&name), "{branch} is at another commit");
        for _ in 0..2 {
            assert!(service.delete_branch(&repository, branch, &tip).await.unwrap());
            assert!(!lab.refs().await.contains_key(&name), "{branch}");
        }
    }
    lab.protect(serde_json::json!({ "rule_name": "base" })).await;
    for branch in ["main", "base"] {
        let tip = lab.tip(branch).await.unwrap();
        let error = service.delete_branch(&repository, branch, &tip).await.unwrap_err();
        assert!(matches!(&error, Error::PushRefused { .. }), "{error}");
        assert!(lab.tip(branch).await.is_some());
    }
}
