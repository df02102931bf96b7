//! Making an artifact again: from its GitSource and its commit, byte for byte.

use std::path::PathBuf;

use portolan_api::native::GitSource;
use portolan_api::native::reasons::{stalled, waiting};
use portolan_cluster::Key;
use portolan_git::Archive;

use super::url::ArtifactUrl;
use crate::context::Context;
use crate::polls::Remote;
use crate::trouble::Trouble;

/// An artifact that was made.
#[derive(Clone, Debug)]
pub(crate) struct Remade {
    pub(crate) path: PathBuf,
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) tree: String,
}

/// Makes the tarball of a commit as a GitSource describes it.
pub(crate) async fn remake(
    cx: &Context,
    namespace: &str,
    source: &GitSource,
    reference: &str,
    commit: &str,
) -> Result<Remade, Trouble> {
    let remote = Remote::new(&source.spec.url, namespace, source.spec.secret_ref.as_ref());
    let max_age = cx.settings.credential_max_age;
    let repository = cx.polls.repository(&remote, max_age).await?;
    let scratch = cx.artifacts.scratch()?;
    let archive = Archive {
        reference: reference.into(),
        commit: commit.into(),
        path: source.spec.path.clone().unwrap_or_else(|| ".".into()),
        ignore: source.spec.ignore.clone(),
        to: scratch.to_path_buf(),
    };
    let made = cx.git.archive(&repository, archive).await?;
    let path = cx.artifacts.keep(scratch, &made.digest)?;
    Ok(Remade { path, digest: made.digest, size: made.size, tree: made.tree })
}

/// Makes the artifact of a url again; what comes out differently is not it any more.
pub(super) async fn remake_url(cx: &Context, url: &ArtifactUrl) -> Result<PathBuf, Trouble> {
    let gone = |why: String| {
        let message = format!("the artifact of commit {} is gone: {why}", url.commit);
        Trouble::waiting(waiting::ARTIFACT_GONE, message).unseen()
    };
    let key = Key::new(&url.namespace, &url.name);
    let Some(stored) = cx.own("GitSource", &key) else {
        return Err(gone(format!("GitSource {key} does not exist")));
    };
    let source: GitSource = serde_json::from_value(stored.value()).map_err(|error| {
        Trouble::stalled(stalled::INVALID_SPEC, format!("GitSource {key} does not decode: {error}"))
    })?;
    let reference = source.status.as_ref().and_then(|status| status.artifact.as_ref());
    let reference = reference.map(|artifact| artifact.ref_.clone()).unwrap_or_default();
    let made = remake(cx, &url.namespace, &source, &reference, &url.commit).await?;
    if made.digest == url.digest {
        Ok(made.path)
    } else {
        Err(gone(format!("GitSource {key} makes another tarball of it now")))
    }
}
