//! Where requests and credentials go, and where not (T-20).

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use portolan_oci::{Class, Credential, Options, Registry};
use rstest::rstest;

use crate::gate::{Gate, Verdict, basic, challenge};
use crate::support::{PASSWORD, client, image, image_on};

fn me() -> Credential {
    Credential::basic("me", PASSWORD)
}

/// A registry whose uploads are taken by another host: it says so when an upload begins, or redirects what is sent.
#[rstest]
#[case::location(false)]
#[case::redirect(true)]
#[tokio::test]
async fn t_20_an_upload_to_another_host_shows_no_credential(#[case] redirects: bool) {
    let registry = portolan_testbed::Registry::start().await.unwrap();
    let other = Gate::before(&registry.host(), |_| Verdict::Pass).await;
    let other_host = other.host.clone();
    let gate = Gate::before(&registry.host(), move |seen| {
        if seen.authorization != Some(basic()) {
            return Verdict::Answer(challenge("Basic"));
        }
        let upload = seen.uri.path().contains("/blobs/uploads/");
        let (status, place) = match (seen.method.as_str(), redirects) {
            ("POST", false) => {
                (StatusCode::ACCEPTED, format!("http://{other_host}/v2/team/app/blobs/uploads/1"))
            }
            ("PUT", true) if upload => {
                (StatusCode::TEMPORARY_REDIRECT, format!("http://{other_host}{}", seen.uri))
            }
            _ => return Verdict::Pass,
        };
        Verdict::Answer((status, [("Location", place)]).into_response())
    })
    .await;
    let repository = format!("{}/team/app", gate.host).parse().unwrap();
    let client = client(&[&gate.host, &other.host]);
    let receipt = client.push(&image("one"), &repository, "1", &me()).await.unwrap();
    assert_eq!(receipt.blobs_sent, 3);
    let seen = other.seen();
    assert_eq!(seen.len(), 3);
    assert!(
        seen.iter().all(|seen| seen.method == "PUT" && seen.authorization.is_none()),
        "{seen:?}"
    );
    assert!(gate.seen().iter().any(|seen| seen.authorization == Some(basic())));
}

#[tokio::test]
async fn t_20_a_blob_from_another_host_is_read_without_credential() {
    let registry = portolan_testbed::Registry::start().await.unwrap();
    let other = Gate::before(&registry.host(), |_| Verdict::Pass).await;
    let other_host = other.host.clone();
    let gate = Gate::before(&registry.host(), move |seen| {
        if seen.authorization != Some(basic()) {
            return Verdict::Answer(challenge("Basic"));
        }
        if seen.method == "GET" && seen.uri.path().contains("/blobs/") {
            let place = format!("http://{other_host}{}", seen.uri);
            return Verdict::Answer(
                (StatusCode::TEMPORARY_REDIRECT, [("Location", place)]).into_response(),
            );
        }
        Verdict::Pass
    })
    .await;
    let target = portolan_testbed::Registry::start().await.unwrap();
    let client = client(&[&gate.host, &other.host, &target.host()]);
    let base = format!("{}/base/jre", gate.host);
    client.push(&image("base"), &base.parse().unwrap(), "1", &me()).await.unwrap();
    let reference = format!("{base}:1").parse().unwrap();
    let base = client.pull_base(&reference, &"linux/amd64".parse().unwrap(), &me()).await.unwrap();
    let image = image_on("app", Some(base), "linux/amd64");
    let repository = format!("{}/team/app", target.host()).parse().unwrap();
    let receipt = client.push(&image, &repository, "1", &Credential::Anonymous).await.unwrap();
    assert_eq!(receipt.base_blobs_copied, 2);
    let seen = other.seen();
    assert_eq!(seen.len(), 3, "a configuration and two layers");
    assert!(seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
}

#[tokio::test]
async fn t_20_a_redirect_to_http_that_is_not_listed_is_refused() {
    let other = Gate::alone(|_| StatusCode::OK.into_response()).await;
    let place = format!("http://{}/", other.host);
    let gate =
        Gate::alone(move |_| (StatusCode::FOUND, [("Location", place.clone())]).into_response())
            .await;
    let repository = format!("{}/team/app", gate.host).parse().unwrap();
    let error =
        client(&[&gate.host]).push(&image("one"), &repository, "1", &me()).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("UrlNotAllowed", Class::Stalled));
    assert!(error.to_string().contains(&other.host), "{error}");
    assert!(other.seen().is_empty());
}

#[rstest]
#[case("169.254.169.254/latest/meta-data", "169.254.169.254")]
#[case("[fe80::1]:5000/app", "[fe80::1]:5000")]
#[case("[::ffff:169.254.169.254]/app", "[::ffff:a9fe:a9fe]")]
#[case("0xa9.254.43518/app", "169.254.169.254")]
#[tokio::test]
async fn metadata_addresses_are_never_used(#[case] repository: &str, #[case] host: &str) {
    let reference = format!("{repository}:1").parse().unwrap();
    let platform = "linux/amd64".parse().unwrap();
    let error = client(&[host]).pull_base(&reference, &platform, &me()).await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("UrlNotAllowed", Class::Stalled), "{error}");
    assert!(error.to_string().contains("never used"), "{error}");
}

#[tokio::test]
async fn a_name_that_leads_to_a_refused_address_is_refused() {
    let gate = Gate::alone(|_| StatusCode::NOT_FOUND.into_response()).await;
    let host = gate.host.replace("127.0.0.1", "localhost");
    let reference = format!("{host}/team/app:1").parse().unwrap();
    let platform = "linux/amd64".parse().unwrap();
    for (refused, reason) in
        [(vec![], "BaseNotFound"), (vec!["127.0.0.1".parse().unwrap()], "UrlNotAllowed")]
    {
        let refused_addresses = refused;
        let plain_http_hosts = vec![host.clone()];
        let options = Options { plain_http_hosts, refused_addresses, ..Options::default() };
        let client = Registry::new(options).unwrap();
        let error = client.pull_base(&reference, &platform, &me()).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
    }
    assert_eq!(gate.seen().len(), 1);
}

#[tokio::test]
async fn hosts_that_are_not_listed_are_spoken_to_over_https() {
    let gate = Gate::alone(|_| StatusCode::NOT_FOUND.into_response()).await;
    let reference = format!("{}/team/app:1", gate.host).parse().unwrap();
    let platform = "linux/amd64".parse().unwrap();
    let error =
        client(&["other.example"]).pull_base(&reference, &platform, &me()).await.unwrap_err();
    assert_eq!(error.reason(), "RegistryUnreachable", "{error}");
    assert!(gate.seen().is_empty());
}
