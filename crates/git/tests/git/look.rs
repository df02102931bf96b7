//! Looking at a place, and the commit that changed it.

use portolan_api::native::git_source::GitSourceRef;
use portolan_git::{Class, Error, Follow, Look, Looked, Seen};
use portolan_testbed::How;
use portolan_testbed::git_server::Change;

use crate::lab::{ANN, Lab, REPO};

fn seen(looked: &Looked) -> Seen {
    Seen { revision: looked.revision.clone(), tree: looked.tree.clone() }
}

#[tokio::test]
async fn the_tree_and_the_commit_of_a_branch() {
    let lab = Lab::new().await;
    let commit = lab
        .commit("main", &[("a.txt", Some("1")), ("dir/b.txt", Some("2"))], "First\n\nbody")
        .await;
    let looked = lab.look("main", ".", |_| {}).await.unwrap();
    assert_eq!(looked.tree, lab.git(&["rev-parse", "main^{tree}"]).await);
    assert_eq!(looked.revision, commit);
    let info = looked.commit.unwrap();
    assert_eq!((info.author.as_str(), info.subject.as_str()), ("Ann <ann@example.test>", "First"));
    let time = lab.git(&["show", "-s", "--format=%cI", "main"]).await.replace("+00:00", "Z");
    assert_eq!(info.time, time);
    let looked = lab.look("main", "dir", |_| {}).await.unwrap();
    assert_eq!(looked.tree, lab.git(&["rev-parse", "main:dir"]).await);
}

#[tokio::test]
async fn tags_ranges_and_commits_are_followed() {
    let lab = Lab::new().await;
    let old = lab.commit("main", &[("a", Some("1"))], "one").await;
    lab.git(&["tag", "v1.0.0", "main"]).await;
    lab.commit("main", &[("a", Some("2"))], "two").await;
    lab.git(&[
        "-c",
        "user.name=x",
        "-c",
        "user.email=x",
        "tag",
        "-m",
        "annotated",
        "v1.2.0",
        "main",
    ])
    .await;
    let new = lab.tip("main").await.unwrap();
    lab.commit("main", &[("a", Some("3"))], "three").await;
    let refs = lab.service.refs(&lab.repo()).await.unwrap();
    let none = || GitSourceRef { branch: None, ..GitSourceRef::default() };
    for (spec, commit) in [
        (GitSourceRef { tag: Some("v1.0.0".into()), ..none() }, &old),
        (GitSourceRef { tag: Some("v1.2.0".into()), ..none() }, &new),
        (GitSourceRef { semver: Some(">=1, <2".into()), ..none() }, &new),
        (GitSourceRef { commit: Some(old.clone()), ..none() }, &old),
    ] {
        let found = refs.resolve(&Follow::new(&spec).unwrap()).unwrap();
        assert_eq!(&found.commit, commit, "{spec:?}");
        let look = Look {
            reference: found.reference,
            commit: found.commit,
            path: ".".into(),
            ignore: Vec::new(),
            last: None,
        };
        let looked = lab.service.look(&lab.repo(), look).await.unwrap();
        assert_eq!(&looked.revision, commit);
        assert_eq!(looked.tree, lab.git(&["rev-parse", &format!("{commit}^{{tree}}")]).await);
    }
}

