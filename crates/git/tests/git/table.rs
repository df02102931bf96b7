//! The decision table of a writer without requests (native-kinds, section 4): each row with the same
//! service all along and with a new one for every decision, and in the end the same decision and no
//! second commit.

use portolan_plan::writer::Decision;
use portolan_testbed::How;
use portolan_testbed::git_server::Change;
use rstest::rstest;

use crate::lab::{ANN, Lab, REPO, WRITER, Writer};

pub(crate) const FILE: &str = "apps/app/app.yaml";

pub(crate) fn wrote(sequence: u64) -> Decision {
    Decision::Write { sequence, replaces: None }
}

pub(crate) fn done(revision: &str) -> Decision {
    Decision::Done { revision: revision.into() }
}

pub(crate) fn left(revision: &str) -> Decision {
    Decision::Leave { revision: revision.into(), edited: None }
}

pub(crate) async fn text(lab: &Lab, branch: &str) -> String {
    lab.git(&["show", &format!("{branch}:{FILE}")]).await
}

/// A repository whose `staging` has something of others.
pub(crate) async fn with_staging(restarts: bool) -> Lab {
    let lab = Lab::restarting(restarts).await;
    lab.commit("staging", &[("README", Some("others"))], "Begin").await;
    lab
}

pub(crate) fn alone(text: &str) -> Writer {
    Writer::new("staging", None, text)
}

pub(crate) fn based(text: &str) -> Writer {
    Writer::new("staging-app", Some("staging"), text)
}

/// Writes A to the branch and brings it into staging.
pub(crate) async fn merged(lab: &mut Lab, how: How, keeps_branch: bool) -> String {
    lab.decide(&based("A")).await;
    // Somebody else's work, so that no merge is for nothing.
    if how != How::FastForward {
        lab.commit("staging", &[("README", Some("newer"))], "Work").await;
    }
    let commit = lab.server.merge(REPO, "staging", "staging-app", how).await.unwrap();
    if !keeps_branch {
        lab.git(&["branch", "-D", "staging-app"]).await;
    }
    commit
}

#[rstest]
#[tokio::test]
async fn row_1_nothing_of_ours_is_there(#[values(false, true)] restarts: bool) {
    let mut lab = Lab::restarting(restarts).await;
    let writer = alone("A");
    assert_eq!(lab.decide(&writer).await, wrote(1));
    let tip = lab.tip("staging").await.unwrap();
    assert_eq!(lab.settled(&writer).await, done(&tip));

    let mut lab = with_staging(restarts).await;
    assert_eq!(lab.decide(&writer).await, wrote(1));
    let tip = lab.tip("staging").await.unwrap();
    assert_eq!(lab.settled(&writer).await, done(&tip));

    let mut lab = with_staging(restarts).await;
    assert_eq!(lab.decide(&based("A")).await, wrote(1));
    let tip = lab.tip("staging-app").await.unwrap();
    assert_eq!(lab.settled(&based("A")).await, left(&tip));
}

#[rstest]
#[tokio::test]
async fn row_1_the_goal_holds_it_without_our_doing(#[values(false, true)] restarts: bool) {
    let mut lab = with_staging(restarts).await;
    let by_hand = lab.commit("staging", &[(FILE, Some("A"))], "By hand").await;
    lab.commit("staging", &[("README", Some("more"))], "Elsewhere").await;
    assert_eq!(lab.settled(&alone("A")).await, done(&by_hand));
    assert_eq!(lab.settled(&based("A")).await, done(&by_hand));
    assert_eq!(lab.tip("staging-app").await, None);
}

#[rstest]
#[tokio::test]
async fn row_1_content_that_goes_a_b_a(#[values(false, true)] restarts: bool) {
    for make in [alone, based] {
        let mut lab = with_staging(restarts).await;
        for (sequence, content) in [(1, "A"), (2, "B"), (3, "A")] {
            let decided = lab.decide(&make(content)).await;
            assert_eq!(decided, wrote(sequence), "{content}");
        }
        let writer = make("A");
        let tip = lab.tip(&writer.place.branch).await.unwrap();
        let settled = lab.settled(&writer).await;
        assert_eq!(settled, if writer.place.base.is_some() { left(&tip) } else { done(&tip) });
        assert_eq!(text(&lab, &writer.place.branch).await, "A");
    }
}

