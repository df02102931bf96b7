//! The image: made of the programs and what they need, the same from the same programs, and enough to run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::GzDecoder;
use portolan_oci::Image;
use portolan_testbed::Registry;
use portolan_testbed::image::{self, Origin, PROGRAMS, Transport};
use portolan_tests::programs;
use serde_json::{Value, json};

/// What every machine has in it; libraries beside.
const FILES: [&str; 7] = [
    "etc/group",
    "etc/nsswitch.conf",
    "etc/passwd",
    "etc/ssl/certs/ca-certificates.crt",
    "portolan",
    "portolan-delivery",
    "portolan-supply-chain",
];

/// Beginnings of libraries that the programs link on one machine or another, and of loaders.
const LIBRARIES: [&str; 10] = [
    "ld-linux",
    "ld-musl",
    "ld64",
    "libc.",
    "libdl.",
    "libgcc_s.",
    "libm.",
    "libpthread.",
    "librt.",
    "libz.",
];

static IMAGE: LazyLock<Image> = LazyLock::new(|| {
    let folder = programs::folder().expect("the programs are built");
    packed(&folder).expect("they can be packed")
});

fn origin() -> Origin {
    let created = "2026-01-02T03:04:05Z".into();
    Origin { created, revision: Some("4c1d2e".into()), source: None }
}

fn packed(folder: &Path) -> Result<Image> {
    image::assemble(folder, &origin())
}

/// One entry of a layer.
struct Entry {
    mode: u32,
    owner: (u64, u64),
    time: u64,
    directory: bool,
}

/// What the image has, by path; a folder may stand in several layers.
fn entries() -> Result<BTreeMap<String, Entry>> {
    let mut found = BTreeMap::new();
    for layer in &IMAGE.layers {
        let mut archive = tar::Archive::new(GzDecoder::new(layer.data.as_ref()));
        for entry in archive.entries()? {
            let mut entry = entry?;
            std::io::copy(&mut entry, &mut std::io::sink())?;
            let path = String::from_utf8(entry.path_bytes().into_owned())?;
            let header = entry.header();
            let kind = header.entry_type();
            ensure!(kind.is_file() || kind.is_dir(), "{path} is a {kind:?}: links lead elsewhere");
            let described = Entry {
                mode: header.mode()?,
                owner: (header.uid()?, header.gid()?),
                time: header.mtime()?,
                directory: kind.is_dir(),
            };
            found.insert(path, described);
        }
    }
    Ok(found)
}

#[test]
fn the_same_programs_are_the_same_image() {
    let folder = programs::folder().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for program in PROGRAMS {
        fs::copy(folder.join(program), elsewhere.path().join(program)).unwrap();
    }
    let again = packed(elsewhere.path()).unwrap();
    assert_eq!(again.digest(), IMAGE.digest());
    assert_eq!(again.config, IMAGE.config);
}

#[test]
fn it_holds_programs_libraries_certificates_a_user_and_nothing_else() {
    let entries = entries().unwrap();
    let files = entries.iter().filter(|(_, entry)| !entry.directory).map(|(path, _)| path.as_str());
    let (libraries, others): (BTreeSet<&str>, BTreeSet<&str>) = files.partition(|path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        path.starts_with("lib") && LIBRARIES.iter().any(|library| name.starts_with(library))
    });
    assert_eq!(others, BTreeSet::from(FILES));
    let loaders = libraries.iter().filter(|path| path.contains("/ld")).count();
    assert_eq!(loaders, 1, "one loader: {libraries:?}");
    for (path, entry) in &entries {
        assert_eq!(entry.owner, (0, 0), "{path}");
        assert_eq!(entry.time, 0, "{path}");
        let program = PROGRAMS.contains(&path.as_str()) || libraries.contains(path.as_str());
        let mode = if program || entry.directory { 0o755 } else { 0o644 };
        assert_eq!(entry.mode, mode, "{path}: nobody but root writes, nothing changes the user");
    }
}

#[test]
fn it_runs_as_a_user_without_rights() {
    let config: Value = serde_json::from_slice(&IMAGE.config.data).unwrap();
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"].get("Entrypoint"), None, "each Deployment names its program");
    assert_eq!(config["created"], "2026-01-02T03:04:05Z");
    let expected = json!({
        "org.opencontainers.image.title": "portolan",
        "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.revision": "4c1d2e",
    });
    assert_eq!(config["config"]["Labels"], expected);
}

