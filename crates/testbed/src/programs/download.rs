//! Fetches a published program by checksum, for machines with the internet but without Go.
//!
//! **Invariant:** nothing is unpacked or run before its checksum is right, and no checksum here is of our own making:
//! each is the publisher's, or one that several packagers publish alike.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256, Sha512};

use super::cache::{cache_root, place, whole};
use super::recipe::{Recipe, hex, recipe};
use super::say;

/// A file to fetch. `members` are the programs in it with their paths in the archive; a bare program has an empty path.
struct Download {
    url: &'static str,
    checksum: Checksum,
    members: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy)]
enum Checksum {
    Sha256(&'static str),
    Sha512(&'static str),
}

/// For Linux on amd64. Gitea and crane are missing: nobody publishes a checksum that could be looked up.
const DOWNLOADS: &[Download] = &[
    // The checksum in Kubernetes' own CHANGELOG-1.34.md.
    Download {
        url: "https://dl.k8s.io/v1.34.4/kubernetes-server-linux-amd64.tar.gz",
        checksum: Checksum::Sha512(
            "65c75e81e3ea488f6d42b493cad64d7577ddfa1e5372037a1c841ac069039997\
             d359b5b2f2d44e7665bf04c48ed0065cf9d4c9801b1e63bb6a1b099ef00d4863",
        ),
        members: &[
            ("kube-apiserver", "kubernetes/server/bin/kube-apiserver"),
            ("kube-controller-manager", "kubernetes/server/bin/kube-controller-manager"),
            ("kube-scheduler", "kubernetes/server/bin/kube-scheduler"),
            ("kubectl", "kubernetes/server/bin/kubectl"),
            ("kubelet", "kubernetes/server/bin/kubelet"),
            ("kube-proxy", "kubernetes/server/bin/kube-proxy"),
        ],
    },
    // The digest of the release, the same in ChromeOS' and Arch's packages.
    Download {
        url: "https://github.com/etcd-io/etcd/releases/download/v3.6.5/etcd-v3.6.5-linux-amd64.tar.gz",
        checksum: Checksum::Sha256(
            "66bad39ed920f6fc15fd74adcb8bfd38ba9a6412f8c7852d09eb11670e88cac3",
        ),
        members: &[("etcd", "etcd-v3.6.5-linux-amd64/etcd")],
    },
    // The same in Arch's package and in others' pins.
    Download {
        url: "https://github.com/kubernetes-sigs/kwok/releases/download/v0.8.0/kwok-linux-amd64",
        checksum: Checksum::Sha256(
            "f5a4385a2ae1b9dd7f8acae18e002a75c0ebba124ae9d7259aa8dadb50711f46",
        ),
        members: &[("kwok", "")],
    },
];

/// kwok's stages in one file; two independent projects pin the same digest of the release.
const KWOK_STAGES: Download = Download {
    url: "https://github.com/kubernetes-sigs/kwok/releases/download/v0.8.0/stage-fast.yaml",
    checksum: Checksum::Sha256("2f28d95564ec43056c0873f7a25ac7d2a5bba4c8496c72f8b3ee73fd4f54ee24"),
    members: &[],
};

/// Downloads the recipe's program, and the others of the same archive, into the cache.
pub(super) fn install(wanted: &Recipe, path: &Path) -> Result<()> {
    let name = wanted.program;
    let linux = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    let download = DOWNLOADS
        .iter()
        .find(|download| linux && download.members.iter().any(|(program, _)| *program == name))
        .with_context(|| {
            format!(
                "{name} is not here, Go is not installed, and no checksum of a prebuilt {name} for \
                 this system is known. Install Go 1.26.2 or later{}, or put {name} into a folder \
                 and name it in KUBEBUILDER_ASSETS",
                if wanted.cgo { " and a C compiler" } else { "" }
            )
        })?;
    let archive = path.with_file_name(format!(".{name}.download"));
    fetch(download.url, download.checksum, &archive)
        .with_context(|| format!("{name} is not here and Go is not installed to build it"))?;
    let installed = download.members.iter().try_for_each(|(program, member)| {
        let place = place(recipe(program)?)?;
        whole(&place, |partial| {
            if member.is_empty() {
                fs::copy(&archive, partial)?;
            } else {
                extract(&archive, member, partial)?;
            }
            Ok(fs::set_permissions(partial, fs::Permissions::from_mode(0o755))?)
        })
    });
    let _ = fs::remove_file(&archive);
    installed
}

/// The file of kwok's stages, downloaded once.
pub(super) fn kwok_stages() -> Result<PathBuf> {
    let folder = cache_root()?.join("servers/kwok");
    let path = folder.join("stage-fast-v0.8.0.yaml");
    if !path.is_file() {
        fs::create_dir_all(&folder)?;
        fetch(KWOK_STAGES.url, KWOK_STAGES.checksum, &path)
            .context("kwok needs its stage files and Go is not installed to fetch its module")?;
    }
    Ok(path)
}

fn fetch(url: &str, checksum: Checksum, path: &Path) -> Result<()> {
    say(&format!("downloading {url}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    whole(path, |partial| {
        let mut file = File::create(partial)?;
        let actual = runtime.block_on(async {
            let mut answer = reqwest::get(url).await?.error_for_status()?;
            let mut digests = (Sha256::new(), Sha512::new());
            while let Some(chunk) = answer.chunk().await? {
                file.write_all(&chunk)?;
                digests.0.update(&chunk);
                digests.1.update(&chunk);
            }
            Ok::<_, anyhow::Error>((hex(&digests.0.finalize()), hex(&digests.1.finalize())))
        });
        let (sha256, sha512) = actual.with_context(|| format!("downloading {url}"))?;
        let (expected, actual) = match checksum {
            Checksum::Sha256(expected) => (expected, sha256),
            Checksum::Sha512(expected) => (expected, sha512),
        };
        if expected != actual {
            bail!("{url} has the checksum {actual}, not {expected}: not used");
        }
        Ok(())
    })
}

fn extract(archive: &Path, member: &str, to: &Path) -> Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.to_string_lossy().trim_start_matches("./") == member {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            return fs::write(to, bytes).with_context(|| format!("writing {}", to.display()));
        }
    }
    bail!("the archive has no {member}")
}

#[cfg(test)]
mod tests;
