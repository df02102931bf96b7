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
    pub(crate) url: ArtifactUrl,
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    pub(crate) tree: String,
}

/// Makes the tarball of a commit as a GitSource describes it.
pub(crate) async fn remake(
    cx: &Context,
    key: &Key,
    source: &GitSource,
    reference: &str,
    commit: &str,
) -> Result<Remade, Trouble> {
    let remote = Remote::new(&source.spec.url, &key.namespace, source.spec.secret_ref.as_ref());
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
    let url = ArtifactUrl {
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        commit: commit.into(),
        digest: made.digest,
    };
    let path = cx.artifacts.keep(scratch, &url.path())?;
    Ok(Remade { url, path, size: made.size, tree: made.tree })
}

/// Makes the artifact of a url again; what comes out differently is not it any more. Any commit of the
/// GitSource may be named: the caller answers for who may have it made.
pub(super) async fn remake_url(cx: &Context, url: &ArtifactUrl) -> Result<PathBuf, Trouble> {
    let gone = |why: String| {
        let message = format!("the artifact of commit {} is gone: {why}", url.commit);
        Trouble::waiting(waiting::ARTIFACT_GONE, message).unseen()
    };
    let _turn = cx.artifacts.turn(url).await;
    if let Some(path) = cx.artifacts.get(&url.path()) {
        return Ok(path);
    }
    let key = Key::new(&url.namespace, &url.name);
    let Some(stored) = cx.own("GitSource", &key) else {
        return Err(gone(format!("GitSource {key} does not exist")));
    };
    let source: GitSource = serde_json::from_value(stored.value()).map_err(|error| {
        Trouble::stalled(stalled::INVALID_SPEC, format!("GitSource {key} does not decode: {error}"))
    })?;
    let reference = source.status.as_ref().and_then(|status| status.artifact.as_ref());
    let reference = reference.map(|artifact| artifact.ref_.clone()).unwrap_or_default();
    let made = remake(cx, &key, &source, &reference, &url.commit).await?;
    if made.url == *url {
        Ok(made.path)
    } else {
        Err(gone(format!("GitSource {key} makes another tarball of it now")))
    }
}
