//! What the native kinds have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names an object of the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalRef {
    /// Name of the object.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A source tree as a GitSource or a Flux source offers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactRef {
    /// Url of the tarball; must be of this namespace and start with a prefix that the controller
    /// allows.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Revision the tarball was made from; compared and echoed verbatim.
    #[schemars(length(min = 1, max = 512))]
    pub revision: String,
    /// Digest of the tarball, `sha256:<hex>`; needed for urls that do not carry it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
}

impl ArtifactRef {
    /// The commit id in the revision: the hex after the last `:` (`main@sha1:…`), or all of it.
    pub fn commit(&self) -> &str {
        commit_of(&self.revision)
    }
}

/// The commit id in a revision: the hex after the last `:`, or all of it.
pub fn commit_of(revision: &str) -> &str {
    revision.rsplit(':').next().unwrap_or(revision)
}

/// Default of `spec.interval`.
pub(crate) fn interval() -> String {
    "1m".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_the_hex_after_the_last_colon() {
        assert_eq!(commit_of("main@sha1:4c1d"), "4c1d");
        assert_eq!(commit_of("4c1d"), "4c1d");
    }
}
