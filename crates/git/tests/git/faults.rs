//! Servers that fail, hang, redirect and lose answers.

use std::time::{Duration, Instant};

use portolan_git::{Class, Credentials, Error, Login, RemoteRepository, Written};
use portolan_testbed::{Fault, GitServer};

use crate::lab::{Lab, REPO, Writer, pushed, workers};

pub(crate) const RECEIVE: &str = "POST /team/app.git/git-receive-pack";

pub(crate) async fn ready() -> Lab {
    ready_with(Duration::from_mins(1)).await
}

async fn ready_with(deadline: Duration) -> Lab {
    let lab = Lab::with(|options| options.deadline = deadline).await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    lab
}

pub(crate) async fn count(lab: &Lab) -> String {
    lab.git(&["rev-list", "--count", "main"]).await
}

pub(crate) fn writer() -> Writer {
    Writer::new("main", None, "A")
}

pub(crate) fn assert_is(error: &Error, class: Class, reason: &str) {
    assert_eq!((error.class(), error.reason()), (class, reason), "{error}");
}

/// Trap 2: libgit2 asks for credentials for ever.
#[tokio::test]
async fn a_wrong_password_costs_a_few_requests() {
    let lab = ready().await;
    lab.server.set_credentials(Some(("me", "right")));
    for credentials in
        [Credentials::basic("me", "wrong"), Credentials::bearer("wrong"), Credentials::none()]
    {
        lab.server.clear_seen();
        let repo = RemoteRepository::new(lab.server.url(REPO), credentials);
        assert_is(&lab.service.refs(&repo).await.unwrap_err(), Class::Stalled, "AuthFailed");
        let writer = writer();
        let written = lab.service.write(&repo, writer.place.clone(), Box::new(writer)).await;
        assert_is(&written.unwrap_err(), Class::Stalled, "AuthFailed");
        assert!(lab.server.seen().len() <= 4, "{:?}", lab.server.seen());
    }
    let repo = RemoteRepository::new(lab.server.url(REPO), Credentials::basic("me", "right"));
    let writer = writer();
    pushed(lab.service.write(&repo, writer.place.clone(), Box::new(writer)).await.unwrap());
}

#[tokio::test]
async fn what_a_server_answers() {
    for (status, class, reason) in [
        (503, Class::Transient, "GitServerError"),
        (502, Class::Transient, "GitServerError"),
        (429, Class::Transient, "GitServerError"),
        (404, Class::Stalled, "RepositoryNotFound"),
        (403, Class::Stalled, "AuthFailed"),
    ] {
        let lab = ready().await;
        lab.server.inject(Fault::Status(status), "info/refs", Some(1));
        assert_is(&lab.service.refs(&lab.repo()).await.unwrap_err(), class, reason);
        assert!(lab.service.refs(&lab.repo()).await.is_ok());
        lab.server.inject(Fault::Status(status), RECEIVE, Some(1));
        assert_is(&lab.write(&writer()).await.unwrap_err(), class, reason);
        assert_eq!(count(&lab).await, "1");
        pushed(lab.write(&writer()).await.unwrap());
    }
}

#[tokio::test]
async fn nobody_is_there() {
    let mut lab = ready().await;
    let gone = GitServer::start().await.unwrap();
    let url = gone.url(REPO);
    drop(gone);
    let error = lab.service.refs(&RemoteRepository::public(url)).await.unwrap_err();
    assert_is(&error, Class::Transient, "GitUnreachable");
    assert!(error.to_string().contains("connection refused"), "{error}");
    let error = lab
        .service
        .refs(&RemoteRepository::public("http://nowhere.invalid/a.git"))
        .await
        .unwrap_err();
    assert_is(&error, Class::Transient, "GitUnreachable");
    let missing = RemoteRepository::public(lab.server.url("team/missing"));
    assert_is(&lab.service.refs(&missing).await.unwrap_err(), Class::Stalled, "RepositoryNotFound");
    let metadata = RemoteRepository::public("http://169.254.169.254/latest.git");
    assert_is(&lab.service.refs(&metadata).await.unwrap_err(), Class::Stalled, "UrlNotAllowed");
    lab = Lab::with(|options| options.refused_addresses = vec!["127.0.0.1".parse().unwrap()]).await;
    let error = lab.service.refs(&lab.repo()).await.unwrap_err();
    assert_is(&error, Class::Stalled, "UrlNotAllowed");
    assert_eq!(lab.server.seen(), []);
}

/// F60: a worker that hangs is killed, and the next call works.
#[tokio::test]
async fn a_server_that_hangs() {
    for at in ["info/refs?service=git-upload-pack", "info/refs?service=git-receive-pack", RECEIVE] {
        let lab = ready_with(Duration::from_secs(2)).await;
        lab.server.inject(Fault::Hang, at, Some(1));
        let started = Instant::now();
        let error = lab.write(&writer()).await.unwrap_err();
        assert!(matches!(error, Error::TimedOut { seconds: 2, .. }), "{error}");
        assert_is(&error, Class::Transient, "GitUnreachable");
        assert!(started.elapsed() < Duration::from_secs(10));
        assert_eq!(count(&lab).await, "1");
        pushed(lab.write(&writer()).await.unwrap());
        assert_eq!(workers(lab.cache()).len(), 1, "the one that hung is gone");
    }
}

