//! Branches that are deleted: only where nobody else has moved them.

use portolan_git::Error;

use crate::lab::Lab;

#[tokio::test]
async fn a_branch_is_deleted_at_its_commit_alone() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    let merged = lab.commit("app", &[("a", Some("1"))], "A").await;
    let theirs = lab.commit("app", &[("a", Some("2"))], "B").await;
    let repo = lab.repo();
    assert!(!lab.service.delete_branch(&repo, "app", &merged).await.unwrap());
    assert_eq!(lab.tip("app").await.as_ref(), Some(&theirs), "what was pushed meanwhile stays");
    assert_eq!(lab.pushes(), 0, "a moved branch is seen before anything is sent");
    // Once more where it is gone.
    for _ in 0..2 {
        assert!(lab.service.delete_branch(&repo, "app", &theirs).await.unwrap());
        assert_eq!(lab.tip("app").await, None);
    }
    assert_eq!(lab.pushes(), 1);
    assert!(lab.tip("main").await.is_some());
}

#[tokio::test]
async fn a_hook_that_keeps_a_branch_is_told() {
    let lab = Lab::new().await;
    let tip = lab.commit("app", &[("a", Some("1"))], "A").await;
    let keep = "#!/bin/sh\necho 'it is kept' >&2\nexit 1\n";
    lab.server.set_hook("team/app", "update", keep).await.unwrap();
    let error = lab.service.delete_branch(&lab.repo(), "app", &tip).await.unwrap_err();
    let Error::PushRefused { reference, message } = &error else { panic!("{error}") };
    assert_eq!(reference, "app");
    assert!(message.contains("it is kept"), "{message}");
    assert_eq!(lab.tip("app").await, Some(tip));
}
