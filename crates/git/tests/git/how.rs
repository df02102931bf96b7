//! How a commit is written (native-kinds, section 4, "How to write"), and what stays as it was.

use portolan_api::record::Record;
use portolan_git::{Error, Planner, Step, Written};
use portolan_plan::writer::{Decision, Edit, History, Place, PutFile, Signature, Start, View};
use portolan_testbed::How;

use crate::lab::{Lab, REPO, WRITER, Writer, content, pushed};

/// Writes this edit, at the tips it is shown.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) put: Vec<(String, PutFile)>,
    pub(crate) remove: Vec<String>,
}

impl Raw {
    pub(crate) fn put(path: &str, mode: &str, content: &[u8]) -> Self {
        let file = PutFile { mode: mode.into(), content: content.to_vec() };
        Self { put: vec![(path.into(), file)], remove: Vec::new() }
    }

    pub(crate) async fn write(self, lab: &Lab, path: &str) -> Result<Written, Error> {
        let place = Place {
            branch: "main".into(),
            base: None,
            path: path.into(),
            writer: WRITER.into(),
            ..Place::default()
        };
        let planner = RawPlanner { raw: self, path: path.into() };
        lab.service.write(&lab.repo(), place, Box::new(planner)).await
    }
}

struct RawPlanner {
    raw: Raw,
    path: String,
}

impl Planner for RawPlanner {
    fn plan(&mut self, view: &View, _: Option<&History>) -> Step {
        let tip = view.goal.as_ref().map(|tip| tip.commit.clone());
        let start = match &tip {
            Some(tip) => Start::On { parent: tip.clone(), branch: Some(tip.clone()) },
            None => Start::Root,
        };
        let edit = Edit {
            branch: "main".into(),
            path: self.path.clone(),
            start,
            put: self.raw.put.clone().into_iter().collect(),
            remove: self.raw.remove.clone(),
            message: "Raw\n".into(),
            merge_message: String::new(),
            author: Signature { name: "x".into(), email: "x@example.test".into(), seconds: 1 },
        };
        Step::Write { edit, again: false }
    }
}

#[tokio::test]
async fn a_root_commit() {
    let mut lab = Lab::new().await;
    let writer = Writer::new("staging", None, "A");
    let commit = pushed(lab.write(&writer).await.unwrap());
    assert_eq!(lab.tip("staging").await.unwrap(), commit);
    assert_eq!(lab.git(&["rev-list", "--count", "staging"]).await, "1");
    let listed = lab.git(&["ls-tree", "-r", "--name-only", "staging"]).await;
    assert_eq!(listed, "apps/app/.portolan/passage\napps/app/app.yaml");
    let author = lab.git(&["show", "-s", "--format=%an <%ae> %at %cn", "staging"]).await;
    assert_eq!(author, "Portolan <portolan@example.test> 1700000000 Portolan");
    let record = lab.git(&["show", "staging:apps/app/.portolan/passage"]).await;
    let record = Record::read(record.as_bytes()).unwrap();
    assert_eq!((record.sequence, record.writer.as_str()), (1, WRITER));
    let trailers = lab.git(&["show", "-s", "--format=%(trailers:only)", "staging"]).await;
    assert!(trailers.contains("Portolan-Writer: build/dev/app"), "{trailers}");
    lab.git(&["fsck", "--strict"]).await;
    // The same from a worker that has never seen it: nothing.
    lab.restart();
    assert_eq!(lab.write(&writer).await.unwrap(), Written::Stopped);
}

#[tokio::test]
async fn from_the_base_and_from_a_branch_that_is_merged() {
    let mut lab = Lab::new().await;
    let base = lab.commit("staging", &[("README", Some("x"))], "Begin").await;
    let writer = |text| Writer::new("staging-app", Some("staging"), text);
    let commit = pushed(lab.write(&writer("A")).await.unwrap());
    assert_eq!(lab.git(&["rev-parse", &format!("{commit}^@")]).await, base);
    let merged = lab.server.merge(REPO, "staging", "staging-app", How::Merge).await.unwrap();
    assert!(matches!(lab.decide(&writer("B")).await, Decision::Write { .. }));
    assert_eq!(lab.git(&["rev-parse", "staging-app^@"]).await, merged);
}

