//! Many writers of one repository: one fetch, one push, a result for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portolan_git::{Class, Error, Planner, Step, Written};
use portolan_plan::writer::{History, Place, View};

use crate::lab::{Lab, Writer, pushed};
use crate::look::futures;

const K: usize = 30;

fn writers(same_branch: bool) -> Vec<Writer> {
    let writer = |n: usize| {
        let branch = if same_branch { "main".to_owned() } else { format!("app-{n}") };
        let base = (!same_branch).then_some("main");
        Writer::new(&branch, base, &n.to_string())
            .at(&format!("apps/{n}"), &format!("build/dev/{n}"))
    };
    (0..K).map(writer).collect()
}

async fn all(lab: &Lab, writers: &[Writer]) -> Vec<Result<Written, Error>> {
    futures(writers.iter().map(|writer| lab.write(writer))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_writers_of_thirty_branches_cost_two_pushes_at_most() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    lab.server.clear_seen();
    for written in all(&lab, &writers(false)).await {
        pushed(written.unwrap());
    }
    assert!(lab.pushes() <= 2, "{} pushes", lab.pushes());
    let branches = lab.git(&["for-each-ref", "--format=%(refname)", "refs/heads/app-*"]).await;
    assert_eq!(branches.lines().count(), K);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_writers_of_one_branch_cost_two_pushes_at_most() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    lab.server.clear_seen();
    for written in all(&lab, &writers(true)).await {
        pushed(written.unwrap());
    }
    assert!(lab.pushes() <= 2, "{} pushes", lab.pushes());
    let files = lab.git(&["ls-tree", "-r", "--name-only", "main"]).await;
    assert_eq!(files.lines().filter(|file| file.ends_with("app.yaml")).count(), K);
    assert_eq!(lab.git(&["rev-list", "--count", "main"]).await, (K + 1).to_string());
}

/// F58: two controllers with thirty writers each, on one branch.
#[tokio::test(flavor = "multi_thread")]
async fn two_services_race_and_nothing_is_lost() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    let other = tempfile::tempdir().unwrap();
    let other = portolan_git::Service::new(crate::lab::options(other.path())).unwrap();
    let repo = lab.repo();
    let (ours, theirs): (Vec<Writer>, Vec<Writer>) = (writers(true), {
        let rename = |(n, writer): (usize, Writer)| {
            writer.at(&format!("more/{n}"), &format!("other/dev/{n}"))
        };
        writers(true).into_iter().enumerate().map(rename).collect()
    });
    let first = futures(ours.iter().map(|writer| lab.write(writer)));
    let second = futures(
        theirs
            .iter()
            .map(|writer| other.write(&repo, writer.place.clone(), Box::new(writer.clone()))),
    );
    let (first, second) = tokio::join!(first, second);
    for written in first.into_iter().chain(second) {
        pushed(written.unwrap());
    }
    let files = lab.git(&["ls-tree", "-r", "--name-only", "main"]).await;
    assert_eq!(files.lines().filter(|file| file.ends_with("app.yaml")).count(), 2 * K);
    assert_eq!(lab.git(&["rev-list", "--count", "main"]).await, (2 * K + 1).to_string());
}

#[tokio::test]
async fn the_second_writer_of_a_branch_builds_on_the_first() {
    let lab = Lab::new().await;
    let writers: Vec<Writer> = ["a", "b"]
        .iter()
        .map(|name| Writer::new("main", None, name).at(name, &format!("build/dev/{name}")))
        .collect();
    lab.server.clear_seen();
    let written: Vec<String> =
        all(&lab, &writers).await.into_iter().map(|one| pushed(one.unwrap())).collect();
    assert_eq!(lab.pushes(), 1);
    assert_eq!(lab.git(&["rev-list", "main"]).await, format!("{}\n{}", written[1], written[0]));
}

