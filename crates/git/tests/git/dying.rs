//! Workers that die, caches that break.

use std::path::Path;
use std::time::Duration;

use portolan_git::{Class, RemoteRepository, Written};
use portolan_testbed::Fault;

use crate::faults::{RECEIVE, assert_is, ready, writer};
use crate::lab::{Lab, Writer, pushed, workers};

fn kill(id: u32) {
    let id = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
}

/// F02, F08: a worker that is killed in the middle, and one that is killed while it waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed() {
    let lab = ready().await;
    lab.server.inject(Fault::Hang, RECEIVE, Some(1));
    let killer = async {
        let hangs =
            portolan_testbed::wait::until("the push", Duration::from_secs(20), async || {
                (lab.pushes() == 1).then_some(())
            });
        hangs.await.unwrap();
        for id in workers(lab.cache()) {
            kill(id);
        }
    };
    let writer = writer();
    let (written, ()) = tokio::join!(lab.write(&writer), killer);
    let error = written.unwrap_err();
    assert_is(&error, Class::Transient, "GitWorkerFailed");
    assert!(error.to_string().contains("signal 9"), "{error}");
    pushed(lab.write(&writer).await.unwrap());
    for id in workers(lab.cache()) {
        kill(id);
    }
    assert_eq!(lab.write(&writer).await.unwrap(), Written::Stopped);
}

/// What ends all conversations leaves no push behind that goes on.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_in_the_middle_of_a_push() {
    let lab = ready().await;
    lab.server.inject(Fault::Hang, RECEIVE, Some(1));
    let end = async {
        let hangs =
            portolan_testbed::wait::until("the push", Duration::from_secs(20), async || {
                (lab.pushes() == 1).then_some(())
            });
        hangs.await.unwrap();
        lab.service.end().await;
    };
    let writer = writer();
    let (written, ()) = tokio::join!(lab.write(&writer), end);
    assert_is(&written.unwrap_err(), Class::Transient, "GitWorkerFailed");
    let gone = portolan_testbed::wait::until("its end", Duration::from_secs(20), async || {
        workers(lab.cache()).is_empty().then_some(())
    });
    gone.await.unwrap();
    pushed(lab.write(&writer).await.unwrap());
}

#[tokio::test]
async fn a_worker_ends_when_it_has_nothing_to_do() {
    let lab = Lab::with(|options| options.idle = Duration::from_millis(300)).await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    lab.service.refs(&lab.repo()).await.unwrap();
    assert_eq!(workers(lab.cache()).len(), 1);
    let ended = portolan_testbed::wait::until("its end", Duration::from_secs(20), async || {
        workers(lab.cache()).is_empty().then_some(())
    });
    ended.await.unwrap();
    pushed(lab.write(&writer()).await.unwrap());
}

#[tokio::test]
async fn more_repositories_than_workers() {
    let lab = Lab::with(|options| options.limits.workers = 2).await;
    let names: Vec<String> = (0..6).map(|n| format!("team/{n}")).collect();
    for name in &names {
        lab.server.create_repo(name).await.unwrap();
    }
    let repos: Vec<RemoteRepository> =
        names.iter().map(|name| RemoteRepository::public(lab.server.url(name))).collect();
    for refs in crate::look::futures(repos.iter().map(|repo| lab.service.refs(repo))).await {
        assert!(refs.unwrap().is_empty());
    }
    assert!(workers(lab.cache()).len() <= 2);
}

/// A service that is gone leaves no process behind.
#[tokio::test]
async fn workers_end_with_their_service() {
    let mut lab = ready().await;
    lab.service.refs(&lab.repo()).await.unwrap();
    let cache = lab.cache().to_owned();
    assert_eq!(workers(&cache).len(), 1);
    lab.restart();
    let ended = portolan_testbed::wait::until("its end", Duration::from_secs(20), async || {
        workers(&cache).is_empty().then_some(())
    });
    ended.await.unwrap();
}

/// Changes bytes in the middle of every pack below a folder.
fn break_packs(folder: &Path) -> usize {
    let mut broken = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            broken += break_packs(&path);
        } else if path.extension().is_some_and(|extension| extension == "pack") {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            for byte in &mut bytes[middle - 20..middle + 20] {
                *byte ^= 0xff;
            }
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, bytes).unwrap();
            broken += 1;
        }
    }
    broken
}

/// F73: a cache that is broken is fetched anew, and nothing of it is pushed.
#[tokio::test]
async fn a_cache_that_is_broken() {
    let lab = ready().await;
    let text = "0123456789\n".repeat(50);
    lab.commit("main", &[("app/a", Some(&text)), ("app/b", Some("2"))], "More").await;
    let first = lab.look("main", "app", |_| {}).await.unwrap();
    pushed(lab.write(&writer()).await.unwrap());
    for id in workers(lab.cache()) {
        kill(id);
    }
    assert!(break_packs(lab.cache()) >= 2);
    let again = lab.look("main", "app", |_| {}).await.unwrap();
    assert_eq!(again.tree, first.tree);
    pushed(lab.write(&Writer::new("main", None, "B")).await.unwrap());
    lab.git(&["fsck", "--strict"]).await;

    // A folder that is gone, and one that is full of nonsense.
    for id in workers(lab.cache()) {
        kill(id);
    }
    for entry in
        std::fs::read_dir(lab.cache()).unwrap().flatten().filter(|entry| entry.path().is_dir())
    {
        std::fs::remove_dir_all(entry.path()).unwrap();
        std::fs::create_dir_all(entry.path().join("0/write.git/objects")).unwrap();
        std::fs::write(entry.path().join("0/write.git/config"), "[core\n").unwrap();
    }
    pushed(lab.write(&Writer::new("main", None, "C")).await.unwrap());
}

/// F72.
#[tokio::test]
async fn a_cache_that_cannot_be_written() {
    let lab = ready().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = portolan_git::Service::new(crate::lab::options(&file.join("cache"))).err().unwrap();
    assert_is(&error, Class::Transient, "LocalStorage");
    let mut options = crate::lab::options(lab.cache());
    options.worker = vec!["/nonexistent/worker".into()];
    let service = portolan_git::Service::new(options).unwrap();
    let error = service.refs(&lab.repo()).await.unwrap_err();
    assert_is(&error, Class::Transient, "GitWorkerFailed");
}