#[rstest]
#[tokio::test]
async fn row_1_something_of_ours_is_unmerged(#[values(false, true)] restarts: bool) {
    let mut lab = with_staging(restarts).await;
    merged(&mut lab, How::Merge, true).await;
    assert_eq!(lab.decide(&based("B")).await, wrote(2));
    assert_eq!(text(&lab, "staging").await, "A");
    // The goal holds A, but B would come with the next merge.
    assert_eq!(lab.decide(&based("A")).await, wrote(3));
    let tip = lab.tip("staging-app").await.unwrap();
    assert_eq!(text(&lab, "staging-app").await, "A");
    let decided = lab.settled(&based("A")).await;
    assert!(matches!(&decided, Decision::Done { .. }), "{decided:?} {tip}");
}

#[rstest]
#[tokio::test]
async fn row_2a_the_goal_holds_it(
    #[values(false, true)] restarts: bool,
    #[values(How::Merge, How::Squash, How::Rebase, How::FastForward)] how: How,
    #[values(false, true)] keeps_branch: bool,
) {
    let mut lab = with_staging(restarts).await;
    let commit = merged(&mut lab, how, keeps_branch).await;
    lab.commit("staging", &[("README", Some("later"))], "Elsewhere").await;
    lab.commit("staging", &[("apps/app/theirs.yaml", Some("x"))], "Beside it").await;
    assert_eq!(lab.settled(&based("A")).await, done(&commit));
    // The next content starts at what the goal is now, and lands by the same way.
    assert_eq!(lab.decide(&based("B")).await, wrote(2));
    let commit = lab.server.merge(REPO, "staging", "staging-app", How::Squash).await.unwrap();
    assert_eq!(lab.settled(&based("B")).await, done(&commit));
    assert_eq!(text(&lab, "staging").await, "B");
}

#[rstest]
#[tokio::test]
async fn a_base_that_is_missing(#[values(false, true)] restarts: bool) {
    let mut lab = Lab::restarting(restarts).await;
    assert_eq!(lab.settled(&based("A")).await, Decision::BaseNotFound);
    let mut creates = based("A");
    creates.facts.create_base = true;
    lab.server.clear_seen();
    assert_eq!(lab.decide(&creates).await, wrote(1));
    assert_eq!(lab.pushes(), 1);
    assert_eq!(lab.git(&["ls-tree", "staging"]).await, "");
    assert_eq!(lab.git(&["rev-list", "--count", "staging-app"]).await, "2");
    let tip = lab.tip("staging-app").await.unwrap();
    assert_eq!(lab.settled(&creates).await, left(&tip));

    // A repository that has something is not begun.
    let mut lab = Lab::restarting(restarts).await;
    lab.commit("main", &[("a", Some("1"))], "Begin").await;
    assert_eq!(lab.settled(&creates).await, Decision::BaseNotFound);
}

#[rstest]
#[tokio::test]
async fn what_belongs_to_another_writer(#[values(false, true)] restarts: bool) {
    for (path, theirs) in [
        ("apps/app", "apps/app"),
        ("apps/app", "apps"),
        ("apps/app", "apps/app/sub"),
        ("apps", "."),
    ] {
        let mut lab = with_staging(restarts).await;
        lab.decide(&alone("A").at(theirs, "other/dev/app")).await;
        let ours = alone("B").at(path, WRITER);
        let decided = lab.settled(&ours).await;
        let Decision::OwnedByAnother { message } = decided else { panic!("{decided:?}") };
        assert!(
            message.starts_with(&format!("{theirs} belongs to writer other/dev/app")),
            "{message}"
        );
        if path == theirs {
            let takes = ours.with(|writer| {
                writer.facts.take_over = Some("other/dev/app".into());
                writer.style.take_over = Some("other/dev/app".into());
            });
            assert_eq!(lab.decide(&takes).await, wrote(1));
            assert_eq!(text(&lab, "staging").await, "B");
        }
    }
    // Side by side is no overlap.
    let mut lab = with_staging(restarts).await;
    lab.decide(&alone("A").at("apps/other", "other/dev/app")).await;
    assert_eq!(lab.decide(&alone("A")).await, wrote(1));
}

