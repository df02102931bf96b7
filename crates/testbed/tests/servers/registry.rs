//! The registry: an image pushed with crane, read back by tag and digest.

use std::process::Command;

use portolan_testbed::{Registry, programs, tools};

#[tokio::test]
async fn an_image_is_pushed_and_read_back() {
    let registry = Registry::start().await.unwrap();
    assert!(registry.tags("team/app").await.unwrap().is_empty());
    let scratch = tempfile::tempdir().unwrap();
    let layer = scratch.path().join("layer.tar");
    let mut tar = tar::Builder::new(std::fs::File::create(&layer).unwrap());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    tar.append_data(&mut header, "hello.txt", b"hello" as &[u8]).unwrap();
    tar.finish().unwrap();

    let image = format!("{}/team/app:v1", registry.host());
    let mut crane = Command::new(programs::program("crane").await.unwrap());
    crane.env("HOME", scratch.path()).args(["append", "--oci-empty-base", "--new_layer"]);
    crane.arg(&layer).args(["--new_tag", &image]);
    let pushed = tools::run(crane).await.unwrap();

    assert_eq!(registry.tags("team/app").await.unwrap(), ["v1"]);
    let (digest, manifest) = registry.manifest("team/app", "v1").await.unwrap();
    assert!(pushed.trim().ends_with(&digest), "{pushed} {digest}");
    assert_eq!(registry.manifest("team/app", &digest).await.unwrap().1, manifest);
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    assert!(!registry.blob("team/app", layer).await.unwrap().is_empty());

    let host = registry.host();
    registry.stop_server().await;
    assert!(registry.tags("team/app").await.is_err());
    registry.start_server().await.unwrap();
    assert_eq!(registry.host(), host);
    assert!(registry.tags("team/app").await.is_ok());
}
