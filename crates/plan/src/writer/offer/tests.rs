use portolan_api::native::git_writer::{ProvenanceSource, WriterProvenance};
use portolan_api::record::Hop;

use super::super::desired::from_files;
use super::*;

const WRITER: &str = "build/dev/shop";

fn place() -> Place {
    Place {
        branch: "staging/shop".into(),
        base: Some("staging".into()),
        path: "apps/shop".into(),
        writer: WRITER.into(),
        ..Place::default()
    }
}

fn provenance(revision: &str, image: &str) -> WriterProvenance {
    WriterProvenance {
        source: Some(ProvenanceSource { url: "https://g/shop".into(), revision: revision.into() }),
        image: Some(image.into()),
        ..WriterProvenance::default()
    }
}

fn commit(id: &str, subject: &str) -> SourceCommit {
    SourceCommit {
        id: id.into(),
        author: "Ada @all".into(),
        subject: subject.into(),
        time: "2026-01-01T00:00:00Z".into(),
    }
}

fn desired(subject: &str) -> Desired {
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\n";
    let files = [("deployment.yaml", manifest), ("notes.txt", "n")];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let mut desired = from_files(&files, &provenance("c3", "r/shop@sha256:2")).unwrap();
    let commits = vec![commit("c3", subject), commit("c2", "two"), commit("c1", "one")];
    desired.carried.add_commits(commits, None);
    desired
}

fn before() -> Record {
    Record { provenance: provenance("c1", "r/shop@sha256:1"), ..Record::default() }
}

fn request(number: i64, state: RequestState, body: &str) -> PullRequest {
    PullRequest {
        number,
        url: String::new(),
        state,
        branch: "staging/shop".into(),
        base: "staging".into(),
        head: "tip".into(),
        title: String::new(),
        body: body.into(),
        author: "bot".into(),
        draft: false,
        merged_revision: None,
        reference: format!("refs/pull/{number}/head"),
        updated: String::new(),
    }
}

#[test]
fn a_request_tells_what_changes() {
    let old = [("gone.yaml".to_owned(), RecordedFile { mode: "100644".into(), blob: "1".into() })];
    let mut desired = desired("three");
    desired.carried.hops = vec![Hop {
        environment: "staging".into(),
        revision: "0123456789abcdef".into(),
        verification: Some("staging/shop".into()),
        ..Hop::default()
    }];
    let told = text(&place(), &desired, &OfferSpec::default(), Some(&before()), &old.into());
    assert_eq!(told.title, "shop to staging: three");
    for line in [
        "**Source** `https://g/shop`: `c1` → `c3`",
        "- `c3` `three` (Ada all)",
        "- `c2` `two` (Ada all)",
        "**Image** from `r/shop@sha256:1`",
        "to `r/shop@sha256:2`",
        "- new: `Deployment shop` in `deployment.yaml`",
        "- new: `notes.txt`",
        "- removed: `gone.yaml`",
        "**staging** `0123456789ab`, verified by `staging/shop`",
        "Written by GitWriter `build/dev/shop`",
    ] {
        assert!(told.body.lines().any(|found| found == line), "{line} is not in\n{}", told.body);
    }
    assert!(!told.body.contains("`one`"), "the goal has that commit:\n{}", told.body);
}

#[test]
fn a_request_tells_whose_edits_it_replaces() {
    let file = |blob: &str| RecordedFile { mode: "100644".into(), blob: blob.into() };
    let files = |blob: &str| [("deployment.yaml".to_owned(), file(blob))].into();
    let ours = Record { writer: WRITER.into(), files: files("1"), ..before() };
    let told = |spec: &OfferSpec, record: &Record, blob: &str| {
        text(&place(), &desired("three"), spec, Some(record), &files(blob)).body
    };
    let notes = |body: &str| -> Vec<String> {
        body.lines().filter(|line| line.starts_with(NOTE)).map(str::to_owned).collect()
    };
    let plain = OfferSpec::default();
    assert_eq!(notes(&told(&plain, &ours, "1")), [""; 0]);
    let others = Record { writer: "other/dev/shop".into(), ..ours.clone() };
    assert_eq!(notes(&told(&plain, &others, "2")), [""; 0]);
    let edit = "**Note** `Replaces a person's edit of deployment.yaml.`";
    assert_eq!(notes(&told(&plain, &ours, "2")), [edit]);
    let said = |text: &str| OfferSpec { replaces: Some(text.into()), ..OfferSpec::default() };
    let same = said("Replaces a person's edit of deployment.yaml.");
    assert_eq!(notes(&told(&same, &ours, "2")), [edit], "once");
    let joins = said("Joins staging, which changed x`\ny.");
    let body = told(&joins, &ours, "2");
    assert_eq!(notes(&body), ["**Note** `Joins staging, which changed x y.`", edit]);

    // It is read back from the request, and says the same then, for the same passage alone.
    let passage = desired("three").carried.passage;
    let open = request(1, RequestState::Open, &body.replace('\n', "\r\n"));
    let read = OfferSpec { replaces: told_replaced(&open, &passage), ..OfferSpec::default() };
    assert_eq!(told(&read, &ours, "2"), body);
    assert_eq!(told_replaced(&open, "another"), None);
    let read = told_replaced(&request(1, RequestState::Open, &told(&plain, &ours, "2")), &passage);
    let again = OfferSpec { replaces: read, ..OfferSpec::default() };
    assert_eq!(notes(&told(&again, &ours, "2")), [edit]);
}