#[tokio::test]
async fn joining_keeps_what_the_branch_alone_changed() {
    let mut lab = Lab::new().await;
    let begin = [
        ("both", Some("1")),
        ("theirs", Some("1")),
        ("gone", Some("1")),
        ("same", Some("1")),
        ("dir/deep/both", Some("1")),
        ("dir/deep/branch", Some("1")),
        ("apps/shared", Some("1")),
    ];
    lab.commit("staging", &begin, "Begin").await;
    let writer = |text| Writer::new("staging-app", Some("staging"), text);
    lab.decide(&writer("A")).await;
    let by_reviewer = [
        ("both", Some("branch")),
        ("gone", None),
        ("same", Some("2")),
        ("new", Some("branch")),
        ("dir/deep/both", Some("branch")),
        ("dir/deep/branch", Some("branch")),
        ("apps/shared", Some("branch")),
        ("apps/app/note.txt", Some("branch")),
    ];
    lab.commit("staging-app", &by_reviewer, "Reviewer's work").await;
    let before = lab.tip("staging-app").await.unwrap();
    let by_others = [
        ("both", Some("base")),
        ("theirs", Some("base")),
        ("same", Some("2")),
        ("dir/deep/both", Some("base")),
        ("apps/app/other.txt", Some("base")),
    ];
    let base = lab.commit("staging", &by_others, "Others' work").await;

    assert!(matches!(lab.decide(&writer("B")).await, Decision::Write { sequence: 2, .. }));
    let parents = lab.git(&["rev-parse", "staging-app~1^@"]).await;
    assert_eq!(parents, format!("{base}\n{before}"), "base first");
    let files = lab.git(&["grep", "", "staging-app", "--", "."]).await.replace("staging-app:", "");
    let files: Vec<&str> = files.lines().filter(|line| !line.contains(".portolan")).collect();
    assert_eq!(
        files,
        [
            "apps/app/app.yaml:B",
            "apps/app/note.txt:branch",
            "apps/app/other.txt:base",
            "apps/shared:branch",
            "both:base",
            "dir/deep/both:base",
            "dir/deep/branch:branch",
            "new:branch",
            "same:2",
            "theirs:base",
        ]
    );
    let message = lab.git(&["show", "-s", "--format=%B", "staging-app~1"]).await;
    let line = "Both sides changed both, dir/deep/both: the base's version stays.";
    assert!(message.starts_with("Join staging and staging-app\n"), "{message}");
    assert!(message.contains(&format!("\n\n{line}\n\nPortolan-Passage: ")), "{message}");
    lab.git(&["fsck", "--strict"]).await;

    // A rebase would meet the reviewer's conflict again: git has no merge to go by there.
    for how in [How::Merge, How::Squash] {
        lab.git(&["branch", "-f", "try", "staging"]).await;
        lab.server.merge(REPO, "try", "staging-app", how).await.unwrap();
        assert_eq!(lab.git(&["diff", "--name-only", "try", "staging-app"]).await, "", "{how:?}");
    }
}

/// A rebase applies the branch's commits one by one, without the merge between them.
#[tokio::test]
async fn newer_content_over_an_open_offer_lands_in_every_way() {
    let mut lab = Lab::new().await;
    lab.commit("staging", &[("README", Some("x"))], "Begin").await;
    let with = |files: &[(&str, &str)]| {
        Writer::new("staging-app", Some("staging"), "")
            .with(|writer| writer.desired = content(files))
    };
    lab.decide(&with(&[("a", "1"), ("gone", "1")])).await;
    // Once with a base that stands still, once with one that moved, also in our directory.
    for (version, meanwhile) in [("2", None), ("3", Some("apps/app/theirs"))] {
        if let Some(file) = meanwhile {
            lab.commit("staging", &[(file, Some("theirs"))], "Theirs").await;
        }
        lab.decide(&with(&[("a", version)])).await;
        let listed = lab.git(&["ls-tree", "-r", "--name-only", "staging-app:apps/app"]).await;
        assert!(!listed.contains("gone"), "{listed}");
        for how in [How::Merge, How::Squash, How::Rebase] {
            lab.git(&["branch", "-f", "try", "staging"]).await;
            lab.server.merge(REPO, "try", "staging-app", how).await.unwrap();
            let differs = lab.git(&["diff", "--name-only", "try", "staging-app"]).await;
            assert_eq!(differs, "", "{how:?} of {version}");
        }
    }
}

