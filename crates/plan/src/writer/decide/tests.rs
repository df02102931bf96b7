//! The decision table, row by row.

use std::collections::BTreeMap;

use portolan_api::native::git_writer::WriterProvenance;
use portolan_api::record::{Record, RecordedFile, blob_id};

use super::super::desired::from_files;
use super::*;

const WRITER: &str = "build/dev/app";

fn content(text: &str) -> Desired {
    let files = [("app.yaml".to_owned(), text.to_owned())].into();
    from_files(&files, &WriterProvenance::default()).unwrap()
}

fn alone() -> Place {
    Place {
        branch: "staging".into(),
        base: None,
        path: "apps/app".into(),
        writer: WRITER.into(),
        ..Place::default()
    }
}

fn with_base() -> Place {
    Place { branch: "staging/app".into(), base: Some("staging".into()), ..alone() }
}

fn record(text: &str, sequence: u64) -> Record {
    let desired = content(text);
    Record {
        writer: WRITER.into(),
        sequence,
        digest: desired.digest.clone(),
        files: files(text),
        ..Record::default()
    }
}

fn files(text: &str) -> BTreeMap<String, RecordedFile> {
    let file = RecordedFile { mode: "100644".into(), blob: blob_id(text.as_bytes()) };
    [("app.yaml".to_owned(), file)].into()
}

/// A tip whose files and record say the same.
fn tip(text: &str, sequence: u64) -> Tip {
    Tip {
        commit: format!("tip-{text}-{sequence}"),
        files: files(text),
        record: Some(record(text, sequence)),
        ..Tip::default()
    }
}

fn empty_tip() -> Tip {
    Tip { commit: "tip".into(), ..Tip::default() }
}

fn committed(id: &str) -> Committed {
    Committed { id: id.into(), author: "Ann".into(), subject: "by hand".into() }
}

fn found(text: &str, sequence: u64) -> FoundRecord {
    FoundRecord {
        record: record(text, sequence),
        commit: committed(&format!("commit-{text}-{sequence}")),
        changed_by: Some(committed("hand")),
    }
}

fn goal(tip: Tip) -> View {
    View { goal: Some(tip), ..View::default() }
}

fn history(in_goal: Option<FoundRecord>, on_branch: Option<FoundRecord>) -> History {
    let brought = in_goal.as_ref().map(|found| found.commit.clone());
    History { in_goal, on_branch, brought, ..History::default() }
}

fn decided(place: &Place, text: &str, view: &View, history: &History) -> Decision {
    decide(place, &content(text), &Facts::default(), view, Some(history))
}

fn writes(sequence: u64) -> Decision {
    Decision::Write { sequence, replaces: None }
}

fn done(revision: &str) -> Decision {
    Decision::Done { revision: revision.into() }
}

#[test]
fn row_1_nothing_of_ours_is_there() {
    assert_eq!(decided(&alone(), "A", &View::default(), &History::default()), writes(1));
    assert_eq!(decided(&alone(), "A", &goal(empty_tip()), &History::default()), writes(1));
    assert_eq!(decided(&with_base(), "A", &goal(empty_tip()), &History::default()), writes(1));
}

#[test]
fn row_1_the_goal_holds_it_without_our_doing() {
    let by_hand = Tip { record: None, ..tip("A", 0) };
    let view = goal(by_hand);
    let history = History { brought: Some(committed("hand")), ..History::default() };
    assert_eq!(decided(&alone(), "A", &view, &history), done("hand"));
    assert_eq!(decided(&with_base(), "A", &view, &history), done("hand"));
}

#[test]
fn row_1_new_content_gets_the_next_sequence() {
    let view = goal(tip("A", 3));
    assert_eq!(decided(&alone(), "B", &view, &history(Some(found("A", 3)), None)), writes(4));
}

#[test]
fn row_1_content_that_goes_a_b_a_is_written_three_times() {
    let view = goal(tip("B", 2));
    assert_eq!(decided(&alone(), "A", &view, &history(Some(found("B", 2)), None)), writes(3));
}

#[test]
fn row_1_something_of_ours_is_unmerged_although_the_goal_holds_the_content() {
    let view = View { branch: Some(tip("B", 2)), ..goal(tip("A", 1)) };
    let history = history(Some(found("A", 1)), Some(found("B", 2)));
    assert_eq!(decided(&with_base(), "A", &view, &history), writes(3));
}

