//! What a request lacks, on a branch that is protected.

use http::Method;
use portolan_git::{Class, Error, Merged};
use portolan_plan::writer::{CheckState, PullRequest, Readiness, RequestState};
use serde_json::json;

use crate::lab::{BOT, Lab};

/// The words by which a merge is refused.
async fn refusal(lab: &Lab, request: &PullRequest) -> String {
    let error = lab.forge.merge(request.number, &request.head).await.unwrap_err();
    assert_eq!((error.class(), error.reason()), (Class::Stalled, "RequestRefused"));
    let Error::ForgeRefused { message, .. } = &error else { panic!("{error}") };
    assert_eq!(lab.listed(request.number).await.state, RequestState::Open);
    message.clone()
}

const CHECKS: &str =
    "Not all required status checks successful (405): see on the forge what it lacks";
const APPROVALS: &str = "Does not have enough approvals (405): see on the forge what it lacks";

#[tokio::test(flavor = "multi_thread")]
async fn step_by_step() {
    let lab = Lab::new("steps").await;
    lab.protect(json!({})).await;
    let request = lab.offered("a").await;
    let head = request.head.clone();
    let ready = async || lab.forge.readiness(&request).await.unwrap();
    let nothing = Readiness {
        head: head.clone(),
        guarded: true,
        demanded_approvals: 1,
        demanded_checks: vec!["ci/check".into()],
        ..Readiness::default()
    };
    assert_eq!(ready().await, nothing);
    assert!(refusal(&lab, &request).await.starts_with(CHECKS));

    for (state, told) in [
        ("pending", CheckState::Pending),
        ("failure", CheckState::Failure),
        ("error", CheckState::Failure),
        ("pending", CheckState::Pending),
    ] {
        lab.check(&head, "ci/check", state).await;
        assert_eq!(ready().await.checks, [("ci/check".into(), told)].into(), "{state}");
        assert!(refusal(&lab, &request).await.starts_with(CHECKS));
    }
    lab.check(&head, "ci/other", "failure").await;
    lab.check(&head, "ci/check", "success").await;
    let checks = [
        ("ci/check".to_owned(), CheckState::Success),
        ("ci/other".to_owned(), CheckState::Failure),
    ];
    let checked = Readiness { checks: checks.into(), ..nothing };
    assert_eq!(ready().await, checked);
    assert!(refusal(&lab, &request).await.starts_with(APPROVALS));

    // Not by the author, not by one who may only read.
    let own = json!({ "event": "APPROVED", "body": "mine" });
    let (code, _) = lab.api(BOT, Method::POST, "/pulls/1/reviews", own).await;
    assert_eq!(code, 422);
    lab.review("eve", 1, "APPROVED").await;
    lab.review("ann", 1, "COMMENT").await;
    assert_eq!(ready().await, checked);

    lab.review("ann", 1, "REQUEST_CHANGES").await;
    let rejected = Readiness { rejected_by: vec!["ann".into()], ..checked.clone() };
    assert_eq!(ready().await, rejected);
    lab.review("ben", 1, "APPROVED").await;
    assert_eq!(ready().await, Readiness { approvals: 1, ..rejected });
    let words = refusal(&lab, &request).await;
    assert!(words.starts_with("There are requested changes (405)"), "{words}");
    lab.review("ann", 1, "APPROVED").await;
    let approved = Readiness { approvals: 2, ..checked };
    assert_eq!(ready().await, approved);

    let merged = lab.forge.merge(1, &head).await.unwrap();
    let Merged::Yes { revision } = merged else { panic!("{merged:?}") };
    assert_eq!(lab.tip("main").await.as_deref(), Some(revision.as_str()));
    let of_main = lab.server.commits("steps", "app", "main").await.unwrap();
    assert!(of_main.iter().any(|commit| commit["sha"] == head.as_str()));
    assert!(!ready().await.conflicts, "merged");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_of_one_head() {
    let lab = Lab::new("one-head").await;
    // The forge itself counts stale approvals here.
    lab.protect(json!({ "dismiss_stale_approvals": false, "ignore_stale_approvals": false })).await;
    let request = lab.offered("a").await;
    lab.check(&request.head, "ci/check", "success").await;
    let review = lab.review("ann", 1, "APPROVED").await;
    assert_eq!(lab.forge.readiness(&request).await.unwrap().approvals, 1);

    // A push.
    let second = lab.push("a", "a.txt", "B").await;
    let request = lab.with_head(1, &second).await;
    let readiness = lab.forge.readiness(&request).await.unwrap();
    assert_eq!((readiness.head.as_str(), readiness.approvals), (second.as_str(), 0));
    assert_eq!(readiness.checks, [].into());
    lab.check(&second, "ci/check", "success").await;
    lab.review("ann", 1, "APPROVED").await;
    assert_eq!(lab.forge.readiness(&request).await.unwrap().approvals, 1);

    // Dismissed.
    let reviews = lab.must("ann", Method::GET, "/pulls/1/reviews", json!(null)).await;
    let last = reviews.as_array().unwrap().last().unwrap()["id"].clone();
    assert_ne!(last, review["id"]);
    let dismissal = json!({ "message": "no", "priors": false });
    let path = format!("/pulls/1/reviews/{last}/dismissals");
    lab.must("admin", Method::POST, &path, dismissal).await;
    assert_eq!(lab.forge.readiness(&request).await.unwrap().approvals, 0);

    // Asked again after an approval: no approval until the answer.
    lab.review("ben", 1, "APPROVED").await;
    assert_eq!(lab.forge.readiness(&request).await.unwrap().approvals, 1);
    let again = json!({ "reviewers": ["ben"] });
    lab.must(BOT, Method::POST, "/pulls/1/requested_reviewers", again).await;
    assert_eq!(lab.forge.readiness(&request).await.unwrap().approvals, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_other_kinds() {
    let lab = Lab::new("rules").await;
    let request = lab.offered("a").await;
    let readiness = lab.forge.readiness(&request).await.unwrap();
    let free = Readiness { head: request.head.clone(), ..Readiness::default() };
    assert_eq!(readiness, free, "nothing guards main");
    // Approvals of those who may write count all the same.
    lab.review("ann", 1, "APPROVED").await;
    lab.review("eve", 1, "APPROVED").await;
    assert_eq!(lab.forge.readiness(&request).await.unwrap().approvals, 1);

    // A rule for several branches that demands every check there is.
    let rule = json!({
        "rule_name": "ma*", "required_approvals": 0, "status_check_contexts": [],
    });
    lab.protect(rule).await;
    let readiness = lab.forge.readiness(&request).await.unwrap();
    assert_eq!((readiness.guarded, readiness.demanded_approvals), (true, 0));
    assert_eq!(readiness.demanded_checks, ["*"]);
    assert!(refusal(&lab, &request).await.starts_with(CHECKS));
    lab.check(&request.head, "a", "success").await;
    lab.check(&request.head, "b", "pending").await;
    assert!(refusal(&lab, &request).await.starts_with(CHECKS));
    lab.check(&request.head, "b", "success").await;
    assert!(matches!(lab.forge.merge(1, &request.head).await.unwrap(), Merged::Yes { .. }));

    // A rule that demands neither.
    lab.must("admin", Method::DELETE, "/branch_protections/ma%2A", json!(null)).await;
    let rule = json!({ "required_approvals": 0, "enable_status_check": false });
    lab.protect(rule).await;
    let request = lab.offered("b").await;
    let readiness = lab.forge.readiness(&request).await.unwrap();
    assert_eq!((readiness.guarded, readiness.demanded_checks.len()), (false, 0));
    // Many checks come page by page.
    for count in 0..60 {
        lab.check(&request.head, &format!("check-{count}"), "success").await;
    }
    assert_eq!(lab.forge.readiness(&request).await.unwrap().checks.len(), 60);
}