#[tokio::test]
async fn the_revision_is_the_newest_commit_that_changed_the_directory() {
    let lab = Lab::new().await;
    lab.commit("main", &[("app/a", Some("1")), ("other/b", Some("1"))], "first").await;
    let first = lab.look("main", "app", |_| {}).await.unwrap();

    // A commit elsewhere in a monorepo wakes nobody.
    lab.commit("main", &[("other/b", Some("2"))], "elsewhere").await;
    let same = lab.look("main", "app", |look| look.last = Some(seen(&first))).await.unwrap();
    assert_eq!(seen(&same), seen(&first));
    assert_eq!(same.commit.unwrap().subject, "first");

    // The change is found among commits elsewhere.
    lab.commit("main", &[("app/a", Some("2"))], "older change").await;
    lab.commit("main", &[("other/b", Some("3"))], "elsewhere").await;
    let change = lab.commit("main", &[("app/a", Some("3"))], "change").await;
    lab.commit("main", &[("other/b", Some("4"))], "elsewhere").await;
    let changed = lab.look("main", "app", |look| look.last = Some(seen(&first))).await.unwrap();
    assert_eq!(changed.revision, change);
    assert_eq!(changed.commit.unwrap().subject, "change");

    // First-parent: what a merge brings is the merge's doing.
    lab.git(&["branch", "topic", "main"]).await;
    lab.commit("topic", &[("app/a", Some("4"))], "on a branch").await;
    lab.commit("main", &[("other/b", Some("5"))], "elsewhere").await;
    let merge = lab.server.merge(REPO, "main", "topic", How::Merge).await.unwrap();
    lab.commit("main", &[("other/b", Some("6"))], "elsewhere").await;
    let last = Seen { revision: change, tree: lab.git(&["rev-parse", "main~2:app"]).await };
    let merged = lab.look("main", "app", |look| look.last = Some(last)).await.unwrap();
    assert_eq!(merged.revision, merge);
}

#[tokio::test]
async fn the_revision_is_the_same_after_a_restart() {
    let mut lab = Lab::new().await;
    for n in 0..5 {
        lab.commit("main", &[("other", Some(&n.to_string()))], "before").await;
    }
    lab.commit("main", &[("app/a", Some("1"))], "first").await;
    let first = lab.look("main", "app", |_| {}).await.unwrap();
    let change = lab.commit("main", &[("app/a", Some("2"))], "change").await;
    lab.commit("main", &[("other", Some("x"))], "elsewhere").await;
    lab.restart();
    let changed = lab.look("main", "app", |look| look.last = Some(seen(&first))).await.unwrap();
    assert_eq!(changed.revision, change);
    // And where nothing changed, what was seen last is told, though the commit is not at hand.
    lab.restart();
    let same = lab.look("main", "app", |look| look.last = Some(seen(&changed))).await.unwrap();
    assert_eq!(seen(&same), seen(&changed));
}

#[tokio::test]
async fn a_history_that_was_rewritten_is_looked_at_as_it_is() {
    let lab = Lab::new().await;
    lab.commit("main", &[("app/a", Some("1"))], "first").await;
    let first = lab.look("main", "app", |_| {}).await.unwrap();
    lab.commit("anew", &[("app/a", Some("2"))], "another root").await;
    let other = lab.commit("anew", &[("b", Some("2"))], "elsewhere").await;
    lab.git(&["update-ref", "refs/heads/main", &other]).await;
    let looked = lab.look("main", "app", |look| look.last = Some(seen(&first))).await.unwrap();
    assert_eq!(looked.revision, lab.git(&["rev-parse", "main~1"]).await);
}

