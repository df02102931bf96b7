//! Passwords and tokens: right, wrong, missing, run out, and never where they do not belong (T-20, T-26).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use portolan_oci::{Class, Credential, Error, Receipt};
use portolan_testbed::Registry;
use rstest::rstest;

use crate::gate::{Gate, Seen, Verdict, basic, challenge, refusal};
use crate::support::{PASSWORD, client, image};

async fn push(host: &str, credential: &Credential) -> Result<Receipt, Error> {
    let repository = format!("{host}/team/app").parse().unwrap();
    client(&["127.0.0.1"]).push(&image("one"), &repository, "1", credential).await
}

fn me() -> Credential {
    Credential::basic("me", PASSWORD)
}

fn assert_no_secret(error: &Error) {
    let mut text = format!("{error} {error:?} {:?}", error.hint());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, "{error} {error:?}");
        cause = error.source();
    }
    for secret in [&PASSWORD[..12], &basic()[6..18], "canary"] {
        assert!(!text.contains(secret), "{text}");
    }
}

async fn basic_gate(registry: &Registry) -> Gate {
    Gate::before(&registry.host(), |seen| {
        if seen.authorization == Some(basic()) {
            return Verdict::Pass;
        }
        Verdict::Answer(challenge(r#"Basic realm="registry""#))
    })
    .await
}

#[tokio::test]
async fn the_right_password_lets_in() {
    let registry = Registry::start().await.unwrap();
    let gate = basic_gate(&registry).await;
    assert_eq!(push(&gate.host, &me()).await.unwrap().blobs_sent, 3);
    let seen = gate.seen();
    assert_eq!(seen[0].authorization, None, "a password is shown when it is asked for");
    assert!(seen[1..].iter().all(|seen| seen.authorization == Some(basic())));
}

#[rstest]
#[case::wrong(Credential::basic("me", format!("{PASSWORD}x")), 2, "the credential is refused")]
#[case::none(Credential::Anonymous, 1, "a credential is wanted, none is given")]
#[case::token(Credential::Bearer(PASSWORD.into()), 1, "the credential is refused")]
#[tokio::test]
async fn other_credentials_do_not(
    #[case] credential: Credential,
    #[case] requests: usize,
    #[case] why: &str,
) {
    let registry = Registry::start().await.unwrap();
    let gate = basic_gate(&registry).await;
    let error = push(&gate.host, &credential).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("AuthFailed", Class::Stalled));
    assert_eq!(gate.seen().len(), requests, "asking on could lock the account");
    assert!(error.to_string().ends_with(why), "{error}");
    assert_no_secret(&error);
}

#[tokio::test]
async fn a_password_is_not_kept_for_the_next_caller() {
    let registry = Registry::start().await.unwrap();
    let gate = basic_gate(&registry).await;
    let client = client(&[&gate.host]);
    let repository = format!("{}/team/app", gate.host).parse().unwrap();
    client.push(&image("one"), &repository, "1", &me()).await.unwrap();
    let next = client.push(&image("two"), &repository, "2", &Credential::Anonymous).await;
    assert_eq!(next.unwrap_err().reason(), "AuthFailed");
}

/// A registry that wants a token of the service at `realm`; each token is good for `uses` requests.
async fn token_gate(registry: &Registry, realm: String, uses: usize) -> Gate {
    let spent: Mutex<BTreeMap<String, usize>> = Mutex::default();
    Gate::before(&registry.host(), move |seen| {
        let token = seen.authorization.clone().unwrap_or_default();
        let mut spent = spent.lock().unwrap();
        let spent = spent.entry(token.clone()).or_default();
        *spent += 1;
        if token.starts_with("Bearer canary-token-") && *spent <= uses {
            return Verdict::Pass;
        }
        Verdict::Answer(challenge(&format!(r#"Bearer realm="{realm}",service="registry""#)))
    })
    .await
}

#[tokio::test]
async fn a_password_buys_tokens_as_often_as_they_run_out() {
    let registry = Registry::start().await.unwrap();
    let bought = AtomicUsize::new(0);
    let service = Gate::alone(move |seen| {
        if seen.authorization != Some(basic()) {
            return challenge("Basic");
        }
        let token = format!("canary-token-{}", bought.fetch_add(1, Ordering::Relaxed));
        serde_json::json!({"access_token": token, "expires_in": 60}).to_string().into_response()
    })
    .await;
    let realm = format!("http://{}/token?account=x", service.host);
    let gate = token_gate(&registry, realm, 6).await;
    assert_eq!(push(&gate.host, &me()).await.unwrap().blobs_sent, 3);
    let asked = service.seen();
    assert!(asked.len() > 1);
    let query = asked[0].uri.query().unwrap();
    assert_eq!(query, "account=x&service=registry&scope=repository%3Ateam%2Fapp%3Apull%2Cpush");
    let shown = |seen: &Seen| seen.authorization == Some(basic());
    assert!(
        asked.iter().all(shown) && !gate.seen().iter().any(shown),
        "the password goes to the service alone"
    );
}

#[rstest]
#[case::down(|| (StatusCode::SERVICE_UNAVAILABLE, [("Retry-After", "7")], "busy").into_response(), "RegistryServerError", Class::Transient)]
#[case::wrong(|| (StatusCode::UNAUTHORIZED, refusal("UNAUTHORIZED", "no")).into_response(), "AuthFailed", Class::Stalled)]
#[case::forbidden(|| StatusCode::FORBIDDEN.into_response(), "AuthFailed", Class::Stalled)]
#[case::bad_request(|| StatusCode::BAD_REQUEST.into_response(), "AuthFailed", Class::Stalled)]
#[case::html(|| "<html>canary".into_response(), "RegistryServerError", Class::Transient)]
#[case::no_header(|| r#"{"token": "a\nb"}"#.into_response(), "RegistryServerError", Class::Transient)]
#[case::redirect(|| (StatusCode::FOUND, [("Location", "/elsewhere")]).into_response(), "RegistryServerError", Class::Transient)]
#[tokio::test]
async fn a_token_service_that_fails(
    #[case] answer: fn() -> Response,
    #[case] reason: &str,
    #[case] class: Class,
) {
    let registry = Registry::start().await.unwrap();
    let service = Gate::alone(move |_| answer()).await;
    let gate = token_gate(&registry, format!("http://{}/token", service.host), 1).await;
    let error = push(&gate.host, &me()).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), (reason, class), "{error}");
    assert!(error.to_string().contains("getting a token"), "{error}");
    assert_no_secret(&error);
    if reason == "RegistryServerError" && error.to_string().contains("503") {
        assert_eq!(error.retry_after().unwrap().as_secs(), 7);
    }
}

#[tokio::test]
async fn t_20_a_password_goes_to_no_token_service_outside_of_its_hosts() {
    let registry = Registry::start().await.unwrap();
    let service = Gate::alone(|_| r#"{"token": "canary-token-0"}"#.into_response()).await;
    let gate = token_gate(&registry, format!("http://{}/token", service.host), 100).await;
    let limited = |hosts: &[&str]| Credential::Basic {
        user: "me".into(),
        password: PASSWORD.into(),
        hosts: hosts.iter().map(ToString::to_string).collect(),
    };
    let error = push(&gate.host, &limited(&["registry.example"])).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("HostNotAllowed", Class::Stalled));
    assert!(service.seen().is_empty());
    push(&gate.host, &limited(&[&service.host])).await.unwrap();
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test]
async fn t_20_a_password_goes_to_no_token_service_over_http_that_is_not_listed() {
    let registry = Registry::start().await.unwrap();
    let service = Gate::alone(|_| StatusCode::OK.into_response()).await;
    let gate = token_gate(&registry, format!("http://{}/token", service.host), 1).await;
    let repository = format!("{}/team/app", gate.host).parse().unwrap();
    let error =
        client(&[&gate.host]).push(&image("one"), &repository, "1", &me()).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("UrlNotAllowed", Class::Stalled));
    assert!(service.seen().is_empty());
}

#[rstest]
#[case(|seen: &Seen| format!("you sent {:?}", seen.authorization))]
#[case(|_: &Seen| format!("password {PASSWORD} is weak"))]
#[tokio::test]
async fn t_26_a_registry_that_repeats_the_secret_is_not_quoted(#[case] text: fn(&Seen) -> String) {
    let gate = Gate::alone(move |seen| match seen.authorization {
        None => challenge("Basic"),
        Some(_) if seen.method == "HEAD" => StatusCode::NOT_FOUND.into_response(),
        Some(_) => (StatusCode::BAD_REQUEST, refusal("UNSUPPORTED", &text(seen))).into_response(),
    })
    .await;
    let error = push(&gate.host, &me()).await.unwrap_err();
    assert_eq!(error.reason(), "PushRefused");
    assert!(error.to_string().contains("withheld"), "{error}");
    assert_no_secret(&error);
}