#[tokio::test]
async fn joining_branches_without_a_common_ancestor() {
    let mut lab = Lab::new().await;
    lab.commit("staging", &[("a", Some("base")), ("both", Some("base"))], "Begin").await;
    lab.commit("staging-app", &[("b", Some("branch")), ("both", Some("branch"))], "Another root")
        .await;
    assert!(matches!(
        lab.decide(&Writer::new("staging-app", Some("staging"), "A")).await,
        Decision::Write { .. }
    ));
    let files = lab.git(&["grep", "", "staging-app", "--", "a", "b", "both"]).await;
    assert_eq!(files, "staging-app:a:base\nstaging-app:b:branch\nstaging-app:both:base");
}

#[tokio::test]
async fn only_what_the_record_lists_is_removed() {
    let mut lab = Lab::new().await;
    let with = |files: &[(&str, &str)]| {
        Writer::new("staging", None, "").with(|writer| writer.desired = content(files))
    };
    lab.decide(&with(&[("a", "1"), ("old/deep/b", "1"), ("dir", "1")])).await;
    lab.commit(
        "staging",
        &[("apps/app/theirs", Some("x")), ("apps/app/old/theirs", Some("x"))],
        "Theirs",
    )
    .await;
    // What was a file is a directory now, and the other way round.
    lab.decide(&with(&[("dir/a", "2"), ("old/deep", "2")])).await;
    let listed = lab.git(&["ls-tree", "-r", "--name-only", "staging:apps/app"]).await;
    assert_eq!(listed, ".portolan/passage\ndir/a\nold/deep\nold/theirs\ntheirs");
}

/// F75, F76, F78.
#[tokio::test]
async fn entries_of_others_keep_every_byte() {
    let lab = Lab::new().await;
    lab.commit("main", &[("a", Some("1"))], "first").await;
    let blob = lab.git(&["rev-parse", "main:a"]).await;
    let id: Vec<u8> =
        (0..20).map(|n| u8::from_str_radix(&blob[2 * n..2 * n + 2], 16).unwrap()).collect();
    let mut bytes = Vec::new();
    for (mode, name) in [
        ("120000", b"LINK".as_slice()),
        ("160000", b"Sub"),
        ("100755", b"caf\xe9"),
        ("100664", b"group"),
        ("100644", b"line\nbreak"),
        ("120000", b"link"),
        ("160000", b"sub"),
    ] {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(&id);
    }
    let file = lab.cache().join("tree");
    std::fs::write(&file, &bytes).unwrap();
    let hash = ["hash-object", "-t", "tree", "-w", "--literally", file.to_str().unwrap()];
    let tree = lab.git(&hash).await;
    let author = ["-c", "user.name=x", "-c", "user.email=x@example.test"];
    let commit = lab.git(&[&author[..], &["commit-tree", "-m", "raw", &tree]].concat()).await;
    lab.git(&["update-ref", "refs/heads/main", &commit]).await;
    Raw::put("z", "100755", b"ours").write(&lab, ".").await.unwrap();
    let ours = lab.git(&["rev-parse", "main:z"]).await;
    bytes.extend_from_slice(b"100755 z\0");
    bytes.extend((0..20).map(|n| u8::from_str_radix(&ours[2 * n..2 * n + 2], 16).unwrap()));
    std::fs::write(&file, &bytes).unwrap();
    let hash = ["hash-object", "-t", "tree", "--literally", file.to_str().unwrap()];
    assert_eq!(lab.git(&["rev-parse", "main^{tree}"]).await, lab.git(&hash).await);
}

#[tokio::test]
async fn deletion_is_an_edit_like_any_other() {
    let lab = Lab::new().await;
    lab.commit("main", &[("apps/other/a", Some("x"))], "Theirs").await;
    lab.write(&Writer::new("main", None, "A")).await.unwrap();
    let remove = Raw {
        put: Vec::new(),
        remove: vec!["app.yaml".into(), ".portolan/passage".into(), "gone".into()],
    };
    pushed(remove.clone().write(&lab, "apps/app").await.unwrap());
    assert_eq!(lab.git(&["ls-tree", "-r", "--name-only", "main"]).await, "apps/other/a");
    let last = Raw { put: Vec::new(), remove: vec!["a".into()] };
    pushed(last.write(&lab, "apps/other").await.unwrap());
    assert_eq!(lab.git(&["ls-tree", "-r", "--name-only", "main"]).await, "");
}
