//! The rows of the decision table in which people have had a hand: taken back, edited, branch deleted.

use portolan_plan::writer::Decision;
use portolan_testbed::How;
use rstest::rstest;

use crate::lab::REPO;
use crate::table::{FILE, alone, based, done, left, merged, text, with_staging, wrote};

#[rstest]
#[tokio::test]
async fn row_2b_reverted(
    #[values(false, true)] restarts: bool,
    #[values(How::Merge, How::Squash, How::Rebase)] how: How,
    #[values(false, true)] keeps_branch: bool,
) {
    let mut lab = with_staging(restarts).await;
    let commit = merged(&mut lab, how, keeps_branch).await;
    let revert = lab.server.revert(REPO, "staging", &commit).await.unwrap();
    lab.commit("staging", &[("README", Some("later"))], "Elsewhere").await;
    let decided = lab.settled(&based("A")).await;
    let Decision::Reverted { message } = decided else { panic!("{decided:?}") };
    assert!(message.contains(&revert[..12]) && message.contains("Testbed"), "{message}");

    // New content is written all the same.
    let mut asked = based("A");
    asked.facts.requested = true;
    assert_eq!(lab.decide(&asked).await, wrote(2));
    let tip = lab.tip("staging-app").await.unwrap();
    assert_eq!(lab.settled(&based("A")).await, left(&tip));
    // A branch kept after a rebase may refuse another; merge and squash work.
    let how = if keeps_branch && how == How::Rebase { How::Merge } else { how };
    let merged = lab.server.merge(REPO, "staging", "staging-app", how).await.unwrap();
    assert_eq!(lab.settled(&based("A")).await, done(&merged));
}

#[rstest]
#[tokio::test]
async fn row_2b_reverted_without_a_base(#[values(false, true)] restarts: bool) {
    let mut lab = with_staging(restarts).await;
    lab.decide(&alone("A")).await;
    lab.decide(&alone("B")).await;
    let ours = lab.tip("staging").await.unwrap();
    let revert = lab.server.revert(REPO, "staging", &ours).await.unwrap();
    let decided = lab.settled(&alone("B")).await;
    let Decision::Reverted { message } = decided else { panic!("{decided:?}") };
    assert!(message.contains(&revert[..12]), "{message}");
    assert_eq!(text(&lab, "staging").await, "A");
    let mut asked = alone("B");
    asked.facts.requested = true;
    assert_eq!(lab.decide(&asked).await, wrote(3));
    let tip = lab.tip("staging").await.unwrap();
    assert_eq!(lab.settled(&alone("B")).await, done(&tip));
}

#[rstest]
#[tokio::test]
async fn row_2b_edited(#[values(false, true)] restarts: bool) {
    let mut lab = with_staging(restarts).await;
    merged(&mut lab, How::Squash, false).await;
    let edit = lab.commit("staging", &[(FILE, Some("by hand"))], "Hot fix").await;
    lab.commit("staging", &[("README", Some("later"))], "Elsewhere").await;
    let decided = lab.settled(&based("A")).await;
    let Decision::Edited { message } = decided else { panic!("{decided:?}") };
    assert!(
        message.contains(&edit[..12])
            && message.contains("Hot fix")
            && message.contains("app.yaml"),
        "{message}"
    );

    // New content that replaces a person's edit says so.
    let decided = lab.decide(&based("B")).await;
    let replaces = Some("Replaces a person's edit of app.yaml.".to_owned());
    assert_eq!(decided, Decision::Write { sequence: 2, replaces });
    let message = lab.git(&["show", "-s", "--format=%B", "staging-app"]).await;
    assert!(message.contains("Replaces a person's edit of app.yaml."), "{message}");
}

#[rstest]
#[tokio::test]
async fn row_2b_edited_and_put_back_is_row_2a(#[values(false, true)] restarts: bool) {
    let mut lab = with_staging(restarts).await;
    lab.decide(&alone("A")).await;
    lab.commit("staging", &[(FILE, Some("by hand"))], "Hot fix").await;
    let back = lab.commit("staging", &[(FILE, Some("A"))], "Put back").await;
    assert_eq!(lab.settled(&alone("A")).await, done(&back));
}

#[rstest]
#[tokio::test]
async fn row_2d_edited_on_the_branch(#[values(false, true)] restarts: bool) {
    let mut lab = with_staging(restarts).await;
    lab.decide(&based("A")).await;
    let ours = lab.tip("staging-app").await.unwrap();
    let edit = lab.commit("staging-app", &[(FILE, Some("reviewed"))], "As discussed").await;
    let decided = lab.settled(&based("A")).await;
    let Decision::Leave { revision, edited: Some(message) } = decided else {
        panic!("{decided:?}")
    };
    assert_eq!(revision, ours);
    assert!(message.contains(&edit[..12]) && message.contains("app.yaml"), "{message}");
}

#[rstest]
#[tokio::test]
async fn row_2d_the_base_changed_a_file_of_ours(#[values(false, true)] restarts: bool) {
    let mut lab = with_staging(restarts).await;
    merged(&mut lab, How::Merge, true).await;
    lab.decide(&based("B")).await;
    let before = lab.tip("staging-app").await.unwrap();
    // Elsewhere: the branch is left alone.
    lab.commit("staging", &[("README", Some("later"))], "Elsewhere").await;
    assert_eq!(lab.settled(&based("B")).await, left(&before));
    lab.commit("staging", &[(FILE, Some("hot"))], "Hot fix").await;
    let decided = lab.decide(&based("B")).await;
    let replaces = Some("Joins staging, which changed app.yaml.".to_owned());
    assert_eq!(decided, Decision::Write { sequence: 3, replaces });
    let tip = lab.tip("staging-app").await.unwrap();
    assert_eq!(lab.settled(&based("B")).await, left(&tip));
    assert_eq!(
        lab.git(&["merge-base", "staging", "staging-app"]).await,
        lab.tip("staging").await.unwrap()
    );
    for how in [How::Merge, How::Squash] {
        let _ = lab.git(&["branch", "-f", "try", "staging"]).await;
        lab.server.merge(REPO, "try", "staging-app", how).await.unwrap();
        assert_eq!(text(&lab, "try").await, "B");
    }
}

#[rstest]
#[tokio::test]
async fn row_2e_a_branch_that_is_gone(#[values(false, true)] restarts: bool) {
    let mut lab = with_staging(restarts).await;
    lab.decide(&based("A")).await;
    lab.git(&["branch", "-D", "staging-app"]).await;
    assert_eq!(lab.decide(&based("A")).await, wrote(1));
    let tip = lab.tip("staging-app").await.unwrap();
    assert_eq!(lab.settled(&based("A")).await, left(&tip));
}
