//! Servers that are no forge, answer nonsense, or lead elsewhere.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use portolan_api::native::git_writer::Forge as Kind;
use portolan_git::{Class, Credentials, Error, Forge, RemoteRepository};
use portolan_plan::writer::PullRequest;
use rstest::rstest;
use serde_json::json;

const CANARY: &str = "canary-8f3b-canary";

/// A server that answers so; where it is.
pub(crate) async fn serve<F>(answer: F) -> SocketAddr
where
    F: Fn(&Request) -> Response<Body> + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    let app = Router::new().fallback(move |request: Request| {
        let answer = answer(&request);
        async move { answer }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    at
}

pub(crate) fn says(status: u16, text: impl Into<Body>) -> Response<Body> {
    Response::builder().status(status).body(text.into()).unwrap()
}

fn repository(at: SocketAddr) -> RemoteRepository {
    RemoteRepository::new(format!("http://{at}/sub/o/r.git"), Credentials::basic("me", CANARY))
}

pub(crate) async fn known(at: SocketAddr) -> Forge {
    Forge::connect(&repository(at), Some(Kind::Gitea), &[]).await.unwrap()
}

fn request() -> PullRequest {
    serde_json::from_value(json!({
        "number": 1, "url": "", "state": "Open", "branch": "a", "base": "main", "head": HEAD,
        "title": "", "body": "", "author": "me", "draft": false, "merged_revision": null,
        "reference": "", "updated": "",
    }))
    .unwrap()
}

pub(crate) const HEAD: &str = "0123456789012345678901234567890123456789";

/// What every question meets.
async fn errors(forge: &Forge) -> Vec<Error> {
    vec![
        forge.requests(10).await.unwrap_err(),
        forge.open(&crate::lab::new("a")).await.unwrap_err(),
        forge.edit(1, "a", "b").await.unwrap_err(),
        forge.readiness(&request()).await.unwrap_err(),
        forge.merge(1, HEAD).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn kinds_of_forges() {
    let connect = async |url: &str, kind| {
        Forge::connect(&RemoteRepository::public(url), kind, &[]).await.unwrap_err()
    };
    for (url, kind, name) in [
        ("https://github.com/o/r.git", None, "GitHub"),
        ("https://gitlab.com/o/r.git", None, "GitLab"),
        ("https://git.example/o/r.git", Some(Kind::Github), "GitHub"),
        ("https://git.example/o/r.git", Some(Kind::Gitlab), "GitLab"),
    ] {
        let error = connect(url, kind).await;
        assert_eq!((error.class(), error.reason()), (Class::Stalled, "NotSupported"));
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = connect("https://git.example/r.git", None).await;
    assert_eq!(error.reason(), "UrlNotAllowed", "{error}");
    let error = connect("git@git.example:o/r.git", None).await;
    assert_eq!(error.reason(), "NotSupported", "{error}");

    for (status, text, is_known) in [
        (200, r#"{"version":"1.26.0"}"#, true),
        (200, r#"{"version":"11.0.1+gitea-1.22.0","x":1}"#, true),
        (200, r#"{"version":""}"#, false),
        (200, "<html>hello</html>", false),
        (404, r#"{"error":"404 Not Found"}"#, false),
        (403, "", false),
    ] {
        let at = serve(move |asked| match asked.uri().path() {
            "/sub/api/v1/version" => says(status, text),
            _ => says(500, ""),
        })
        .await;
        match Forge::connect(&repository(at), None, &[]).await {
            Ok(_) => assert!(is_known, "{text}"),
            Err(error) => {
                assert!(!is_known, "{error}");
                assert_eq!((error.class(), error.reason()), (Class::Stalled, "ForgeUnknown"));
                assert!(error.to_string().ends_with("set spec.pullRequest.forge"), "{error}");
            }
        }
    }
}

/// T-20.
#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let other = serve(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        says(200, r#"{"version":"1"}"#)
    })
    .await;
    let at = serve(move |asked| {
        let to = format!("http://me:{CANARY}@{other}{}?token={CANARY}", asked.uri().path());
        Response::builder().status(307).header("Location", to).body(Body::empty()).unwrap()
    })
    .await;
    let mut met = errors(&known(at).await).await;
    met.push(Forge::connect(&repository(at), None, &[]).await.unwrap_err());
    for error in met {
        assert!(matches!(error, Error::Redirected { .. }), "{error}");
        assert!(error.to_string().contains(&format!("http://{other}/")), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

/// T-25.
#[tokio::test]
async fn refused_addresses_are_not_asked() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let at = serve(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        says(200, r#"{"version":"1"}"#)
    })
    .await;
    let loopback: Vec<IpAddr> = ["::ffff:127.0.0.1", "::1"].map(|ip| ip.parse().unwrap()).into();
    let by_name = format!("http://localhost:{}/o/r", at.port());
    for url in [format!("http://{at}/o/r"), by_name, "http://169.254.169.254/o/r".into()] {
        let repository = RemoteRepository::public(url);
        let error = Forge::connect(&repository, None, &loopback).await.unwrap_err();
        assert!(matches!(error, Error::AddressRefused { .. }), "{error}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let unknown = RemoteRepository::public("http://nowhere.invalid/o/r");
    let error = Forge::connect(&unknown, None, &[]).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let https = RemoteRepository::public(format!("https://{at}/o/r"));
    let error = Forge::connect(&https, None, &[]).await.unwrap_err();
    assert_eq!(error.class(), Class::Transient, "{error}");
}

#[tokio::test]
async fn answers_have_an_end() {
    let at = serve(|_| {
        let text = format!(r#"[{{"title":"{}"}}]"#, "x".repeat(20 << 20));
        says(200, text)
    })
    .await;
    for error in errors(&known(at).await).await {
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
    // Also where no length is told.
    let at = serve(|_| {
        let chunk = || Some(Ok::<_, std::io::Error>("x".repeat(1 << 16)));
        says(403, Body::from_stream(futures::stream::iter(std::iter::from_fn(chunk))))
    })
    .await;
    let error = known(at).await.requests(10).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[rstest]
#[case("")]
#[case("null x")]
#[case("{")]
#[case(r#"{"number":"one"}"#)]
#[case(r#"[{"number":1,"head":[1]}]"#)]
#[case(r#"[{"number":99999999999999999999}]"#)]
#[case(r#""canary-8f3b-canary""#)]
#[case("\u{0}\u{1b}[31m")]
#[tokio::test]
async fn nonsense(#[case] text: &'static str) {
    let at = serve(move |_| says(200, text)).await;
    for error in errors(&known(at).await).await {
        assert_eq!((error.class(), error.reason()), (Class::Transient, "GitServerError"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary-8f3b") && !shown.contains('\u{1b}'), "{shown}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let at = serve(move |_| says(200, deep.clone())).await;
    assert_eq!(known(at).await.requests(10).await.unwrap_err().reason(), "GitServerError");
}

#[rstest]
#[case(401, "AuthFailed", Class::Stalled)]
#[case(403, "RequestRefused", Class::Stalled)]
#[case(404, "RepositoryNotFound", Class::Stalled)]
#[case(405, "RequestRefused", Class::Stalled)]
#[case(409, "RequestRefused", Class::Stalled)]
#[case(422, "RequestRefused", Class::Stalled)]
#[case(429, "GitServerError", Class::Transient)]
#[case(500, "GitServerError", Class::Transient)]
#[case(503, "GitServerError", Class::Transient)]
#[tokio::test]
async fn statuses(#[case] status: u16, #[case] reason: &str, #[case] class: Class) {
    let text = json!({ "message": format!("you sent\n{CANARY} \u{1b}[31m") }).to_string();
    let at = serve(move |_| says(status, text.clone())).await;
    let error = known(at).await.requests(10).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), (reason, class));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("canary") && !shown.contains('\u{1b}'), "{shown}");
    assert!(status == 404 || shown.contains("you sent ***"), "{shown}");
}

#[tokio::test]
async fn a_pause_is_kept() {
    for status in [403, 429, 503] {
        let at = serve(move |_| {
            let answer = Response::builder().status(status).header("Retry-After", "17");
            answer.body(Body::from("<html>slow</html>")).unwrap()
        })
        .await;
        let error = known(at).await.requests(10).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(17)));
        assert_eq!(error.class(), Class::Transient);
    }
}

/// A server that says yes to a merge and does not do it.
#[tokio::test]
async fn a_merge_is_believed_when_it_is_seen() {
    let at = serve(|asked| match asked.method().as_str() {
        "POST" => says(200, ""),
        _ => says(200, r#"{"number":1,"state":"open"}"#),
    })
    .await;
    let error = known(at).await.merge(1, HEAD).await.unwrap_err();
    assert_eq!(error.class(), Class::Transient, "{error}");
}
