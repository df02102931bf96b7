//! Base images: taken from the same registry, copied from another, chosen by platform, missing.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use portolan_oci::{BaseImage, Class, Credential, Error, Receipt, Reference, Repository};
use portolan_testbed::Registry;

use crate::gate::{Gate, Verdict};
use crate::support::{client, crane, files, image, image_on};

const ANONYMOUS: Credential = Credential::Anonymous;

async fn push_base(host: &str) -> Reference {
    let repository: Repository = format!("{host}/base/jre").parse().unwrap();
    let pushed = client(&[host]).push(&image("base"), &repository, "1", &ANONYMOUS).await.unwrap();
    pushed.reference.parse().unwrap()
}

async fn pull(reference: &Reference, platform: &str) -> Result<BaseImage, Error> {
    let client = client(&[reference.repository().host()]);
    client.pull_base(reference, &platform.parse().unwrap(), &ANONYMOUS).await
}

async fn push_on(base: &Reference, host: &str) -> Receipt {
    let base_image = pull(base, "linux/amd64").await.unwrap();
    let image = image_on("app", Some(base_image), "linux/amd64");
    let repository = format!("{host}/team/app").parse().unwrap();
    let client = client(&[host, base.repository().host()]);
    client.push(&image, &repository, "1", &ANONYMOUS).await.unwrap()
}

async fn check(registry: &Registry) {
    let name = format!("{}/team/app:1", registry.host());
    crane(&["validate", "--insecure", "--remote", &name]).await;
    let files = files(&name).await;
    assert_eq!(files["usr/bin/app"].1, "base");
    assert_eq!(files["opt/app"].1, "app");
}

#[tokio::test]
async fn a_base_in_the_same_registry_is_not_sent() {
    let registry = Registry::start().await.unwrap();
    let base = push_base(&registry.host()).await;
    let receipt = push_on(&base, &registry.host()).await;
    // crane keeps one store of blobs for all repositories: it has them before they are mounted.
    assert_eq!((receipt.blobs_reused, receipt.blobs_sent), (2, 2));
    check(&registry).await;
}

/// A registry that shows blobs only in the repository they were pushed to, and mounts or not.
async fn strict(registry: &Registry, mounts: bool) -> Gate {
    Gate::before(&registry.host(), move |seen| {
        let (path, query) = (seen.uri.path(), seen.uri.query().unwrap_or_default());
        if seen.method == "HEAD" && path.starts_with("/v2/team/app/blobs/") {
            return Verdict::Answer(StatusCode::NOT_FOUND.into_response());
        }
        match (query.contains("mount="), mounts) {
            (true, true) if query.contains("from=base%2Fjre") => {
                Verdict::Answer((StatusCode::CREATED, [("Location", "/v2/x")]).into_response())
            }
            (true, _) => Verdict::PassBare,
            _ => Verdict::Pass,
        }
    })
    .await
}

#[tokio::test]
async fn a_base_in_the_same_registry_is_mounted() {
    let registry = Registry::start().await.unwrap();
    let gate = strict(&registry, true).await;
    let base = push_base(&gate.host).await;
    gate.seen();
    let receipt = push_on(&base, &gate.host).await;
    assert_eq!(
        (receipt.base_blobs_mounted, receipt.base_blobs_copied, receipt.blobs_sent),
        (2, 0, 2)
    );
    let blobs_read = gate
        .seen()
        .iter()
        .filter(|seen| seen.method == "GET" && seen.uri.path().contains("/blobs/"))
        .count();
    assert_eq!(blobs_read, 1, "only the configuration of the base is read");
    check(&registry).await;
}

#[tokio::test]
async fn a_base_that_is_not_mounted_is_copied() {
    let registry = Registry::start().await.unwrap();
    let gate = strict(&registry, false).await;
    let base = push_base(&gate.host).await;
    let receipt = push_on(&base, &gate.host).await;
    assert_eq!(
        (receipt.base_blobs_mounted, receipt.base_blobs_copied, receipt.blobs_sent),
        (0, 2, 2)
    );
    check(&registry).await;
}

#[tokio::test]
async fn a_base_in_another_registry_is_copied_once() {
    let (here, there) = (Registry::start().await.unwrap(), Registry::start().await.unwrap());
    let base = push_base(&there.host()).await;
    let receipt = push_on(&base, &here.host()).await;
    assert_eq!((receipt.base_blobs_copied, receipt.blobs_sent), (2, 2));
    check(&here).await;
    assert!(!push_on(&base, &here.host()).await.tag_written);
}

#[tokio::test]
async fn an_index_is_read_by_platform() {
    let registry = Registry::start().await.unwrap();
    let host = registry.host();
    let repository: Repository = format!("{host}/base/multi").parse().unwrap();
    let mut names = Vec::new();
    for platform in ["linux/amd64", "linux/arm64", "linux/arm/v7"] {
        let image = image_on(platform, None, platform);
        let tag = platform.replace('/', "-");
        let pushed = client(&[&host]).push(&image, &repository, &tag, &ANONYMOUS).await.unwrap();
        names.push(pushed.reference);
    }
    let index = format!("{repository}:index");
    let mut append = vec!["index", "append", "--insecure", "-t", &index];
    for name in &names {
        append.extend(["-m", name]);
    }
    crane(&append).await;
    let index: Reference = index.parse().unwrap();
    for (platform, name) in
        [("linux/amd64", 0), ("linux/arm64/v8", 1), ("linux/arm/v7", 2), ("linux/arm", 2)]
    {
        let base = pull(&index, platform).await.unwrap();
        assert!(names[name].ends_with(base.digest().as_str()), "{platform}");
    }
    let error = pull(&index, "linux/s390x").await.unwrap_err();
    assert_eq!((error.reason(), error.class()), ("BaseUnusable", Class::Stalled));
    assert!(error.to_string().ends_with("it is not there for linux/s390x"), "{error}");
    let one: Reference = names[1].parse().unwrap();
    let error = pull(&one, "linux/amd64").await.unwrap_err();
    assert!(error.to_string().contains("is for linux/arm64, not for linux/amd64"), "{error}");
}

#[tokio::test]
async fn a_base_that_is_not_there_is_waited_for() {
    let registry = Registry::start().await.unwrap();
    let base = push_base(&registry.host()).await;
    let repository = base.repository();
    let other = image("other").digest().clone();
    for missing in
        [format!("{repository}:2"), format!("{repository}@{other}"), format!("{repository}x:1")]
    {
        let error = pull(&missing.parse().unwrap(), "linux/amd64").await.unwrap_err();
        assert_eq!((error.reason(), error.class()), ("BaseNotFound", Class::Waiting), "{error}");
        assert_eq!(error.to_string(), format!("fetching base image {missing}: it is not there"));
    }
}

#[tokio::test]
async fn a_base_that_is_not_what_its_digest_says_is_refused() {
    let registry = Registry::start().await.unwrap();
    let base = push_base(&registry.host()).await;
    for part in ["/manifests/", "/blobs/"] {
        let gate = Gate::before(&registry.host(), move |seen| {
            if seen.method == "GET" && seen.uri.path().contains(part) {
                return Verdict::Answer("{}".into_response());
            }
            Verdict::Pass
        })
        .await;
        let text = base.to_string().replace(&registry.host(), &gate.host);
        let error = pull(&text.parse().unwrap(), "linux/amd64").await.unwrap_err();
        assert!(error.to_string().contains("what came is not sha256:"), "{error}");
        assert_eq!(error.class(), Class::Transient);
    }
}
