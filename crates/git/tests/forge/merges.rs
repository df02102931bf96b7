//! Requests are merged in the repository's way, and only at the head that was looked at.

use http::Method;
use portolan_git::{Error, Merged};
use portolan_plan::writer::{PullRequest, RequestState};
use portolan_testbed::wait;
use rstest::rstest;
use serde_json::json;

use crate::lab::{DEADLINE, Lab, REPO, new};

/// Merges, as soon as the branches are compared.
async fn merged(lab: &Lab, request: &PullRequest) -> String {
    wait::until("the merge", DEADLINE, async || {
        match lab.forge.merge(request.number, &request.head).await.unwrap() {
            Merged::Yes { revision } => Some(revision),
            Merged::Later { why } => {
                assert_eq!(why, "Please try again later");
                None
            }
        }
    })
    .await
    .unwrap()
}

#[rstest]
#[case("merge")]
#[case("squash")]
#[case("rebase")]
#[case("rebase-merge")]
#[case("fast-forward-only")]
#[tokio::test(flavor = "multi_thread")]
async fn in_the_way_of_the_repository(#[case] style: &str) {
    let lab = Lab::new(&format!("by-{style}")).await;
    let way = json!({ "default_merge_style": style, "allow_fast_forward_only_merge": true });
    lab.must("admin", Method::PATCH, "", way).await;
    for (branch, is_kept) in [("kept", true), ("deleted", false)] {
        let request = lab.offered(branch).await;
        let is_forward = style == "fast-forward-only";
        if !is_forward {
            lab.push("main", branch, "meanwhile").await;
        }
        let before = lab.tip("main").await.unwrap();
        let revision = merged(&lab, &request).await;
        let tip = lab.tip("main").await.unwrap();
        assert_eq!((revision.as_str(), tip == before), (tip.as_str(), false), "{branch}");
        assert_eq!(revision == request.head, is_forward);
        if !is_kept {
            lab.delete_branch(branch).await;
        }
        let listed = lab.listed(request.number).await;
        assert_eq!(listed.state, RequestState::Merged);
        assert_eq!(listed.merged_revision.as_deref(), Some(tip.as_str()));
        assert_eq!((listed.head.as_str(), listed.branch.as_str()), (&*request.head, branch));
        assert_eq!(lab.refs().await.get(&listed.reference), Some(&request.head));

        let parents = &lab.server.commits(&lab.org, REPO, "main").await.unwrap()[0]["parents"];
        let parents = parents.as_array().unwrap().len();
        assert_eq!(parents, if style.ends_with("merge") { 2 } else { 1 });
        // Merged is merged.
        let again = lab.forge.merge(request.number, &request.head).await.unwrap();
        assert_eq!(again, Merged::Later { why: "it was merged meanwhile".into() });
    }
    // A branch that is kept goes on without its request.
    lab.push("kept", "more.txt", "B").await;
    assert_ne!(lab.tip("kept").await.unwrap(), lab.listed(1).await.head);
    let refused = lab.forge.close(1).await.unwrap_err();
    assert!(refused.to_string().contains("already merged"), "{refused}");
    assert_eq!(lab.listed(1).await.state, RequestState::Merged);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_no_other_head() {
    let lab = Lab::new("wrong-head").await;
    let request = lab.offered("a").await;
    let main = lab.tip("main").await;
    let later = lab.push("a", "a.txt", "not reviewed").await;
    let answer = lab.forge.merge(request.number, &request.head).await.unwrap();
    let Merged::Later { why } = &answer else { panic!("{answer:?}") };
    assert!(why.contains("head out of date") || why.contains("try again later"), "{why}");
    assert_eq!((lab.listed(1).await.state, lab.tip("main").await), (RequestState::Open, main));
    for odd in ["", "main", &later[..12]] {
        let error = lab.forge.merge(request.number, odd).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
    }
    lab.with_head(request.number, &later).await;
    let readiness = lab.forge.readiness(&request).await.unwrap();
    assert_eq!((readiness.head.as_str(), readiness.conflicts), (later.as_str(), false));
    merged(&lab, &PullRequest { head: later, ..request }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn not_where_branches_conflict_nor_what_is_closed() {
    let lab = Lab::new("conflict").await;
    let head = lab.push("a", "README.md", "one").await;
    lab.push("main", "README.md", "another").await;
    let request = lab.forge.open(&new("a")).await.unwrap();
    assert_eq!(request.head, head);
    let readiness = lab.forge.readiness(&request).await.unwrap();
    assert!(readiness.conflicts && !readiness.guarded, "{readiness:?}");
    let merged = lab.forge.merge(1, &head).await.unwrap();
    assert!(matches!(&merged, Merged::Later { why } if why.contains("later")), "{merged:?}");
    lab.forge.close(1).await.unwrap();
    let merged = lab.forge.merge(1, &head).await.unwrap();
    assert_eq!(merged, Merged::Later { why: "it was closed meanwhile".into() });
    let error = lab.forge.merge(7, &head).await.unwrap_err();
    assert_eq!(error.reason(), "RequestRefused", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_nobody_who_may_not() {
    let lab = Lab::new("may-not").await;
    let request = lab.offered("a").await;
    let eve = lab.as_user("eve").await;
    let error = eve.merge(request.number, &request.head).await.unwrap_err();
    assert!(error.to_string().contains("refuses to merge request #1: User not allowed"), "{error}");
    for error in [eve.edit(1, "x", "x").await.unwrap_err(), eve.close(1).await.unwrap_err()] {
        assert_eq!(error.reason(), "RequestRefused", "{error}");
        assert!(error.to_string().contains("check the rights"), "{error}");
    }
    assert_eq!(lab.listed(1).await.state, RequestState::Open);
}
