use portolan_api::native::git_writer::WriterProvenance;
use portolan_api::record::{RecordedFile, blob_id};

use super::super::desired::from_files;
use super::super::view::Tip;
use super::*;

fn place(base: Option<&str>) -> Place {
    Place {
        branch: "staging/app".into(),
        base: base.map(Into::into),
        path: "apps/app".into(),
        writer: "build/dev/app".into(),
        ..Place::default()
    }
}

fn desired() -> Desired {
    let files = [("new.yaml".to_owned(), "n".to_owned())].into();
    from_files(&files, &WriterProvenance::default()).unwrap()
}

fn style() -> CommitStyle {
    let author = Signature { name: "P".into(), email: "p@x".into(), seconds: 0 };
    CommitStyle { message: None, author, exclusive: false, take_over: None }
}

fn tip(commit: &str, writer: &str, paths: &[&str], foreign: &[&str]) -> Tip {
    let file = RecordedFile { mode: "100644".into(), blob: blob_id(b"old") };
    let record = Record {
        writer: writer.into(),
        files: paths.iter().map(|path| ((*path).to_owned(), file.clone())).collect(),
        ..Record::default()
    };
    let files =
        paths.iter().chain(foreign).map(|path| ((*path).to_owned(), file.clone())).collect();
    Tip { commit: commit.into(), files, record: Some(record), ..Tip::default() }
}

fn composed(place: &Place, style: &CommitStyle, view: &View) -> Edit {
    compose(place, &desired(), style, view, 7, None)
}

#[test]
fn where_a_commit_starts() {
    let goal = || Some(tip("g", "build/dev/app", &[], &[]));
    let branch = || Some(tip("b", "build/dev/app", &[], &[]));
    let view =
        |goal, branch, branch_in_goal| View { goal, branch, branch_in_goal, ..View::default() };
    let start = |base, view: &View| composed(&place(base), &style(), view).start;
    let on = |parent: &str, branch: Option<&str>| Start::On {
        parent: parent.into(),
        branch: branch.map(Into::into),
    };
    assert_eq!(start(None, &view(None, None, false)), Start::Root);
    assert_eq!(start(None, &view(goal(), None, false)), on("g", Some("g")));
    assert_eq!(start(Some("staging"), &view(goal(), None, false)), on("g", None));
    assert_eq!(start(Some("staging"), &view(goal(), branch(), true)), on("g", Some("b")));
    let join = Start::Join { base: "g".into(), branch: "b".into() };
    assert_eq!(start(Some("staging"), &view(goal(), branch(), false)), join);
}

#[test]
fn a_writer_removes_only_what_its_record_lists() {
    let view = |writer| View {
        goal: Some(tip("g", writer, &["old.yaml", "new.yaml"], &["theirs.yaml"])),
        ..View::default()
    };
    let removed = |style: &CommitStyle, view: &View| composed(&place(None), style, view).remove;
    assert_eq!(removed(&style(), &view("build/dev/app")), ["old.yaml"]);
    assert_eq!(removed(&style(), &view("other/dev/app")), Vec::<String>::new());
    let take_over = CommitStyle { take_over: Some("other/dev/app".into()), ..style() };
    assert_eq!(removed(&take_over, &view("other/dev/app")), ["old.yaml"]);
    let exclusive = CommitStyle { exclusive: true, ..style() };
    assert_eq!(removed(&exclusive, &view("build/dev/app")), ["old.yaml", "theirs.yaml"]);
}

#[test]
fn the_record_is_written_beside_the_content() {
    let edit = composed(&place(None), &style(), &View::default());
    assert_eq!(edit.put.keys().collect::<Vec<_>>(), [".portolan/passage", "new.yaml"]);
    let record = Record::read(&edit.put[record::FILE].content).unwrap();
    assert_eq!((record.sequence, record.writer.as_str()), (7, "build/dev/app"));
    assert_eq!(record.digest, desired().digest);
    assert!(edit.message.contains(&format!("Portolan-Passage: {}", record.passage)));
}
