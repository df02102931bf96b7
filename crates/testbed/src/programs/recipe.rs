//! How each server program is built: data, one row a program.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// One server program and the Go module it is built from.
#[derive(Debug)]
pub struct Recipe {
    /// The program's file name.
    pub program: &'static str,
    /// Folder of its module below `hack/servers`.
    pub module: &'static str,
    /// The Go package to build.
    pub package: &'static str,
    /// Whether it needs a C compiler.
    pub cgo: bool,
    /// Go build tags, separated by spaces.
    pub tags: &'static str,
    /// Flags of the Go linker.
    pub ldflags: &'static str,
    /// Minutes of a first build on two idle cores, rounded up.
    pub minutes: u32,
}

const STRIP: &str = "-s -w";

/// Without its version a Kubernetes server calls itself v0.0.0 and clients misjudge it.
const KUBERNETES: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4 \
     -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34";

/// Every program the testbed can start or run.
pub const RECIPES: &[Recipe] = &[
    Recipe {
        program: "etcd",
        module: "etcd",
        package: "go.etcd.io/etcd/server/v3",
        cgo: false,
        tags: "",
        ldflags: STRIP,
        minutes: 1,
    },
    kubernetes("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", 3),
    kubernetes("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager", 1),
    kubernetes("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler", 1),
    kubernetes("kubectl", "k8s.io/kubernetes/cmd/kubectl", 1),
    kubernetes("kubelet", "k8s.io/kubernetes/cmd/kubelet", 1),
    kubernetes("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy", 1),
    Recipe {
        program: "kwok",
        module: "kwok",
        package: "sigs.k8s.io/kwok/cmd/kwok",
        cgo: false,
        tags: "",
        ldflags: STRIP,
        minutes: 1,
    },
    Recipe {
        program: "gitea",
        module: "gitea",
        package: "code.gitea.io/gitea",
        cgo: true,
        tags: "sqlite sqlite_unlock_notify",
        ldflags: "-s -w -X main.Version=1.26.0 -X 'main.Tags=sqlite sqlite_unlock_notify'",
        minutes: 4,
    },
    Recipe {
        program: "crane",
        module: "registry",
        package: "github.com/google/go-containerregistry/cmd/crane",
        cgo: false,
        tags: "",
        ldflags: STRIP,
        minutes: 1,
    },
];

const fn kubernetes(program: &'static str, package: &'static str, minutes: u32) -> Recipe {
    Recipe {
        program,
        module: "kubernetes",
        package,
        cgo: false,
        tags: "",
        ldflags: KUBERNETES,
        minutes,
    }
}

/// The recipe of a program.
pub fn recipe(program: &str) -> Result<&'static Recipe> {
    RECIPES.iter().find(|recipe| recipe.program == program).with_context(|| {
        let known: Vec<_> = RECIPES.iter().map(|recipe| recipe.program).collect();
        format!("no recipe for a program {program}; there are {}", known.join(", "))
    })
}

/// The folder `hack/servers` of this work tree.
pub fn modules() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../hack/servers"))
}

impl Recipe {
    /// The folder of the program's Go module.
    pub fn folder(&self) -> PathBuf {
        modules().join(self.module)
    }

    /// Names this build: another version of a dependency or another flag gives another key.
    pub fn key(&self) -> Result<String> {
        let mut hash = Sha256::new();
        for file in ["go.sum", "go.mod"] {
            let path = self.folder().join(file);
            let bytes = std::fs::read(&path).with_context(|| {
                format!("reading {} (the recipes live in the source tree)", path.display())
            })?;
            hash.update(bytes);
        }
        let system = (std::env::consts::OS, std::env::consts::ARCH);
        hash.update(format!("{:?}", (self.cgo, self.tags, self.ldflags, system)));
        Ok(hex(&hash.finalize()[..8]))
    }
}

/// Lower-case hexadecimal text of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_requires_what_its_recipes_build() {
        for recipe in RECIPES {
            let tools = std::fs::read_to_string(recipe.folder().join("tools.go")).unwrap();
            assert!(tools.contains(recipe.package), "{} is not in tools.go", recipe.package);
            assert_eq!(recipe.key().unwrap().len(), 16);
        }
    }

    #[test]
    fn version_flags_agree_with_the_required_versions() {
        for (program, requirement, flag) in [
            ("kube-apiserver", "k8s.io/kubernetes v1.34.4", "gitVersion=v1.34.4"),
            ("gitea", "code.gitea.io/gitea v1.26.0", "main.Version=1.26.0"),
        ] {
            let recipe = recipe(program).unwrap();
            let module = std::fs::read_to_string(recipe.folder().join("go.mod")).unwrap();
            assert!(module.contains(requirement), "{program}: go.mod has another version");
            assert!(recipe.ldflags.contains(flag), "{program}: ldflags have another version");
        }
    }

    #[test]
    fn an_unknown_program_is_named_with_the_known_ones() {
        let error = recipe("nginx").unwrap_err().to_string();
        assert!(error.contains("nginx") && error.contains("kube-apiserver"), "{error}");
    }
}
