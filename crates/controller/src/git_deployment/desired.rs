//! What a revision asks for: its manifests as complete objects of this deployment.

use std::collections::BTreeMap;
use std::sync::Arc;

use portolan_api::native::reasons::{stalled, waiting};
use portolan_api::{digest, labels};
use portolan_plan::deployment::{Manifest, Stage, parse, stage};
use portolan_plan::object::{self, Gvk, ObjectKey, ServedKind};
use serde_json::{Value, json};

use super::{GitDeployments, Round};
use crate::artifact::{fetch, read_tree};
use crate::native::{recall, remember};
use crate::trouble::Trouble;

/// Manifests of a tarball that was read.
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    source: String,
    manifests: Arc<Vec<Manifest>>,
}

/// An object that a revision asks for.
#[derive(Clone, Debug)]
pub(super) struct Desired {
    /// Where it stands, for messages.
    pub(super) manifest: Manifest,
    /// Group, kind, namespace and name.
    pub(super) key: ObjectKey,
    /// The kind as served; absent while its definition is in the same revision.
    pub(super) kind: Option<ServedKind>,
    /// When it is applied.
    pub(super) stage: Stage,
    /// The complete object.
    pub(super) object: Value,
    /// Digest of the object, which it carries as an annotation.
    pub(super) digest: String,
}

impl GitDeployments {
    /// The objects of the revision, in the order they are applied.
    pub(super) async fn desired(&self, round: &Round<'_>) -> Result<Vec<Desired>, Trouble> {
        let manifests = self.manifests(round).await?;
        if manifests.is_empty() && !round.spec.allow_shrink {
            let mistake = format!(
                "path {:?} of revision {} holds files, but no object; set spec.allowShrink if that is \
                 meant",
                round.spec.path, round.source.revision
            );
            return Err(refused(&[mistake]));
        }
        let defined = definitions(&manifests);
        let mut desired = Vec::new();
        let mut mistakes = Vec::new();
        for manifest in manifests.iter() {
            let gvk = Gvk::of(&manifest.object);
            let kind = self.cx.kinds.get(&gvk);
            let namespaced = match (&kind, defined.get(&gvk)) {
                (Some(kind), _) => kind.namespaced,
                (None, Some(namespaced)) => *namespaced,
                (None, None) => {
                    let version = gvk.api_version();
                    let message =
                        format!("no matches for kind {:?} in version {version:?}", gvk.kind);
                    mistakes.push(manifest.mistake(message).to_string());
                    continue;
                }
            };
            desired.push(complete(round, manifest, kind, namespaced));
        }
        if !mistakes.is_empty() {
            // A definition that comes later wakes nobody here; it is looked for again.
            return Err(refused(&mistakes).unseen());
        }
        desired.sort_by(|a, b| (a.stage, &a.key).cmp(&(b.stage, &b.key)));
        Ok(desired)
    }

    async fn manifests(&self, round: &Round<'_>) -> Result<Arc<Vec<Manifest>>, Trouble> {
        let (source, spec) = (&round.source, round.spec);
        let place = format!("{} {} {:?}", source.url, spec.path, source.digest);
        let key = &round.native.key;
        if let Some(parsed) = recall(&self.parsed, key)
            && parsed.source == place
        {
            return Ok(parsed.manifests);
        }
        let digest = source.digest.as_deref();
        // Only our own GitSources wake us, and only for what becomes of them.
        let file = fetch(&self.cx, &key.namespace, &source.url, digest).await;
        let file = file.map_err(Trouble::unseen)?;
        let path = spec.path.clone();
        let place_named = format!("path {path:?} of revision {}", source.revision);
        let read = tokio::task::spawn_blocking(move || -> Result<_, Trouble> {
            let files = read_tree(&file, &path)?;
            if files.is_empty() {
                let message = format!("nothing was changed: {place_named} holds no file");
                return Err(Trouble::waiting(waiting::PATH_NOT_FOUND, message));
            }
            let files: BTreeMap<String, Vec<u8>> = files
                .into_iter()
                .filter(|(_, file)| file.mode != "120000")
                .map(|(path, file)| (path, file.content))
                .collect();
            parse(&files).map_err(|mistakes| {
                let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                refused(&mistakes)
            })
        });
        let manifests = read.await.map_err(|error| {
            Trouble::stalled(stalled::MANIFESTS_REFUSED, format!("reading failed: {error}"))
        })??;
        let manifests = Arc::new(manifests);
        let parsed = Parsed { source: place, manifests: Arc::clone(&manifests) };
        remember(&self.parsed, key, Some(parsed));
        Ok(manifests)
    }
}

/// Trouble with manifests: all mistakes, as far as a message holds them.
pub(super) fn refused(mistakes: &[String]) -> Trouble {
    let shown: Vec<&str> = mistakes.iter().take(10).map(String::as_str).collect();
    let more = mistakes.len().saturating_sub(shown.len());
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    let message = format!("nothing was changed: {}{more}", shown.join("; "));
    Trouble::stalled(stalled::MANIFESTS_REFUSED, message)
}

/// Kinds that definitions of the same revision bring, and whether they are namespaced.
fn definitions(manifests: &[Manifest]) -> BTreeMap<Gvk, bool> {
    let mut kinds = BTreeMap::new();
    for manifest in manifests {
        let object = &manifest.object;
        if stage(&Gvk::of(object)) != Stage::Definitions {
            continue;
        }
        let (group, kind) =
            (object::text(object, "/spec/group"), object::text(object, "/spec/names/kind"));
        let namespaced = object::text(object, "/spec/scope") == "Namespaced";
        for version in
            object.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten()
        {
            let version = object::text(version, "/name").to_owned();
            kinds.insert(Gvk { group: group.into(), version, kind: kind.into() }, namespaced);
        }
    }
    kinds
}

/// Makes a manifest an object of this deployment.
fn complete(
    round: &Round<'_>,
    manifest: &Manifest,
    kind: Option<ServedKind>,
    namespaced: bool,
) -> Desired {
    let mut object = manifest.object.clone();
    let target = round.spec.target_namespace.as_ref().unwrap_or(&round.native.key.namespace);
    let metadata = &mut object["metadata"];
    if namespaced && metadata.get("namespace").is_none_or(Value::is_null) {
        metadata["namespace"] = json!(target);
    }
    if let Some(map) = metadata.as_object_mut() {
        if !namespaced {
            map.remove("namespace");
        }
        for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"]
        {
            map.remove(field);
        }
        for field in ["labels", "annotations"] {
            if map.get(field).is_none_or(|value| !value.is_object()) {
                map.insert(field.into(), json!({}));
            }
        }
    }
    object["metadata"]["labels"][labels::DEPLOYMENT] = json!(round.uid);
    let digest = digest::of_json(&object);
    object["metadata"]["annotations"][labels::APPLIED] = json!(digest);
    Desired {
        manifest: manifest.clone(),
        key: ObjectKey::of(&object),
        kind,
        stage: stage(&Gvk::of(&object)),
        object,
        digest,
    }
}
