//! `portolan-testbed image`.

use std::env;
use std::io::{Write as _, stdout};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use portolan_oci::{Credential, Image, Reference, Repository};
use portolan_testbed::image::{Origin, Transport, assemble, refuse_fail_points, send};

/// Packs the image of Portolan's programs.
#[derive(Args)]
pub(crate) struct PackImage {
    /// Folder of the programs, built for release.
    #[arg(long, default_value = "target/release")]
    programs: PathBuf,
    /// Write the image into this folder, as an OCI layout.
    #[arg(long, value_name = "DIR", required_unless_present = "push")]
    output: Option<PathBuf>,
    /// Push it under this name. A login is read from `auths` in $DOCKER_CONFIG/config.json or
    /// ~/.docker/config.json; credential helpers are not asked.
    #[arg(long, value_name = "REGISTRY/NAME[:TAG]")]
    push: Option<String>,
    /// Speak plain http with the registry, without a login.
    #[arg(long, requires = "push")]
    plain_http: bool,
    /// Pack builds for tests too, whose fail points stop them for good where they are told to.
    #[arg(long)]
    fail_points: bool,
}

impl PackImage {
    /// Packs it and tells its digest and size.
    pub(crate) async fn run(self) -> Result<()> {
        if !self.fail_points {
            refuse_fail_points(&self.programs)?;
        }
        let programs = self.programs.clone();
        let pack = move || assemble(&programs, &Origin::read());
        let image = tokio::task::spawn_blocking(pack).await??;
        tell(&format!("image {}, {}", image.digest(), size(&image)))?;
        if let Some(folder) = &self.output {
            image.write_layout(folder, env!("CARGO_PKG_VERSION"))?;
            tell(&format!("written to {} (OCI layout)", folder.display()))?;
        }
        if let Some(name) = &self.push {
            let pushed = send(&image, name, &self.transport(name)?).await;
            let pushed = pushed.with_context(|| {
                format!("{name} was not pushed; a registry without TLS needs --plain-http")
            })?;
            tell(&format!("pushed {pushed}"))?;
        }
        Ok(())
    }

    fn transport(&self, name: &str) -> Result<Transport> {
        if self.plain_http {
            return Ok(Transport::Plain);
        }
        let reference: Reference = name.parse()?;
        Ok(Transport::Tls(login(reference.repository())?))
    }
}

/// The login that docker keeps for a repository.
fn login(repository: &Repository) -> Result<Credential> {
    let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker"));
    let folder = env::var_os("DOCKER_CONFIG").map(PathBuf::from).or(home);
    let file = folder.map(|folder| folder.join("config.json")).filter(|file| file.is_file());
    let Some(file) = file else { return Ok(Credential::Anonymous) };
    let reading = || format!("reading {}", file.display());
    let json = std::fs::read(&file).with_context(reading)?;
    Ok(Credential::from_docker_config(&json, repository).with_context(reading)?.unwrap_or_default())
}

fn size(image: &Image) -> String {
    let bytes: usize = image.layers.iter().map(|layer| layer.data.len()).sum();
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB packed in {} layers", tenths / 10, tenths % 10, image.layers.len())
}

fn tell(line: &str) -> Result<()> {
    Ok(writeln!(stdout(), "{line}")?)
}
