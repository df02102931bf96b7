//! Rounds of GitSources: follow the reference, make the artifact when the tree changed.

use portolan_api::native::GitSource;
use portolan_api::native::git_source::{GitArtifact, GitCommit, GitSourceStatus};
use portolan_api::native::reasons::{stalled, waiting};
use portolan_api::span;
use portolan_cluster::Key;
use portolan_git::{Follow, Look, Looked, Resolved, Seen};
use portolan_plan::outcome::Again;

use crate::artifact::{ArtifactUrl, remake};
use crate::context::Context;
use crate::dependencies::Item;
use crate::native::{Done, Memory, Native, finish, load, recall, remember};
use crate::polls::Remote;
use crate::queue::Reconciler;
use crate::trouble::Trouble;

/// Kind name.
pub(crate) const KIND: &str = "GitSource";

/// Rounds of GitSources.
pub(crate) struct GitSources {
    cx: Context,
    /// The generation and tip that were looked at last, so that an unchanged tip costs nothing.
    looked: Memory<(i64, String)>,
}

impl GitSources {
    pub(crate) fn new(cx: Context) -> Self {
        Self { cx, looked: Memory::default() }
    }

    async fn round(
        &self,
        source: &Native<GitSource>,
        status: &mut GitSourceStatus,
    ) -> Result<Done, Trouble> {
        let spec = &source.typed.spec;
        if spec.verify.is_some() {
            return Err(Trouble::not_supported(
                "spec.verify",
                "remove it, or do not follow this source",
            ));
        }
        let interval = span::parse(&spec.interval)
            .map_err(|error| Trouble::invalid(format!("spec.interval: {error}")))?;
        let follow = Follow::new(&spec.ref_)?;
        let item = Item::new(KIND, source.key.clone());
        let remote = Remote::new(&spec.url, &source.key.namespace, spec.secret_ref.as_ref());
        let fresh =
            source.is_requested(status) || status.observed_generation != Some(source.generation);
        let refs = self.cx.polls.refs(&item, &remote, interval, fresh).await?;
        let Resolved { reference, commit } = refs.resolve(&follow).ok_or_else(|| {
            let message = format!("{} is not in {}", follow.describe(), spec.url);
            Trouble::waiting(waiting::REF_NOT_FOUND, message)
        })?;
        let current = (source.generation, commit.clone());
        let known = recall(&self.looked, &source.key) == Some(current.clone());
        if !known || status.artifact.is_none() {
            self.look(source, status, &remote, &reference, &commit).await?;
            remember(&self.looked, &source.key, Some(current));
        }
        let revision = status.artifact.as_ref().map(|a| a.revision.as_str()).unwrap_or_default();
        let message = format!("{reference} is at {}", short(revision));
        Ok(Done::ready(message))
    }

    /// Looks at a commit; makes a new artifact only if the tree is another one.
    async fn look(
        &self,
        source: &Native<GitSource>,
        status: &mut GitSourceStatus,
        remote: &Remote,
        reference: &str,
        commit: &str,
    ) -> Result<(), Trouble> {
        let spec = &source.typed.spec;
        let repository =
            self.cx.polls.repository(remote, self.cx.settings.credential_max_age).await?;
        let last = status.artifact.as_ref().map(|artifact| Seen {
            revision: artifact.revision.clone(),
            tree: artifact.tree.clone(),
        });
        let look = Look {
            reference: reference.into(),
            commit: commit.into(),
            path: spec.path.clone().unwrap_or_else(|| ".".into()),
            ignore: spec.ignore.clone(),
            last,
        };
        let looked = self.cx.git.look(&repository, look).await.map_err(|error| {
            let trouble = Trouble::from(error);
            if trouble.reason == stalled::AUTH_FAILED {
                self.cx.polls.refused(remote);
            }
            trouble
        })?;
        let same = status
            .artifact
            .as_ref()
            .is_some_and(|artifact| artifact.tree == looked.tree && artifact.ref_ == reference);
        if same {
            return Ok(());
        }
        status.artifact = Some(self.make(source, reference, looked).await?);
        Ok(())
    }

    async fn make(
        &self,
        source: &Native<GitSource>,
        reference: &str,
        looked: Looked,
    ) -> Result<GitArtifact, Trouble> {
        let key = &source.key;
        let made =
            remake(&self.cx, &key.namespace, &source.typed, reference, &looked.revision).await?;
        let url = self.cx.artifacts.url(&ArtifactUrl {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            commit: looked.revision.clone(),
            digest: made.digest.clone(),
        });
        let commit = looked.commit.unwrap_or_default();
        Ok(GitArtifact {
            url,
            revision: looked.revision,
            tree: made.tree,
            ref_: reference.into(),
            digest: made.digest,
            size: i64::try_from(made.size).unwrap_or(i64::MAX),
            commit: GitCommit { author: commit.author, time: commit.time, subject: commit.subject },
        })
    }
}

impl Reconciler for GitSources {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn reconcile(&self, key: Key) -> Again {
        let source: Native<GitSource> = match load(&self.cx, KIND, &key).await {
            Ok(source) => source,
            Err(again) => {
                self.cx.polls.leave(&Item::new(KIND, key.clone()), None);
                remember(&self.looked, &key, None);
                return again;
            }
        };
        let old = source.typed.status.clone().unwrap_or_default();
        let mut new = old.clone();
        let result = if source.typed.spec.suspend {
            self.cx.polls.leave(&Item::new(KIND, key), None);
            Ok(Done::suspended())
        } else {
            self.round(&source, &mut new).await
        };
        finish(&self.cx, KIND, &source, &old, new, result).await
    }
}

/// The beginning of a commit id, as people write it.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