#[tokio::test]
async fn a_registry_has_it_by_digest() {
    let registry = Registry::start().await.unwrap();
    let name = format!("{}/portolan/portolan:1", registry.host());
    let pushed = image::send(&IMAGE, &name, &Transport::Plain).await.unwrap();
    let digest = IMAGE.digest().as_str();
    assert_eq!(pushed, format!("{}/portolan/portolan@{digest}", registry.host()));
    let (found, manifest) = registry.manifest("portolan/portolan", digest).await.unwrap();
    assert_eq!(found, digest);
    let layers = manifest["layers"].as_array().unwrap();
    for (layer, ours) in layers.iter().zip(&IMAGE.layers) {
        let digest = layer["digest"].as_str().unwrap();
        let blob = registry.blob("portolan/portolan", digest).await.unwrap();
        assert_eq!(blob, ours.data);
    }
    assert_eq!(layers.len(), IMAGE.layers.len());
    assert_eq!(registry.tags("portolan/portolan").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn the_ways_of_the_demo_push_too() {
    let registry = Registry::start().await.unwrap();
    let folder = programs::folder().unwrap();
    let pushed = image::push(&folder, &registry.host(), "portolan").await.unwrap();
    let (_, digest) = pushed.split_once('@').unwrap();
    assert_eq!(registry.manifest("portolan", "latest").await.unwrap().0, digest);
    let file = image::LayerFile {
        path: "/bin/pause".into(),
        mode: 0o755,
        data: b"pause".as_slice().into(),
    };
    let config = image::ImageConfig {
        entrypoint: vec!["/bin/pause".into()],
        user: Some("1".into()),
        ..image::ImageConfig::default()
    };
    let pushed = image::push_files(vec![file], config, &registry.host(), "pause:3").await.unwrap();
    let (_, digest) = pushed.split_once('@').unwrap();
    let (found, manifest) = registry.manifest("pause", "3").await.unwrap();
    assert_eq!(found, digest);
    let config = registry.blob("pause", manifest["config"]["digest"].as_str().unwrap());
    let config: Value = serde_json::from_slice(&config.await.unwrap()).unwrap();
    assert_eq!(config["config"], json!({"Entrypoint": ["/bin/pause"], "User": "1"}));
}

/// `make image PUSH=…`, with the programs of the tests.
#[tokio::test]
async fn the_command_writes_a_layout_and_pushes() {
    let registry = Registry::start().await.unwrap();
    let folder = programs::folder().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let layout = scratch.path().join("image");
    let mut command = Command::new(folder.join("portolan-testbed"));
    command.arg("image").arg("--programs").arg(&folder).arg("--output").arg(&layout);
    command.args(["--fail-points", "--plain-http", "--push"]);
    command.arg(format!("{}/tools/portolan:1", registry.host()));
    let said = portolan_testbed::output(&mut command).unwrap();
    let index = fs::read(layout.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let digest = index["manifests"][0]["digest"].as_str().unwrap();
    assert_eq!(registry.manifest("tools/portolan", "1").await.unwrap().0, digest);
    assert!(said.contains(&format!("image {digest}, ")), "{said}");
    assert!(said.contains(&format!("/tools/portolan@{digest}\n")), "{said}");
}

#[test]
fn builds_for_tests_are_not_packed_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    for program in PROGRAMS {
        fs::write(folder.path().join(program), "\u{7f}ELF for release").unwrap();
    }
    image::refuse_fail_points(folder.path()).unwrap();
    let program = folder.path().join("portolan-delivery");
    fs::write(&program, "ELF with PORTOLAN_FAIL_POINT in it").unwrap();
    let error = image::refuse_fail_points(folder.path()).unwrap_err().to_string();
    assert!(error.contains("portolan-delivery is a build for tests"), "{error}");
}

#[test]
fn its_programs_run_with_nothing_else_there() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    fs::create_dir(&root).unwrap();
    for layer in &IMAGE.layers {
        let mut archive = tar::Archive::new(GzDecoder::new(layer.data.as_ref()));
        archive.set_preserve_permissions(true);
        archive.unpack(&root).unwrap();
    }
    for program in PROGRAMS {
        let (ended_well, said) = run_in(&root, &[&format!("/{program}"), "--version"]).unwrap();
        assert!(ended_well && said.contains(env!("CARGO_PKG_VERSION")), "{program}: {said}");
    }
    // A worker process of git starts and has certificates to trust, or it would not come so far.
    let trace = ["/portolan", "trace", "latest", "--repository", "https://127.0.0.1:1/a"];
    let (_, said) = run_in(&root, &trace).unwrap();
    assert!(said.contains("127.0.0.1:1 does not answer: connection refused"), "{said}");
    let (ended_well, said) = run_in(&root, &["/bin/sh", "-c", "exit"]).unwrap();
    assert!(!ended_well && said.contains("No such file"), "the machine's own is there: {said}");
}

/// Adds to the image what every runtime adds, then runs a program with it as the root.
const RUNTIME: &str = "mkdir -p \"$0/proc\" \"$0/dev\" \"$0/tmp\" && chmod 1777 \"$0/tmp\" && \
    mount -t proc proc \"$0/proc\" && mount --rbind /dev \"$0/dev\" && exec chroot \"$@\"";

/// Whether a program ended well with the image as its root, and what it said. With root's rights it runs
/// as the user of the image, else as the only user of a user namespace.
fn run_in(root: &Path, command: &[&str]) -> Result<(bool, String)> {
    let root = root.to_str().context("a scratch folder has a plain name")?;
    let user = format!("--userspec={0}:{0}", image::USER);
    let (flags, user) = if is_root()? {
        (&["--mount", "--pid", "--fork"][..], &[user.as_str()][..])
    } else {
        (&["--map-root-user", "--mount", "--pid", "--fork"][..], &[][..])
    };
    let mut unshare = Command::new("unshare");
    unshare.args(flags).args(["sh", "-c", RUNTIME, root]).args(user).arg(root).args(command);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let out = unshare.env_clear().env("PATH", path).env("LC_ALL", "C").output();
    let out = out.context("running unshare: install util-linux")?;
    let said = [out.stdout, out.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if said.contains("unshare: ") || said.contains("mount: ") {
        bail!(
            "the image cannot be run here ({}): run the test as root or where user namespaces are \
             allowed; else `make image` and run it with podman",
            said.trim()
        );
    }
    Ok((out.status.success(), said))
}

fn is_root() -> Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}