#[tokio::test]
async fn ignored_files_are_not_there() {
    let lab = Lab::new().await;
    let files = [
        ("a.txt", Some("1")),
        ("a.md", Some("1")),
        ("docs/x", Some("1")),
        ("src/keep.md", Some("1")),
    ];
    lab.commit("main", &files, "first").await;
    let ignore = vec!["*.md".to_owned(), "!keep.md".into(), "docs/".into()];
    let look = async |last: Option<Seen>| {
        let ignore = ignore.clone();
        lab.look("main", ".", move |look| (look.ignore, look.last) = (ignore, last)).await.unwrap()
    };
    let looked = look(None).await;
    let files = [("a.txt", Some("1")), ("src/keep.md", Some("1"))];
    lab.commit("same", &files, "the same by hand").await;
    assert_eq!(looked.tree, lab.git(&["rev-parse", "same^{tree}"]).await);

    lab.commit("main", &[("b.md", Some("1")), ("docs/y", Some("1"))], "ignored").await;
    assert_eq!(look(Some(seen(&looked))).await.revision, looked.revision);
    let change = lab.commit("main", &[("a.txt", Some("2"))], "seen").await;
    lab.commit("main", &[("c.md", Some("1"))], "ignored").await;
    assert_eq!(look(Some(seen(&looked))).await.revision, change);

    let all = lab.look("main", "src", |look| look.ignore = vec!["src/".into()]).await.unwrap();
    assert_eq!(all.tree, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    let bad = lab.look("main", ".", |look| look.ignore = vec!["[z-a]".into()]).await.unwrap_err();
    assert_eq!(bad.reason(), "InvalidSpec");
}

#[tokio::test]
async fn what_is_no_directory_is_named() {
    let lab = Lab::new().await;
    let change = Change { path: "link", mode: "120000", content: Some(b"dir") };
    lab.commit("main", &[("dir/a", Some("1"))], "first").await;
    lab.server.commit_changes(REPO, "main", &[change], "link", ANN).await.unwrap();
    for path in ["gone", "dir/a", "link", "dir/a/b"] {
        let error = lab.look("main", path, |_| {}).await.unwrap_err();
        assert!(
            matches!(&error, Error::PathNotFound { path: named, .. } if named == path),
            "{error}"
        );
        assert_eq!((error.class(), error.reason()), (Class::Waiting, "PathNotFound"));
    }
    for path in ["../x", "/etc", ".git", ""] {
        assert_eq!(lab.look("main", path, |_| {}).await.unwrap_err().reason(), "InvalidSpec");
    }
}

#[tokio::test]
async fn a_commit_that_is_gone_is_said_to_be() {
    let lab = Lab::new().await;
    lab.commit("main", &[("a", Some("1"))], "first").await;
    let gone = "12".repeat(20);
    let error = lab.look("main", ".", |look| look.commit = gone.clone()).await.unwrap_err();
    assert_eq!(error, Error::CommitGone { commit: gone });
    assert_eq!((error.class(), error.reason()), (Class::Waiting, "ArtifactGone"));
}

#[tokio::test]
async fn a_branch_that_moved_since_the_list_is_looked_at_where_it_was() {
    let lab = Lab::new().await;
    let listed = lab.commit("main", &[("a", Some("1"))], "listed").await;
    let tree = lab.git(&["rev-parse", "main^{tree}"]).await;
    lab.commit("main", &[("a", Some("2"))], "moved").await;
    let looked = lab.look("main", ".", |look| look.commit = listed.clone()).await.unwrap();
    assert_eq!((looked.revision, looked.tree), (listed, tree));
}

#[tokio::test]
async fn an_empty_repository_has_no_references() {
    let lab = Lab::new().await;
    let refs = lab.service.refs(&lab.repo()).await.unwrap();
    assert!(refs.is_empty());
    assert_eq!(refs.resolve(&Follow::new(&GitSourceRef::default()).unwrap()), None);
}

#[tokio::test]
async fn those_who_ask_at_the_same_time_share_one_request() {
    let lab = Lab::new().await;
    lab.commit("main", &[("a", Some("1"))], "first").await;
    lab.service.refs(&lab.repo()).await.unwrap();
    lab.server.clear_seen();
    let repo = lab.repo();
    let all = (0..20).map(|_| lab.service.refs(&repo));
    for refs in futures(all).await {
        assert!(refs.unwrap().get("refs/heads/main").is_some());
    }
    assert!(lab.server.seen().len() <= 2, "{:?}", lab.server.seen());
}

/// All of them, at the same time.
pub(crate) async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut open: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, done) in open.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(answer) = one.as_mut().poll(context) {
                *done = Some(answer);
            }
        }
        if open.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    open.into_iter().map(|(_, done)| done.unwrap()).collect()
}