#[test]
fn row_2a_the_goal_holds_it() {
    let view = goal(tip("A", 1));
    let history_a = history(Some(found("A", 1)), None);
    assert_eq!(decided(&alone(), "A", &view, &history_a), done("commit-A-1"));
    // Merged by a merge commit, branch kept; by squash, branch deleted.
    let kept = View { branch: Some(tip("A", 1)), branch_in_goal: true, ..goal(tip("A", 1)) };
    assert_eq!(decided(&with_base(), "A", &kept, &history_a), done("commit-A-1"));
    assert_eq!(decided(&with_base(), "A", &view, &history_a), done("commit-A-1"));
    // Squashed, branch kept: the branch's record is in the goal's history.
    let squashed = View { branch: Some(tip("A", 1)), ..goal(tip("A", 1)) };
    let both = history(Some(found("A", 1)), Some(found("A", 1)));
    assert_eq!(decided(&with_base(), "A", &squashed, &both), done("commit-A-1"));
}

#[test]
fn row_2a_needs_the_history_only_to_name_the_commit() {
    let view = goal(tip("A", 1));
    let facts = Facts::default();
    assert_eq!(decide(&alone(), &content("A"), &facts, &view, None), Decision::NeedHistory);
}

#[test]
fn row_2b_reverted() {
    let decision = decided(&alone(), "B", &goal(tip("A", 1)), &history(Some(found("B", 2)), None));
    let Decision::Reverted { message } = decision else { panic!("{decision:?}") };
    assert!(
        message.starts_with("apps/app on staging was taken back by commit hand (Ann, \"by hand\")")
    );
    let gone = decided(&with_base(), "A", &goal(empty_tip()), &history(Some(found("A", 1)), None));
    assert!(matches!(gone, Decision::Reverted { .. }), "{gone:?}");
}

#[test]
fn row_2b_edited() {
    let edited = Tip { files: files("by hand"), ..tip("A", 1) };
    let decision = decided(&alone(), "A", &goal(edited), &history(Some(found("A", 1)), None));
    let Decision::Edited { message } = decision else { panic!("{decision:?}") };
    assert!(
        message.contains("was changed by commit hand") && message.contains("app.yaml"),
        "{message}"
    );
}

#[test]
fn row_2b_a_request_writes_again() {
    let facts = Facts { requested: true, ..Facts::default() };
    let view = goal(tip("A", 1));
    let history = history(Some(found("B", 2)), None);
    assert_eq!(decide(&alone(), &content("B"), &facts, &view, Some(&history)), writes(3));
}

#[test]
fn row_2d_waiting_on_the_branch() {
    let view = View { branch: Some(tip("B", 2)), ..goal(tip("A", 1)) };
    let history = history(Some(found("A", 1)), Some(found("B", 2)));
    let expected = Decision::Leave { revision: "commit-B-2".into(), edited: None };
    assert_eq!(decided(&with_base(), "B", &view, &history), expected);
}

#[test]
fn row_2d_changed_on_the_branch_by_a_person() {
    let edited = Tip { files: files("by hand"), ..tip("B", 2) };
    let view = View { branch: Some(edited), ..goal(tip("A", 1)) };
    let history = history(Some(found("A", 1)), Some(found("B", 2)));
    let decision = decided(&with_base(), "B", &view, &history);
    let Decision::Leave { revision, edited: Some(message) } = decision else {
        panic!("{decision:?}")
    };
    assert_eq!(revision, "commit-B-2");
    assert!(message.contains("app.yaml") && message.contains("commit hand"), "{message}");
}

#[test]
fn row_2d_the_base_changed_a_file_of_ours() {
    let branch = Some(tip("B", 2));
    let view = View { branch, goal_changed: vec!["app.yaml".into()], ..goal(tip("A", 1)) };
    let history = history(Some(found("A", 1)), Some(found("B", 2)));
    let decision = decided(&with_base(), "B", &view, &history);
    let replaces = Some("Joins staging, which changed app.yaml.".to_owned());
    assert_eq!(decision, Decision::Write { sequence: 3, replaces });
}

#[test]
fn row_2e_a_branch_that_is_gone() {
    let view = goal(tip("A", 1));
    assert_eq!(decided(&with_base(), "B", &view, &history(Some(found("A", 1)), None)), writes(2));
}

#[test]
fn new_content_over_a_persons_edit_says_so() {
    let edited = Tip { files: files("by hand"), ..tip("A", 1) };
    let decision = decided(&alone(), "B", &goal(edited), &history(Some(found("A", 1)), None));
    let replaces = Some("Replaces a person's edit of app.yaml.".to_owned());
    assert_eq!(decision, Decision::Write { sequence: 2, replaces });
}