#[tokio::test]
async fn the_same_write_twice_is_one_commit() {
    let lab = Lab::new().await;
    let writer = Writer::new("main", None, "A");
    let written = all(&lab, &[writer.clone(), writer]).await;
    assert!(matches!(written[0], Ok(Written::Pushed { .. })));
    assert!(matches!(written[1], Ok(Written::Stopped)));
    assert_eq!(lab.git(&["rev-list", "--count", "main"]).await, "1");
}

/// F63: a hook's refusal affects only its branch.
#[tokio::test]
async fn a_hook_refuses_one_branch_of_several() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    let update =
        "#!/bin/sh\n[ \"$1\" != refs/heads/app-7 ] || { echo 'no sevens, please' >&2; exit 1; }\n";
    lab.server.set_hook("team/app", "update", update).await.unwrap();
    check_one_refusal(&lab).await;
    assert_eq!(lab.pushes(), 1);
}

/// A hook that judges the push as a whole.
#[tokio::test]
async fn a_hook_refuses_the_whole_push_for_one_branch() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    let pre =
        "#!/bin/sh\nif grep -q refs/heads/app-7; then echo 'no sevens, please' >&2; exit 1; fi\n";
    lab.server.set_hook("team/app", "pre-receive", pre).await.unwrap();
    check_one_refusal(&lab).await;
}

async fn check_one_refusal(lab: &Lab) {
    lab.server.clear_seen();
    for (n, written) in all(lab, &writers(false)[..10]).await.into_iter().enumerate() {
        if n != 7 {
            pushed(written.unwrap());
            continue;
        }
        let error = written.unwrap_err();
        let Error::PushRefused { reference, message } = &error else { panic!("{error}") };
        assert_eq!(reference, "app-7");
        assert!(message.contains("no sevens, please") && message.len() <= 1100, "{message}");
        assert_eq!((error.class(), error.reason()), (Class::Stalled, "PushRefused"));
    }
}

/// Of two writers of one branch, the hook means one.
#[tokio::test]
async fn a_refused_writer_does_not_hold_others_of_its_branch() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    let update = "#!/bin/sh\nif git ls-tree -r --name-only $3 | grep -q apps/1/; then echo 'no ones' >&2; exit 1; fi\n";
    lab.server.set_hook("team/app", "update", update).await.unwrap();
    let written = all(&lab, &writers(true)[..4]).await;
    for (n, written) in written.into_iter().enumerate() {
        match written {
            Ok(written) => assert!(n != 1 && matches!(written, Written::Pushed { .. })),
            Err(error) => assert!(n == 1 && error.to_string().contains("no ones"), "{n}: {error}"),
        }
    }
    assert_eq!(lab.git(&["rev-list", "--count", "main"]).await, "4");
}

/// F56: somebody pushes between our fetch and our push.
#[tokio::test]
async fn a_race_is_lost_and_planned_again() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    lab.commit("theirs", &[("theirs", Some("x"))], "Foreign").await;
    // The foreign commit comes when our push is judged: after the references were listed.
    let path = lab.server.repo_path("team/app");
    let hook = format!(
        "#!/bin/sh\ncd {}\nif [ ! -e raced ]; then touch raced; unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main refs/heads/theirs; fi\n",
        path.display()
    );
    lab.server.set_hook("team/app", "pre-receive", &hook).await.unwrap();
    let writer = Writer::new("main", None, "A");
    let commit = pushed(lab.write(&writer).await.unwrap());
    assert_eq!(writer.decisions(), 2);
    assert_eq!(lab.tip("main").await.unwrap(), commit);
    let files = lab.git(&["ls-tree", "-r", "--name-only", "main"]).await;
    assert!(files.contains("theirs") && files.contains("apps/app/app.yaml"), "{files}");
    assert_eq!(lab.git(&["rev-parse", "main~1"]).await, lab.tip("theirs").await.unwrap());
}

/// A planner that moves the branch by hand whenever it has planned.
struct Racer {
    writer: Writer,
    path: std::path::PathBuf,
    asked: Arc<AtomicUsize>,
}