/// T-23, for requests: nobody's subject mentions people, closes issues or draws a heading.
#[test]
fn text_of_others_stays_text() {
    let hostile = "`fixes #1 @everyone\n# Heading\n![x](http://evil/x.png)";
    let told =
        text(&place(), &desired(hostile), &OfferSpec::default(), Some(&before()), &[].into());
    let line = told.body.lines().find(|line| line.contains("fixes")).unwrap();
    assert_eq!(line.matches('`').count(), 4, "it is all between backticks: {line}");
    assert!(!told.body.lines().any(|line| line.starts_with("# ")), "{}", told.body);
    assert!(!told.title.contains('\n'));
}

#[test]
fn what_is_done_about_a_request() {
    let told = OfferText { title: "t".into(), body: format!("b\n{}", written_by(WRITER)) };
    let ours = |number| request(number, RequestState::Open, &told.body);
    let on_branch = Standing::OnBranch { tip: "tip".into() };
    let opens = OfferSpec { open: true, ..OfferSpec::default() };
    let step = |spec: &OfferSpec, standing: &Standing, requests: &[PullRequest]| {
        offer(spec, standing, requests, &told, WRITER)
    };
    assert_eq!(step(&opens, &on_branch, &[]), Offer::Open);
    assert_eq!(step(&OfferSpec::default(), &on_branch, &[]), Offer::Keep);
    assert_eq!(step(&opens, &on_branch, &[request(1, RequestState::Merged, "")]), Offer::Open);
    assert_eq!(step(&opens, &on_branch, &[ours(2)]), Offer::Keep);
    let crlf = PullRequest { body: told.body.replace('\n', "\r\n"), ..ours(2) };
    assert_eq!(step(&opens, &on_branch, &[crlf]), Offer::Keep);
    let old = PullRequest { body: format!("old\n{}", written_by(WRITER)), ..ours(3) };
    assert_eq!(step(&opens, &on_branch, &[old]), Offer::Edit(3));
    let persons = request(4, RequestState::Open, "please take this");
    assert_eq!(step(&opens, &on_branch, std::slice::from_ref(&persons)), Offer::Keep);

    let in_goal = |adds_nothing| Standing::InGoal { tip: Some("tip".into()), adds_nothing };
    assert_eq!(step(&opens, &in_goal(true), &[ours(5)]), Offer::Close(5));
    assert_eq!(step(&opens, &in_goal(false), &[ours(5)]), Offer::Keep);
    assert_eq!(step(&opens, &in_goal(true), &[persons]), Offer::Keep);
    let deletes = OfferSpec { delete_branch: true, ..opens };
    let merged = request(6, RequestState::Merged, "");
    assert_eq!(step(&deletes, &in_goal(true), std::slice::from_ref(&merged)), Offer::DeleteBranch);
    let moved = PullRequest { head: "other".into(), ..merged };
    assert_eq!(step(&deletes, &in_goal(true), &[moved]), Offer::Keep);
}

#[test]
fn what_a_merge_still_needs() {
    let open = request(1, RequestState::Open, "");
    let ready = Readiness {
        head: "tip".into(),
        guarded: true,
        demanded_approvals: 1,
        demanded_checks: vec!["ci/*".into()],
        approvals: 1,
        checks: [("ci/test".to_owned(), CheckState::Success)].into(),
        ..Readiness::default()
    };
    assert_eq!(missing(&ready, &open, 0, &[]), Vec::<String>::new());
    assert_eq!(missing(&ready, &open, 2, &[]), ["1 of 2 approvals"]);
    assert_eq!(missing(&ready, &open, 0, &["scan".into()]), ["check scan has not run"]);
    let state =
        |state| Readiness { checks: [("ci/test".to_owned(), state)].into(), ..ready.clone() };
    assert_eq!(missing(&state(CheckState::Pending), &open, 0, &[]), ["check ci/* runs"]);
    assert_eq!(missing(&state(CheckState::Failure), &open, 0, &[]), ["check ci/* failed"]);
    let rejected = Readiness { rejected_by: vec!["bo".into()], ..ready.clone() };
    assert_eq!(missing(&rejected, &open, 0, &[]), ["bo asked for changes"]);
    let draft = PullRequest { draft: true, ..open.clone() };
    assert_eq!(missing(&ready, &draft, 0, &[]), ["it is a draft"]);
    let moved = PullRequest { head: "new".into(), ..open };
    assert_eq!(missing(&ready, &moved, 0, &[]), ["the head moved"]);
    assert!(is_guarded(&ready, 0, &[]));
    assert!(!is_guarded(&Readiness::default(), 0, &[]));
    assert!(is_guarded(&Readiness::default(), 1, &[]));
}

#[test]
fn patterns() {
    for (pattern, name, expected) in [
        ("ci", "ci", true),
        ("ci", "ci2", false),
        ("ci/*", "ci/test", true),
        ("*test", "ci/test", true),
        ("c*t", "ci/test", true),
        ("c*x*t", "ci/test", false),
        ("*", "", true),
    ] {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
}
