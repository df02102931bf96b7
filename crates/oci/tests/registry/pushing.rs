//! What is sent, and what is not.

use portolan_oci::{Credential, Receipt, Repository};
use portolan_testbed::Registry;

use crate::gate::{Gate, Verdict};
use crate::support::{LONG, client, crane, files, image};

struct Bench {
    registry: Registry,
    gate: Gate,
    repository: Repository,
}

impl Bench {
    async fn new() -> Self {
        let registry = Registry::start().await.unwrap();
        let gate = Gate::before(&registry.host(), |_| Verdict::Pass).await;
        let repository = format!("{}/team/app", gate.host).parse().unwrap();
        Self { registry, gate, repository }
    }

    async fn push(&self, app: &str, tag: &str) -> Receipt {
        let client = client(&[&self.gate.host]);
        client.push(&image(app), &self.repository, tag, &Credential::Anonymous).await.unwrap()
    }

    /// The writes since the last look, as `METHOD kind`.
    fn writes(&self) -> Vec<String> {
        let writes = self.gate.seen().into_iter().filter(crate::gate::Seen::is_write);
        let mut writes: Vec<String> = writes
            .map(|seen| {
                let kind =
                    if seen.uri.path().contains("/manifests/") { "manifest" } else { "blob" };
                format!("{} {kind}", seen.method)
            })
            .collect();
        writes.sort();
        writes
    }
}

#[tokio::test]
async fn a_push_is_an_image_that_others_read() {
    let bench = Bench::new().await;
    let image = image("one");
    let receipt = bench.push("one", "4c1d").await;
    assert_eq!(receipt.reference, format!("{}@{}", bench.repository, image.digest()));
    assert_eq!((receipt.tag_written, receipt.blobs_sent, receipt.blobs_reused), (true, 3, 0));
    assert_eq!(bench.registry.tags("team/app").await.unwrap(), ["4c1d"]);
    let (digest, _) = bench.registry.manifest("team/app", "4c1d").await.unwrap();
    assert_eq!(digest, image.digest().as_str());

    let name = format!("{}/team/app:4c1d", bench.registry.host());
    crane(&["validate", "--insecure", "--remote", &name]).await;
    assert_eq!(
        crane(&["manifest", "--insecure", &name]).await.trim().as_bytes(),
        image.manifest.data
    );
    assert_eq!(crane(&["config", "--insecure", &name]).await.trim().as_bytes(), image.config.data);
    let files = files(&name).await;
    let file = |name: &str| (files[name].0 & 0o7777, files[name].1.as_str());
    assert_eq!(file("usr/bin/app"), (0o755, "one"));
    assert_eq!(file("usr/lib/app/deep/b.txt"), (0o644, "b"));
    let long = LONG.replace("lib/", "usr/lib/app/");
    assert_eq!(file(&long), (0o644, "long"));
}

#[tokio::test]
async fn the_same_again_writes_nothing() {
    let bench = Bench::new().await;
    let first = bench.push("one", "4c1d").await;
    bench.gate.seen();
    let second = bench.push("one", "4c1d").await;
    assert_eq!((second.reference, second.tag_written), (first.reference, false));
    let seen = bench.gate.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].method, "HEAD");
}

#[tokio::test]
async fn a_changed_file_sends_its_layer_alone() {
    let bench = Bench::new().await;
    bench.push("one", "1").await;
    bench.gate.seen();
    let receipt = bench.push("two", "2").await;
    assert_eq!((receipt.blobs_sent, receipt.blobs_reused), (2, 1));
    let expected = ["POST blob", "POST blob", "PUT blob", "PUT blob", "PUT manifest"];
    assert_eq!(bench.writes(), expected);
}

#[tokio::test]
async fn another_tag_of_the_same_image_sends_the_manifest_alone() {
    let bench = Bench::new().await;
    bench.push("one", "1").await;
    bench.gate.seen();
    let receipt = bench.push("one", "2").await;
    assert_eq!((receipt.blobs_sent, receipt.blobs_reused), (0, 3));
    assert_eq!(bench.writes(), ["PUT manifest"]);
}

#[tokio::test]
async fn a_tag_is_moved_to_another_image() {
    let bench = Bench::new().await;
    bench.push("one", "main").await;
    let receipt = bench.push("two", "main").await;
    let (digest, _) = bench.registry.manifest("team/app", "main").await.unwrap();
    assert!(receipt.tag_written && receipt.reference.ends_with(&digest));
}

#[tokio::test]
async fn a_tag_that_is_none_is_refused_before_anything() {
    let bench = Bench::new().await;
    let client = client(&[&bench.gate.host]);
    let error = client
        .push(&image("one"), &bench.repository, "../x", &Credential::Anonymous)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "InvalidSpec");
    assert!(bench.gate.seen().is_empty());
}
