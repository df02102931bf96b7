//! Images, clients and commands of these tests.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::process::Command;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use portolan_oci::{
    Archive, BaseImage, Image, ImageConfig, ImageSpec, LayerRule, Limits, Options, Registry,
};
use portolan_testbed::{output, programs};

/// The tests' credential: no test may find it in a message.
pub(crate) const PASSWORD: &str = "canary-password-0123456789";

/// A path that a plain tar header does not hold.
pub(crate) const LONG: &str = "lib/long-long-long-long-long-long-long-long-long-long-long-long-long-long/\
    längere-längere-längere-längere-längere-längere-längere-längere-längere-längere-längere-längere-längere.txt";

/// A client that speaks http to `hosts` and gives up soon.
pub(crate) fn client(hosts: &[&str]) -> Registry {
    let options = Options {
        plain_http_hosts: hosts.iter().map(ToString::to_string).collect(),
        overall_timeout: Duration::from_mins(1),
        ..Options::default()
    };
    Registry::new(options).unwrap()
}

/// An image with one layer of libraries that stay and one with a program that changes.
pub(crate) fn image(app: &str) -> Image {
    image_on(app, None, "linux/amd64")
}

pub(crate) fn image_on(app: &str, base: Option<BaseImage>, platform: &str) -> Image {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, mode, content) in [
        ("conf/app.toml", 0o644, "port = 8080"),
        ("lib/a.txt", 0o644, "a"),
        ("lib/deep/b.txt", 0o644, "b"),
        (LONG, 0o644, "long"),
        ("target/app", 0o755, app),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        tar.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    let bytes = tar.into_inner().unwrap().finish().unwrap();
    let mut archive = Archive::open(Cursor::new(bytes), Limits::default()).unwrap();
    let rules: &[(&str, &str)] = match base {
        None => &[("lib", "/usr/lib/app"), ("target/app", "/usr/bin/")],
        Some(_) => &[("target/app", "/opt/")],
    };
    let pack = |(from, to): &(&str, &str)| {
        let rule = LayerRule::new(from, to, None).unwrap();
        archive.pack(&rule, 0).unwrap()
    };
    Image::assemble(ImageSpec {
        layers: rules.iter().map(pack).collect(),
        config: ImageConfig { entrypoint: vec!["/usr/bin/app".into()], ..ImageConfig::default() },
        platform: platform.parse().unwrap(),
        annotations: BTreeMap::from([("org.opencontainers.image.revision".into(), "4c1d".into())]),
        created: "2026-01-02T03:04:05Z".into(),
        base,
    })
    .unwrap()
}

/// Runs crane, a client that shares no code with ours.
pub(crate) async fn crane(args: &[&str]) -> String {
    let program = programs::program("crane").await.unwrap();
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    let run = move || output(Command::new(program).args(args)).unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// The files of an image as a container would see them: name, mode and content.
pub(crate) async fn files(image: &str) -> BTreeMap<String, (u32, String)> {
    use std::io::Read as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.tar");
    crane(&["export", "--insecure", image, path.to_str().unwrap()]).await;
    let mut archive = tar::Archive::new(std::fs::File::open(&path).unwrap());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let (name, mode) = (entry.path().unwrap().display().to_string(), entry.header().mode());
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        (name, (mode.unwrap(), content))
    });
    entries.collect()
}
