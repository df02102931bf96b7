//! Rounds of SourceImages: pack the source, push the image, unless that was done already.

use portolan_api::digest;
use portolan_api::native::SourceImage;
use portolan_api::native::common::commit_of;
use portolan_api::native::reasons::stalled;
use portolan_api::native::source_image::{BuiltFrom, SourceImageSpec, SourceImageStatus};
use portolan_cluster::Key;
use portolan_oci::{
    Archive, BaseImage, Credential, Image, ImageConfig, ImageSpec, LayerRule, Limits, Options,
    Platform, Reference, Registry, Repository,
};
use portolan_plan::outcome::Again;
use serde_json::json;
use tokio::time::Instant;

use crate::artifact::fetch;
use crate::context::Context;
use crate::dependencies::{Item, Thing};
use crate::egress::Egress;
use crate::failpoint;
use crate::metrics::{Begun, Hop};
use crate::native::{Done, Native, finish, load};
use crate::queue::Reconciler;
use crate::trouble::Trouble;

mod origin;

/// Kind name.
pub(crate) const KIND: &str = "SourceImage";

/// Rounds of SourceImages.
pub(crate) struct SourceImages {
    cx: Context,
    begun: Begun<BuiltFrom>,
}

impl SourceImages {
    pub(crate) fn new(cx: Context) -> Self {
        Self { cx, begun: Begun::default() }
    }

    async fn round(
        &self,
        image: &Native<SourceImage>,
        status: &mut SourceImageStatus,
    ) -> Result<Done, Trouble> {
        let spec = &image.typed.spec;
        let built_from = BuiltFrom { revision: spec.source.revision.clone(), digest: inputs(spec) };
        let is_new = status.built_from.as_ref() != Some(&built_from);
        if is_new {
            self.begun.asks(&image.key, built_from.clone());
        }
        if is_new || image.is_requested(status) {
            let reference = self.build(image).await?;
            if let Some(took) = self.begun.ends(&image.key) {
                self.cx.metrics.hop(Hop::Image, took);
            }
            status.latest_image = Some(reference);
            status.built_from = Some(built_from);
        }
        let reference = status.latest_image.clone().unwrap_or_default();
        Ok(Done::ready(format!("pushed {reference}")))
    }

    async fn build(&self, image: &Native<SourceImage>) -> Result<String, Trouble> {
        let (spec, namespace) = (&image.typed.spec, &image.key.namespace);
        let repository: Repository = spec.image.parse()?;
        let platform: Platform = spec.platform.parse()?;
        let rules = rules(spec)?;
        let source = &spec.source;
        let file = fetch(&self.cx, namespace, &source.url, source.digest.as_deref()).await?;
        let origin = origin::of(&self.cx, source).await?;
        let (credential, registry) = self.registry(image, &repository).await?;
        let base = match &spec.base {
            None => None,
            Some(base) => {
                let reference: Reference = base.parse()?;
                // The Secret names the hosts it is for; a base elsewhere is asked without it.
                let credential = base_credential(&reference, &repository, &credential);
                Some(registry.pull_base(&reference, &platform, &credential).await?)
            }
        };
        let config = config(spec)?;
        let revision = commit_of(&source.revision).to_owned();
        let packed = tokio::task::spawn_blocking(move || {
            pack(&file, &rules, config, platform, base, &origin, &revision)
        });
        let packed = packed.await.map_err(|error| {
            Trouble::stalled(stalled::ARTIFACT_INVALID, format!("packing failed: {error}")).unseen()
        })??;
        let tag: String = commit_of(&source.revision).chars().take(12).collect();
        failpoint::hit("image-push-before", &spec.image).await;
        let began = Instant::now();
        let receipt = registry.push(&packed, &repository, &tag, &credential).await;
        let refused = receipt.as_ref().err().map(portolan_oci::Error::reason);
        self.cx.metrics.image_pushed(refused, began.elapsed());
        let receipt = receipt?;
        failpoint::hit("image-push-after", &spec.image).await;
        tracing::info!(
            image = receipt.reference,
            sent = receipt.blobs_sent,
            reused = receipt.blobs_reused,
            "pushed"
        );
        Ok(receipt.reference)
    }