impl Planner for Racer {
    fn plan(&mut self, view: &View, history: Option<&History>) -> Step {
        let step = self.writer.plan(view, history);
        if let Step::Write { .. } = step {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let git = |args: &[&str]| {
                let out = std::process::Command::new("git")
                    .arg("-C")
                    .arg(&self.path)
                    .args(args)
                    .output()
                    .unwrap();
                String::from_utf8(out.stdout).unwrap().trim().to_owned()
            };
            let tree = git(&["rev-parse", "main^{tree}"]);
            let author = ["-c", "user.name=x", "-c", "user.email=x@example.test"];
            let commit =
                git(&[&author[..], &["commit-tree", "-p", "main", "-m", "race", &tree]].concat());
            git(&["update-ref", "refs/heads/main", &commit]);
        }
        step
    }
}

#[tokio::test]
async fn a_branch_that_never_stands_still_is_given_up() {
    let lab = Lab::with(|options| options.pause = std::time::Duration::from_millis(1)).await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    lab.server.clear_seen();
    let writer = Writer::new("main", None, "A");
    let asked = Arc::new(AtomicUsize::new(0));
    let racer = Racer {
        writer: writer.clone(),
        path: lab.server.repo_path("team/app"),
        asked: asked.clone(),
    };
    let error =
        lab.service.write(&lab.repo(), writer.place.clone(), Box::new(racer)).await.unwrap_err();
    assert!(matches!(&error, Error::Contended { attempts: 10, .. }), "{error}");
    assert_eq!((error.class(), asked.load(Ordering::SeqCst)), (Class::Transient, 10));
    assert_eq!(lab.pushes(), 0, "a moved branch is seen before anything is sent");
}

#[tokio::test]
async fn what_is_not_confirmed_is_not_pushed() {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    let mut writers = writers(true)[..3].to_vec();
    writers[1].confirms = false;
    let written = all(&lab, &writers).await;
    assert!(matches!(written[0], Ok(Written::Pushed { .. })));
    assert!(matches!(written[1], Ok(Written::Stopped)));
    assert!(matches!(written[2], Ok(Written::Pushed { .. })));
    let files = lab.git(&["ls-tree", "-r", "--name-only", "main"]).await;
    assert!(
        files.contains("apps/0/") && !files.contains("apps/1/") && files.contains("apps/2/"),
        "{files}"
    );
}

struct Broken;

impl Planner for Broken {
    fn plan(&mut self, _: &View, _: Option<&History>) -> Step {
        panic!("canary");
    }
}

/// F11: one that panics ends nothing but its own write.
#[tokio::test]
async fn a_planner_that_panics() {
    let lab = Lab::new().await;
    let place = Place {
        branch: "main".into(),
        base: None,
        path: "broken".into(),
        writer: "w".into(),
        ..Place::default()
    };
    let repo = lab.repo();
    let broken = lab.service.write(&repo, place, Box::new(Broken));
    let writer = Writer::new("main", None, "A");
    let (broken, sound) = tokio::join!(broken, lab.write(&writer));
    assert!(!broken.unwrap_err().to_string().contains("canary"));
    pushed(sound.unwrap());
}

/// Thirty writers find an empty repository: one of them begins it.
#[tokio::test]
async fn an_empty_repository_is_begun_once() {
    let lab = Lab::new().await;
    let create = |mut writer: Writer| {
        writer.facts.create_base = true;
        writer
    };
    let writers: Vec<Writer> = writers(false).into_iter().map(create).collect();
    for written in all(&lab, &writers).await {
        pushed(written.unwrap());
    }
    assert_eq!(lab.pushes(), 1);
    assert_eq!(lab.git(&["rev-list", "--max-parents=0", "--all", "--count"]).await, "1");
    assert_eq!(lab.git(&["for-each-ref", "refs/heads"]).await.lines().count(), K + 1);
}
