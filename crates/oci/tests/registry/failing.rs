//! Servers that are down, overloaded, slow, refusing or hostile (T-19).

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use portolan_oci::{BaseImage, Class, Credential, Error, Options, Receipt, Registry};
use rstest::rstest;

use crate::gate::{Gate, Seen, refusal};
use crate::support::{client, image};

async fn push(host: &str) -> Result<Receipt, Error> {
    let repository = format!("{host}/team/app").parse().unwrap();
    client(&["127.0.0.1"]).push(&image("one"), &repository, "1", &Credential::Anonymous).await
}

async fn pull(host: &str) -> Result<BaseImage, Error> {
    let reference = format!("{host}/team/app:1").parse().unwrap();
    let platform = "linux/amd64".parse().unwrap();
    client(&["127.0.0.1"]).pull_base(&reference, &platform, &Credential::Anonymous).await
}

#[tokio::test]
async fn nobody_listens() {
    for error in [push("127.0.0.1:1").await.unwrap_err(), pull("127.0.0.1:1").await.unwrap_err()] {
        assert_eq!((error.reason(), error.class()), ("RegistryUnreachable", Class::Transient));
        assert!(error.to_string().ends_with("no answer from 127.0.0.1"), "{error}");
    }
}

#[rstest]
#[case(503, "", "RegistryServerError", Class::Transient)]
#[case(500, "<html>", "RegistryServerError", Class::Transient)]
#[case(429, "TOOMANYREQUESTS", "RegistryServerError", Class::Transient)]
#[case(404, "BLOB_UPLOAD_UNKNOWN", "RegistryServerError", Class::Transient)]
#[case(400, "DIGEST_INVALID", "RegistryServerError", Class::Transient)]
#[case(403, "DENIED", "AuthFailed", Class::Stalled)]
#[case(404, "NAME_UNKNOWN", "PushRefused", Class::Stalled)]
#[case(400, "NAME_INVALID", "PushRefused", Class::Stalled)]
#[case(405, "UNSUPPORTED", "PushRefused", Class::Stalled)]
#[case(413, "", "PushRefused", Class::Stalled)]
#[tokio::test]
async fn refusals_of_an_upload(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] reason: &str,
    #[case] class: Class,
) {
    let gate = Gate::alone(move |seen| {
        if seen.method == "HEAD" {
            return StatusCode::NOT_FOUND.into_response();
        }
        let body = if code.is_empty() { String::new() } else { refusal(code, "because") };
        (StatusCode::from_u16(status).unwrap(), [("Retry-After", "7")], body).into_response()
    })
    .await;
    let error = push(&gate.host).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), (reason, class), "{error}");
    assert_eq!(
        error.retry_after(),
        (reason == "RegistryServerError").then(|| Duration::from_secs(7))
    );
    assert!(
        code.is_empty() || error.to_string().ends_with(&format!(": {code} because")),
        "{error}"
    );
    assert!(error.to_string().starts_with("pushing sha256:"), "{error}");
}

#[rstest]
#[case(StatusCode::SERVICE_UNAVAILABLE, "RegistryServerError", Class::Transient)]
#[case(StatusCode::FORBIDDEN, "AuthFailed", Class::Stalled)]
#[case(StatusCode::NOT_FOUND, "BaseNotFound", Class::Waiting)]
#[case(StatusCode::NOT_ACCEPTABLE, "RegistryServerError", Class::Transient)]
#[tokio::test]
async fn refusals_of_a_pull(
    #[case] status: StatusCode,
    #[case] reason: &str,
    #[case] class: Class,
) {
    let gate = Gate::alone(move |_| status.into_response()).await;
    let error = pull(&gate.host).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), (reason, class), "{error}");
}

#[rstest]
#[case(
    r#"{"schemaVersion": 1, "fsLayers": []}"#,
    "no container image, or one of the first version"
)]
#[case(r#"{"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "x", "size": 1}}"#, "no container image but")]
#[case(r#"{"manifests": 5}"#, "index does not read")]
#[case("<html>", "no JSON")]
#[tokio::test]
async fn what_is_no_image_is_no_base(#[case] body: &'static str, #[case] problem: &str) {
    let gate = Gate::alone(move |_| body.into_response()).await;
    let error = pull(&gate.host).await.unwrap_err();
    assert!(error.to_string().contains(problem), "{error}");
}

/// A gigabyte of JSON that never ends.
fn flood(status: StatusCode) -> Response {
    let chunk = Bytes::from(vec![b' '; 1 << 20]);
    let body = stream::iter((0..1024).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    (status, Body::from_stream(body)).into_response()
}

fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn t_19_an_endless_answer_is_cut_off() {
    let answer = |seen: &Seen| match seen.method.as_str() {
        "HEAD" => StatusCode::NOT_FOUND.into_response(),
        "GET" => flood(StatusCode::OK),
        _ => flood(StatusCode::BAD_GATEWAY),
    };
    let gate = Gate::alone(answer).await;
    let before = peak_memory();
    let error = pull(&gate.host).await.unwrap_err();
    assert!(error.to_string().contains("longer than 4194304 bytes"), "{error}");
    assert_eq!(error.class(), Class::Transient);
    assert_eq!(push(&gate.host).await.unwrap_err().reason(), "RegistryServerError");
    let grown = peak_memory() - before;
    assert!(grown < 200 << 10, "{grown} KiB");
}

#[tokio::test]
async fn t_19_a_server_that_never_answers_is_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let hanging = |answer: u64, overall: u64| Options {
        plain_http_hosts: vec!["127.0.0.1".into()],
        answer_timeout: Duration::from_millis(answer),
        overall_timeout: Duration::from_millis(overall),
        ..Options::default()
    };
    let repository = format!("{host}/team/app").parse().unwrap();
    for (answer, overall) in [(100, 60_000), (60_000, 100)] {
        let client = Registry::new(hanging(answer, overall)).unwrap();
        let begun = Instant::now();
        let pushed = client.push(&image("one"), &repository, "1", &Credential::Anonymous).await;
        let error = pushed.unwrap_err();
        assert_eq!(
            (error.reason(), error.class()),
            ("RegistryUnreachable", Class::Transient),
            "{error}"
        );
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[rstest]
#[case("http://[", "no place to go on")]
#[case("ftp://example.org/x", "neither over https nor over http")]
#[case("", "no place to go on")]
#[tokio::test]
async fn an_upload_that_leads_nowhere_is_an_error(
    #[case] place: &'static str,
    #[case] problem: &str,
) {
    let gate = Gate::alone(move |seen| match (seen.method.as_str(), place) {
        ("HEAD", _) => StatusCode::NOT_FOUND.into_response(),
        (_, "") => StatusCode::ACCEPTED.into_response(),
        _ => (StatusCode::ACCEPTED, [("Location", place)]).into_response(),
    })
    .await;
    let error = push(&gate.host).await.unwrap_err();
    assert!(error.to_string().contains(problem), "{error}");
}

#[tokio::test]
async fn redirects_without_end_end() {
    let gate = Gate::alone(|_| (StatusCode::FOUND, [("Location", "/again")]).into_response()).await;
    let error = pull(&gate.host).await.unwrap_err();
    assert!(error.to_string().contains("redirects without end"), "{error}");
    assert_eq!(gate.seen().len(), 6);
}