    /// The registry with the credentials of the Secret, read now: it is about to be written to.
    async fn registry(
        &self,
        image: &Native<SourceImage>,
        repository: &Repository,
    ) -> Result<(Credential, Registry), Trouble> {
        let spec = &image.typed.spec;
        let mut options = Options {
            plain_http_hosts: self.cx.egress.plain_http().to_vec(),
            refused_addresses: self.cx.egress.refused(),
            ..Options::default()
        };
        let mut credential = Credential::Anonymous;
        if let Some(secret_ref) = &spec.secret_ref {
            let key = Key::new(&image.key.namespace, &secret_ref.name);
            let secret = self.cx.secrets.get(&key, std::time::Duration::ZERO).await?;
            let url = format!("https://{}", repository.host());
            Egress::may_send(secret.hosts.as_deref(), &url)?;
            credential = origin::credential(&key, &secret, repository)?;
            options.ca_pem = secret.data.get("ca.crt").cloned();
        }
        Ok((credential, Registry::new(options)?))
    }
}

impl Reconciler for SourceImages {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn reconcile(&self, key: Key) -> Again {
        let image: Native<SourceImage> = match load(&self.cx, KIND, &key).await {
            Ok(image) => image,
            Err(again) => {
                self.begun.ends(&key);
                return again;
            }
        };
        let item = Item::new(KIND, key.clone());
        let source = self.cx.artifacts.own(&image.typed.spec.source.url);
        let source = source.map(|url| {
            Thing::object(portolan_api::GROUP, "GitSource", Key::new(&url.namespace, &url.name))
        });
        self.cx.dependencies.track(&item, source);
        let old = image.typed.status.clone().unwrap_or_default();
        let mut new = old.clone();
        let result = if image.typed.spec.suspend {
            Ok(Done::suspended())
        } else {
            self.round(&image, &mut new).await
        };
        finish(&self.cx, KIND, &image, &old, new, result).await
    }
}

/// Digest over the source and every setting that decides the image.
fn inputs(spec: &SourceImageSpec) -> String {
    digest::of_json(&json!({
        "source": spec.source,
        "base": spec.base,
        "layers": spec.layers,
        "config": spec.config,
        "image": spec.image,
        "platform": spec.platform,
    }))
}

fn rules(spec: &SourceImageSpec) -> Result<Vec<LayerRule>, Trouble> {
    let rules = spec.layers.iter();
    Ok(rules
        .map(|layer| LayerRule::new(&layer.from, &layer.to, layer.mode.as_deref()))
        .collect::<Result<_, _>>()?)
}

fn config(spec: &SourceImageSpec) -> Result<ImageConfig, Trouble> {
    let config = &spec.config;
    let ports = config.ports.iter().map(|port| {
        u16::try_from(*port)
            .map_err(|_| Trouble::invalid(format!("spec.config.ports: {port} is not a port")))
    });
    Ok(ImageConfig {
        entrypoint: config.entrypoint.clone(),
        args: config.args.clone(),
        env: config.env.iter().map(|env| (env.name.clone(), env.value.clone())).collect(),
        user: config.user.clone(),
        working_dir: config.working_dir.clone(),
        ports: ports.collect::<Result<_, _>>()?,
        labels: config.labels.clone(),
    })
}

fn pack(
    file: &std::path::Path,
    rules: &[LayerRule],
    config: ImageConfig,
    platform: Platform,
    base: Option<BaseImage>,
    origin: &origin::Origin,
    revision: &str,
) -> Result<Image, Trouble> {
    let opened = std::fs::File::open(file).map_err(|error| {
        Trouble::transient(
            portolan_api::native::reasons::transient::LOCAL_STORAGE,
            error.to_string(),
        )
    })?;
    let mut archive = Archive::open(opened, Limits::default())?;
    let layers = rules.iter().map(|rule| archive.pack(rule, 0)).collect::<Result<_, _>>()?;
    let mut annotations: std::collections::BTreeMap<String, String> = [
        ("org.opencontainers.image.revision".to_owned(), revision.to_owned()),
        ("org.opencontainers.image.created".to_owned(), origin.created.clone()),
    ]
    .into();
    if let Some(url) = &origin.repository {
        annotations.insert("org.opencontainers.image.source".into(), url.clone());
    }
    let created = origin.created.clone();
    Ok(Image::assemble(ImageSpec { layers, config, platform, annotations, created, base })?)
}

/// What is sent to the base image's registry: the own credential only if it is the own registry.
fn base_credential(
    base: &Reference,
    repository: &Repository,
    credential: &Credential,
) -> Credential {
    if base.repository().host() == repository.host() {
        credential.clone()
    } else {
        Credential::Anonymous
    }
}