#[test]
fn a_base_that_is_missing() {
    let facts = |create_base| Facts { create_base, ..Facts::default() };
    let place = with_base();
    let empty = View { empty: true, ..View::default() };
    let check = |view: &View, create| decide(&place, &content("A"), &facts(create), view, None);
    assert_eq!(check(&View::default(), true), Decision::BaseNotFound);
    assert_eq!(check(&empty, false), Decision::BaseNotFound);
    assert_eq!(check(&empty, true), Decision::CreateBase);
}

#[test]
fn what_belongs_to_another_writer_is_refused_unless_it_is_taken_over() {
    let mut theirs = tip("A", 1);
    theirs.record.as_mut().unwrap().writer = "other/dev/app".into();
    let nested = Tip {
        overlapping: vec![("apps/app/sub".into(), theirs.record.clone().unwrap())],
        ..empty_tip()
    };
    for tip in [theirs, nested] {
        let view = goal(tip);
        let check = |take_over: Option<&str>| {
            let facts = Facts { take_over: take_over.map(Into::into), ..Facts::default() };
            decide(&alone(), &content("B"), &facts, &view, Some(&History::default()))
        };
        let Decision::OwnedByAnother { message } = check(None) else { panic!("not refused") };
        assert!(message.contains("other/dev/app"), "{message}");
        assert!(matches!(check(Some("third/x/y")), Decision::OwnedByAnother { .. }));
        assert_eq!(check(Some("other/dev/app")), writes(1));
    }
}

#[test]
fn an_obstacle_is_named() {
    let view = View { obstacle: Some("symlink apps".into()), ..goal(empty_tip()) };
    let Decision::Obstructed { message } = decided(&alone(), "A", &view, &History::default())
    else {
        panic!("not refused")
    };
    assert!(message.starts_with("symlink apps is in the way of apps/app"), "{message}");
}

#[test]
fn an_exclusive_writer_removes_what_others_add() {
    let mut shared = tip("A", 1);
    shared.files.insert("theirs.yaml".into(), files("x")["app.yaml"].clone());
    let view = goal(shared);
    let history = history(Some(found("A", 1)), None);
    let facts = |exclusive| Facts { exclusive, ..Facts::default() };
    let check =
        |exclusive| decide(&alone(), &content("A"), &facts(exclusive), &view, Some(&history));
    assert_eq!(check(false), done("commit-A-1"));
    assert!(matches!(check(true), Decision::Write { sequence: 2, replaces: Some(_) }));
}

fn declined(number: i64, text: &str, sequence: u64) -> History {
    let on_requests = vec![(number, found(text, sequence))];
    History { on_requests, ..history(Some(found("A", 1)), None) }
}

#[test]
fn row_2c_the_request_was_closed_unmerged() {
    // The branch is kept, or gone with the request.
    let kept = View { branch: Some(tip("B", 2)), ..goal(tip("A", 1)) };
    let with_branch = History { on_branch: Some(found("B", 2)), ..declined(7, "B", 2) };
    for (view, history) in [(kept, with_branch), (goal(tip("A", 1)), declined(7, "B", 2))] {
        let decision = decided(&with_base(), "B", &view, &history);
        let Decision::Declined { message } = decision else { panic!("{decision:?}") };
        assert!(message.contains("request #7 from staging/app to staging"), "{message}");
        let facts = Facts { requested: true, ..Facts::default() };
        let again = decide(&with_base(), &content("B"), &facts, &view, Some(&history));
        assert_eq!(again, writes(3));
    }
}

#[test]
fn row_2c_new_content_after_a_declined_request_is_written_over_it() {
    let view = goal(tip("A", 1));
    assert_eq!(decided(&with_base(), "C", &view, &declined(7, "B", 2)), writes(3));
    // Back to what the goal holds: nothing to do, the request is closed.
    assert_eq!(decided(&with_base(), "A", &view, &declined(7, "B", 2)), done("commit-A-1"));
}

#[test]
fn row_2c_an_older_request_does_not_decline_what_came_after() {
    let view = View { branch: Some(tip("C", 3)), ..goal(tip("A", 1)) };
    let history = History { on_branch: Some(found("C", 3)), ..declined(7, "B", 2) };
    let expected = Decision::Leave { revision: "commit-C-3".into(), edited: None };
    assert_eq!(decided(&with_base(), "C", &view, &history), expected);
}