/// F60, F61: what a killed worker pushed is not pushed twice.
#[tokio::test]
async fn a_push_that_outlives_its_worker() {
    // The branch has moved when the worker is killed.
    let lab = ready_with(Duration::from_secs(2)).await;
    let slow = "#!/bin/sh\ncat >/dev/null\nsleep 5\n";
    lab.server.set_hook(REPO, "post-receive", slow).await.unwrap();
    let commit = pushed(lab.write(&writer()).await.unwrap());
    assert_eq!(lab.tip("main").await.unwrap(), commit);
    assert_eq!(count(&lab).await, "2");

    // It moves later: nobody knows, until git is asked the next time.
    let lab = ready_with(Duration::from_secs(2)).await;
    lab.server.set_hook(REPO, "pre-receive", "#!/bin/sh\ncat >/dev/null\nsleep 4\n").await.unwrap();
    assert!(matches!(lab.write(&writer()).await, Err(Error::TimedOut { .. })));
    let moved = portolan_testbed::wait::until("the push", Duration::from_secs(20), async || {
        (count(&lab).await == "2").then_some(())
    });
    moved.await.unwrap();
    assert_eq!(lab.write(&writer()).await.unwrap(), Written::Stopped);
    assert_eq!(count(&lab).await, "2");
}

/// F61.
#[tokio::test]
async fn an_answer_that_is_lost() {
    for fault in [Fault::LoseAnswer, Fault::CutAfter(100), Fault::CutAfter(300)] {
        let lab = ready().await;
        lab.server.inject(fault, RECEIVE, Some(1));
        let commit = pushed(lab.write(&writer()).await.unwrap());
        assert_eq!(lab.tip("main").await.unwrap(), commit);
        assert_eq!((count(&lab).await.as_str(), lab.pushes()), ("2", 1));
    }
    let lab = ready().await;
    lab.server.inject(Fault::LoseAnswer, "git-upload-pack", Some(1));
    assert_is(&lab.write(&writer()).await.unwrap_err(), Class::Transient, "GitUnreachable");
    pushed(lab.write(&writer()).await.unwrap());
}

/// T-20: a redirect is not followed, and nothing is shown to whom it leads to.
#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let lab = ready().await;
    let other = GitServer::start().await.unwrap();
    other.create_repo(REPO).await.unwrap();
    lab.server.set_credentials(Some(("me", "right")));
    let port = other.base_url().rsplit(':').next().unwrap().to_owned();
    for to in
        [other.base_url(), format!("http://localhost:{port}"), lab.server.base_url() + "/moved"]
    {
        for credentials in
            [Credentials::basic("me", "right"), Credentials::bearer("right"), Credentials::none()]
        {
            lab.server.set_credentials(
                matches!(credentials.login, Login::Basic { .. }).then_some(("me", "right")),
            );
            let repo = RemoteRepository::new(lab.server.url(REPO), credentials);
            for at in ["info/refs", "git-receive-pack"] {
                lab.server.inject(Fault::Redirect(to.clone()), at, None);
                let writer = writer();
                let written =
                    lab.service.write(&repo, writer.place.clone(), Box::new(writer)).await;
                let error = written.unwrap_err();
                assert_is(&error, Class::Stalled, "UrlNotAllowed");
                assert!(error.to_string().contains(&to), "{error}");
                lab.server.clear_faults();
            }
        }
    }
    assert_eq!(other.seen(), []);
    assert!(lab.server.seen().iter().all(|seen| !seen.path.starts_with("/moved")));
}

/// F57: a reference that the server cannot lock is a race until it has been tried often enough.
#[tokio::test]
async fn a_branch_that_is_locked_for_a_while() {
    let lab = ready().await;
    let lock = lab.server.repo_path(REPO).join("refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    let unlock = async {
        let pushed = portolan_testbed::wait::until("pushes", Duration::from_secs(20), async || {
            (lab.pushes() >= 3).then_some(())
        });
        pushed.await.unwrap();
        std::fs::remove_file(&lock).unwrap();
    };
    let writer = writer();
    let (written, ()) = tokio::join!(lab.write(&writer), unlock);
    pushed(written.unwrap());
    assert_eq!(count(&lab).await, "2");

    std::fs::write(&lock, "").unwrap();
    let error = lab.write(&Writer::new("main", None, "B")).await.unwrap_err();
    assert_is(&error, Class::Transient, "GitServerError");
    assert!(error.to_string().contains("cannot lock ref"), "{error}");
}

/// Git refuses it for ever: no race.
#[tokio::test]
async fn a_branch_below_another() {
    let lab = ready().await;
    let error = lab.write(&Writer::new("main/app", None, "A")).await.unwrap_err();
    assert_is(&error, Class::Stalled, "PushRefused");
    assert!(error.to_string().contains("exists; cannot create"), "{error}");
    assert_eq!(lab.pushes(), 1);
}

#[tokio::test]
async fn a_push_that_the_server_cannot_unpack() {
    let lab = ready().await;
    lab.git(&["config", "receive.maxInputSize", "10"]).await;
    assert_is(&lab.write(&writer()).await.unwrap_err(), Class::Stalled, "TooLarge");
    lab.git(&["config", "--unset", "receive.maxInputSize"]).await;
    pushed(lab.write(&writer()).await.unwrap());
}