#[rstest]
#[case("apps", "100644", b"x", "file apps")]
#[case("apps/app", "120000", b"..", "symlink apps/app")]
#[case("apps/app", "160000", b"0123456789012345678901234567890123456789", "submodule apps/app")]
#[case("apps/app/.portolan", "100644", b"x", "file apps/app/.portolan")]
#[tokio::test]
async fn an_obstacle(
    #[case] path: &str,
    #[case] mode: &str,
    #[case] content: &[u8],
    #[case] named: &str,
) {
    let mut lab = with_staging(false).await;
    let change = Change { path, mode, content: Some(content) };
    lab.server.commit_changes(REPO, "staging", &[change], "In the way", ANN).await.unwrap();
    for writer in [alone("A"), based("A")] {
        let decided = lab.settled(&writer).await;
        let Decision::Obstructed { message } = decided else { panic!("{decided:?}") };
        assert!(message.starts_with(&format!("{named} is in the way of apps/app")), "{message}");
    }
}

#[rstest]
#[tokio::test]
async fn an_exclusive_directory(#[values(false, true)] restarts: bool) {
    let exclusive = |text: &str| {
        alone(text).with(|writer| {
            writer.facts.exclusive = true;
            writer.style.exclusive = true;
        })
    };
    let mut lab = with_staging(restarts).await;
    lab.decide(&exclusive("A")).await;
    let files = [
        ("apps/app/theirs.yaml", Some("x")),
        ("apps/app/sub/more", Some("x")),
        ("apps/beside", Some("x")),
    ];
    lab.commit("staging", &files, "Theirs").await;
    assert!(matches!(lab.decide(&exclusive("A")).await, Decision::Write { sequence: 2, .. }));
    let listed = lab.git(&["ls-tree", "-r", "--name-only", "staging", "apps"]).await;
    assert_eq!(listed, "apps/app/.portolan/passage\napps/app/app.yaml\napps/beside");
    let tip = lab.tip("staging").await.unwrap();
    assert_eq!(lab.settled(&exclusive("A")).await, done(&tip));
}

/// A record that nobody can read is somebody's all the same.
#[tokio::test]
async fn a_record_that_does_not_read() {
    let link = |path| Change { path, mode: "120000", content: Some(b"elsewhere".as_slice()) };
    let text = |path| Change { path, mode: "100644", content: Some(b"nonsense".as_slice()) };
    for change in [
        text("apps/app/.portolan/passage"),
        link("apps/app/.portolan/passage"),
        text("apps/.portolan/passage"),
        text("apps/app/sub/.portolan/passage"),
    ] {
        let mut lab = with_staging(false).await;
        lab.server.commit_changes(REPO, "staging", &[change], "Odd", ANN).await.unwrap();
        let decided = lab.settled(&alone("A")).await;
        let Decision::OwnedByAnother { message } = decided else { panic!("{decided:?}") };
        assert!(message.contains("does not read"), "{message}");
    }
}

/// Others' files in the same directory, and names that are no text, change nothing.
#[rstest]
#[tokio::test]
async fn a_directory_shared_with_others(#[values(false, true)] restarts: bool) {
    let mut lab = with_staging(restarts).await;
    let root = alone("A").at(".", WRITER);
    assert_eq!(lab.decide(&root).await, wrote(1));
    let ours = lab.tip("staging").await.unwrap();
    lab.commit("staging", &[("README", Some("newer")), ("dir/x", Some("x"))], "Theirs").await;
    assert_eq!(lab.settled(&root).await, done(&ours));
    assert_eq!(lab.decide(&alone("B").at(".", WRITER)).await, wrote(2));
    let files = lab.git(&["ls-tree", "-r", "--name-only", "staging"]).await;
    assert_eq!(files, ".portolan/passage\nREADME\napp.yaml\ndir/x");
}
