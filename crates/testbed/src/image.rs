//! The image of Portolan's programs, packed by the project's own `oci` crate: the programs, what they link,
//! CA certificates and one user. And small images of given files.
//!
//! **Invariant:** same programs, same machine, same commit: same digest. There is no shell in it.

mod elf;
mod libraries;
mod origin;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use portolan_oci::{Credential, Image, ImageSpec, Layer, Options, Reference, Registry};

pub use self::origin::Origin;
pub use portolan_oci::{ImageConfig, LayerFile};

/// The programs in the image; each stands at its root.
pub const PROGRAMS: [&str; 3] = ["portolan-supply-chain", "portolan-delivery", "portolan"];
/// The user and group they run as.
pub const USER: u32 = 65532;
/// Where the programs find CA certificates, in the image and on most machines.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Where else a machine may have them.
const OTHER_CERTIFICATES: [&str; 3] =
    ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];
/// A name in programs that stop where a test wants it.
const FAIL_POINT: &[u8] = b"PORTOLAN_FAIL_POINT";

/// Packs the programs of a folder and pushes the image to a registry that speaks plain http; `name` may
/// have a tag. The image by digest, `host/name@sha256:…`.
pub async fn push(programs: &Path, registry_host: &str, name: &str) -> Result<String> {
    let programs = programs.to_owned();
    let image = tokio::task::spawn_blocking(move || assemble(&programs, &Origin::read())).await??;
    send(&image, &format!("{registry_host}/{name}"), &Transport::Plain).await
}

/// Packs files as they are and pushes the image to a registry that speaks plain http; `name` may have a
/// tag. The image by digest, `host/name@sha256:…`.
pub async fn push_files(
    files: Vec<LayerFile>,
    config: ImageConfig,
    registry_host: &str,
    name: &str,
) -> Result<String> {
    let pack = move || -> Result<Image> {
        let layers = vec![Layer::of_files(files, "files", 0)?];
        image(layers, config, origin::EPOCH)
    };
    let image = tokio::task::spawn_blocking(pack).await??;
    send(&image, &format!("{registry_host}/{name}"), &Transport::Plain).await
}

/// How a registry is spoken to.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Plain http, without a credential.
    Plain,
    /// https.
    Tls(Credential),
}

/// Pushes an image; without a tag in its name it is `latest`. The image by digest.
pub async fn send(image: &Image, name: &str, transport: &Transport) -> Result<String> {
    let reference: Reference = name.parse()?;
    let repository = reference.repository();
    let (plain, credential) = match transport {
        Transport::Plain => (vec![repository.host().to_owned()], &Credential::Anonymous),
        Transport::Tls(credential) => (Vec::new(), credential),
    };
    let options = Options { plain_http_hosts: plain, ..Options::default() };
    let registry = Registry::new(options)?;
    let tag = reference.tag().unwrap_or("latest");
    let receipt = registry.push(image, repository, tag, credential).await?;
    Ok(receipt.reference)
}

/// Packs the programs of a folder. Symbols are left out where this machine has `strip`.
pub fn assemble(programs: &Path, origin: &Origin) -> Result<Image> {
    let paths: Vec<PathBuf> = PROGRAMS.iter().map(|name| programs.join(name)).collect();
    if let Some(missing) = paths.iter().find(|path| !path.is_file()) {
        bail!("{} is not there: build it first, as `make image` does", missing.display());
    }
    let system = system(&paths)?;
    let layers: Vec<Layer> = std::thread::scope(|scope| {
        let program = |(name, path): (&&str, &PathBuf)| {
            let (name, path) = (format!("/{name}"), path.clone());
            scope.spawn(move || -> Result<Layer> {
                let files = vec![executable(&name, elf::stripped(&path)?)];
                Ok(Layer::of_files(files, format!("program {name}"), 0)?)
            })
        };
        let packing: Vec<_> = PROGRAMS.iter().zip(&paths).map(program).collect();
        let system = Layer::of_files(system, "libraries, certificates and user", 0);
        let packed = packing.into_iter().map(|layer| match layer.join() {
            Ok(layer) => layer,
            Err(_) => bail!("packing a program failed"),
        });
        std::iter::once(system.map_err(Into::into)).chain(packed).collect::<Result<_>>()
    })?;
    let config = ImageConfig {
        user: Some(format!("{USER}:{USER}")),
        working_dir: Some("/".into()),
        labels: origin.labels(),
        ..ImageConfig::default()
    };
    image(layers, config, &origin.created)
}

/// Refuses programs that can be told to stop for good: those are for tests.
pub fn refuse_fail_points(programs: &Path) -> Result<()> {
    for name in PROGRAMS {
        let path = programs.join(name);
        let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        if bytes.windows(FAIL_POINT.len()).any(|window| window == FAIL_POINT) {
            bail!(
                "{} is a build for tests, with fail points: build it without the feature \
                 `fail-points`, as `make image` does",
                path.display()
            );
        }
    }
    Ok(())
}

fn image(layers: Vec<Layer>, config: ImageConfig, created: &str) -> Result<Image> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let spec = ImageSpec {
        layers,
        config,
        platform: format!("linux/{arch}").parse()?,
        annotations: BTreeMap::new(),
        created: created.into(),
        base: None,
    };
    Ok(Image::assemble(spec)?)
}

/// All but the programs: what they link, whom they trust, who they are.
fn system(programs: &[PathBuf]) -> Result<Vec<LayerFile>> {
    let mut files = Vec::new();
    for (place, library) in libraries::of(programs)? {
        let bytes = std::fs::read(&library);
        let bytes = bytes.with_context(|| format!("reading {}", library.display()))?;
        files.push(executable(&place, bytes.into()));
    }
    files.push(plain(CERTIFICATES, certificates()?));
    files.push(plain("/etc/passwd", format!("nonroot:x:{USER}:{USER}:nonroot:/:/nonexistent\n")));
    files.push(plain("/etc/group", format!("nonroot:x:{USER}:\n")));
    // Not every glibc looks into the hosts file of a pod before it asks DNS.
    files.push(plain("/etc/nsswitch.conf", "hosts: files dns\n"));
    Ok(files)
}

fn certificates() -> Result<Vec<u8>> {
    let named = std::env::var("SSL_CERT_FILE").ok();
    let usual = [CERTIFICATES].into_iter().chain(OTHER_CERTIFICATES).map(str::to_owned);
    for file in named.into_iter().chain(usual) {
        if let Ok(bytes) = std::fs::read(&file) {
            return Ok(bytes);
        }
    }
    bail!(
        "this machine has no CA certificates at {CERTIFICATES}: install the package ca-certificates, \
         or name a PEM file in SSL_CERT_FILE"
    )
}

/// A file that everybody may read and run.
fn executable(path: &str, data: Bytes) -> LayerFile {
    LayerFile { path: path.into(), mode: 0o755, data }
}

fn plain(path: &str, data: impl Into<Bytes>) -> LayerFile {
    LayerFile { path: path.into(), mode: 0o644, data: data.into() }
}
