//! Artifact urls: `<base>/v1/<namespace>/<name>/<commit>/sha256-<hex>.tar.gz`.

/// What an artifact url of our own says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArtifactUrl {
    /// Namespace of the GitSource.
    pub(crate) namespace: String,
    /// Name of the GitSource.
    pub(crate) name: String,
    /// Commit the tree was taken from.
    pub(crate) commit: String,
    /// Digest of the tarball, `sha256:<hex>`.
    pub(crate) digest: String,
}

impl ArtifactUrl {
    /// The path below the base.
    pub(crate) fn path(&self) -> String {
        format!(
            "/v1/{}/{}/{}/{}.tar.gz",
            self.namespace,
            self.name,
            self.commit,
            self.digest.replace(':', "-")
        )
    }

    /// Reads a path; nothing but the exact form is one.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix("/v1/")?.split('/').collect();
        let [namespace, name, commit, file] = parts.as_slice() else { return None };
        let hex = file.strip_prefix("sha256-")?.strip_suffix(".tar.gz")?;
        let is_hex =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
                && !text.starts_with(['.', '-'])
        };
        let valid = is_name(namespace)
            && is_name(name)
            && [40, 64].contains(&commit.len())
            && is_hex(commit)
            && hex.len() == 64
            && is_hex(hex);
        valid.then(|| Self {
            namespace: (*namespace).into(),
            name: (*name).into(),
            commit: (*commit).into(),
            digest: format!("sha256:{hex}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_read_back_and_nothing_else_does() {
        let url = ArtifactUrl {
            namespace: "dev".into(),
            name: "app".into(),
            commit: "a".repeat(40),
            digest: format!("sha256:{}", "0".repeat(64)),
        };
        assert_eq!(ArtifactUrl::parse(&url.path()), Some(url.clone()));
        for path in [
            "/v1/dev/app",
            "/v2/dev/app/a/b",
            "/v1/../app/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x",
            &url.path().replace("dev", ".."),
            &url.path().replace("dev", "DEV"),
            &url.path().replace(".tar.gz", ".zip"),
            &format!("{}/x", url.path()),
        ] {
            assert_eq!(ArtifactUrl::parse(path), None, "{path}");
        }
    }
}
