//! What a GitWriter is to write: files of its spec, or a tree taken from an artifact.

use std::collections::BTreeMap;

use portolan_api::native::GitWriter;
use portolan_api::native::reasons::stalled;
use portolan_plan::writer::{Desired, DesiredError, DesiredFile, Origin, from_files, from_tree};

use crate::artifact::{fetch, read_tree};
use crate::context::Context;
use crate::native::Native;
use crate::trouble::Trouble;

/// The content, with the passage it belongs to.
pub(super) async fn desired(cx: &Context, writer: &Native<GitWriter>) -> Result<Desired, Trouble> {
    let spec = &writer.typed.spec;
    let tree = match (&spec.content.files, &spec.content.tree) {
        (Some(files), None) => return from_files(files, &spec.provenance).map_err(trouble),
        (None, Some(tree)) => tree,
        _ => return Err(Trouble::invalid("spec.content must have exactly one of files and tree")),
    };
    let namespace = &writer.key.namespace;
    let file = fetch(cx, namespace, &tree.url, tree.digest.as_deref()).await?;
    let path = tree.path.clone();
    // Unpacking and hashing take as long as the tree is large: others wait for this thread.
    let read = tokio::task::spawn_blocking(move || -> Result<BTreeMap<_, _>, Trouble> {
        let files = read_tree(&file, &path)?.into_iter();
        Ok(files.map(|(path, file)| (path, DesiredFile::new(file.mode, file.content))).collect())
    });
    let files = read.await.map_err(|error| {
        Trouble::stalled(stalled::ARTIFACT_INVALID, format!("reading failed: {error}")).unseen()
    })??;
    let verification = spec.verified.as_ref();
    let origin = Origin {
        environment: cx.environment().to_owned(),
        cluster: cx.cluster_name().to_owned(),
        revision: tree.revision.clone(),
        verification: verification.map(|v| format!("{namespace}/{}", v.verification_ref.name)),
    };
    from_tree(files, &tree.path, &tree.include, &spec.provenance, &origin).map_err(trouble)
}

fn trouble(error: DesiredError) -> Trouble {
    let reason = match error {
        DesiredError::TooLarge { .. } => stalled::TOO_LARGE,
        _ => stalled::INVALID_SPEC,
    };
    Trouble::stalled(reason, error.to_string())
}
