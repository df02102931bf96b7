//! Rounds of GitSources: follow the reference, make the artifact when the tree changed.

use portolan_api::condition::{ConditionStatus, find};
use portolan_api::native::GitSource;
use portolan_api::native::git_source::{GitArtifact, GitCommit, GitSourceStatus};
use portolan_api::native::reasons::{READY, stalled, waiting};
use portolan_api::span;
use portolan_cluster::Key;
use portolan_git::{Follow, Look, Looked, Resolved, Seen};
use portolan_plan::object;
use portolan_plan::outcome::Again;

use crate::artifact::remake;
use crate::context::Context;
use crate::dependencies::Item;
use crate::metrics::{Hop, since};
use crate::native::{Done, Memory, Native, finish, load, recall, remember};
use crate::polls::{Interest, Remote};
use crate::queue::Reconciler;
use crate::trouble::{Class, Trouble};

/// Kind name.
pub(crate) const KIND: &str = "GitSource";

/// Rounds of GitSources.
pub(crate) struct GitSources {
    cx: Context,
    /// What came of the last look, so that an unchanged tip costs nothing.
    looked: Memory<Last>,
}

/// A look that came to an end.
#[derive(Clone, Debug)]
struct Last {
    /// Another object of the same name may have the same generation.
    uid: String,
    generation: i64,
    commit: String,
    artifact: GitArtifact,
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
        let interest = Interest::refs(interval);
        let refs = self.cx.polls.news(&item, &remote, interest, fresh).await?.refs;
        let Resolved { reference, commit } = refs.resolve(&follow).ok_or_else(|| {
            let message = format!("{} is not in {}", follow.describe(), spec.url);
            Trouble::waiting(waiting::REF_NOT_FOUND, message)
        })?;
        let last = recall(&self.looked, &source.key);
        let uid = object::uid(&source.value);
        let last = last.filter(|last| last.uid == uid && last.generation == source.generation);
        let artifact = match last {
            // The status that told it may not have been written.
            Some(last) if last.commit == commit && last.artifact.ref_ == reference => last.artifact,
            last => {
                let offered = match last {
                    Some(last) => Offered::BySpec(last.artifact),
                    None => Offered::of(source, status),
                };
                let artifact = self.look(source, offered, &remote, &reference, &commit).await?;
                self.measure(status, &artifact);
                artifact
            }
        };
        let (uid, generation) = (uid.to_owned(), source.generation);
        let looked = Last { uid, generation, commit, artifact: artifact.clone() };
        remember(&self.looked, &source.key, Some(looked));
        status.artifact = Some(artifact);
        let revision = status.artifact.as_ref().map(|a| a.revision.as_str()).unwrap_or_default();
        let message = format!("{reference} is at {}", short(revision));
        Ok(Done::ready(message))
    }

    /// Measures how long a commit took to get here. A first look measures nothing: what it finds may
    /// be there for long.
    fn measure(&self, before: &GitSourceStatus, artifact: &GitArtifact) {
        let before = before.artifact.as_ref().map(|before| &before.revision);
        if before.is_some_and(|before| *before != artifact.revision)
            && let Some(took) = since(&artifact.commit.time)
        {
            self.cx.metrics.hop(Hop::Source, took);
        }
    }

    /// Looks at a commit; makes a new artifact only if the tree is another one, or was offered for
    /// another spec.
    async fn look(
        &self,
        source: &Native<GitSource>,
        offered: Offered,
        remote: &Remote,
        reference: &str,
        commit: &str,
    ) -> Result<GitArtifact, Trouble> {
        let looked = self.look_since(source, offered.artifact(), remote, reference, commit).await?;
        let is_same =
            |offered: &GitArtifact| offered.tree == looked.tree && offered.ref_ == reference;
        match offered {
            Offered::BySpec(artifact) if is_same(&artifact) => Ok(artifact),
            // The same tree may stand at another path, or in another repository. Its tarball tells:
            // the same spec makes the same bytes of the same commit.
            Offered::Before(artifact) if artifact.tree == looked.tree => {
                match self.make(source, reference, looked).await {
                    Ok(made) if made.digest == artifact.digest && made.ref_ == artifact.ref_ => {
                        Ok(artifact)
                    }
                    Ok(made) if made.digest == artifact.digest => Ok(made),
                    Err(trouble) if trouble.class == Class::Transient => Err(trouble),
                    // What was offered is of another place: this is the first look at this one.
                    _ => {
                        let looked =
                            self.look_since(source, None, remote, reference, commit).await?;
                        self.make(source, reference, looked).await
                    }
                }
            }
            _ => self.make(source, reference, looked).await,
        }
    }

    async fn look_since(
        &self,
        source: &Native<GitSource>,
        last: Option<&GitArtifact>,
        remote: &Remote,
        reference: &str,
        commit: &str,
    ) -> Result<Looked, Trouble> {
        let spec = &source.typed.spec;
        let repository =
            self.cx.polls.repository(remote, self.cx.settings.credential_max_age).await?;
        let look = Look {
            reference: reference.into(),
            commit: commit.into(),
            path: spec.path.clone().unwrap_or_else(|| ".".into()),
            ignore: spec.ignore.clone(),
            last: last.map(|artifact| Seen {
                revision: artifact.revision.clone(),
                tree: artifact.tree.clone(),
            }),
        };
        self.cx.git.look(&repository, look).await.map_err(|error| {
            let trouble = Trouble::from(error);
            if trouble.reason == stalled::AUTH_FAILED {
                self.cx.polls.refused(remote);
            }
            trouble
        })
    }

    async fn make(
        &self,
        source: &Native<GitSource>,
        reference: &str,
        looked: Looked,
    ) -> Result<GitArtifact, Trouble> {
        let made =
            remake(&self.cx, &source.key, &source.typed, reference, &looked.revision).await?;
        let commit = looked.commit.unwrap_or_default();
        Ok(GitArtifact {
            url: self.cx.artifacts.url(&made.url),
            revision: looked.revision,
            tree: made.tree,
            ref_: reference.into(),
            digest: made.url.digest,
            size: i64::try_from(made.size).unwrap_or(i64::MAX),
            commit: GitCommit { author: commit.author, time: commit.time, subject: commit.subject },
        })
    }
}

/// The artifact that the status offers, and whether it is known to be what the spec asks for.
enum Offered {
    Nothing,
    /// Made for this url, path and ignore.
    BySpec(GitArtifact),
    /// Made for this spec or one before.
    Before(GitArtifact),
}

impl Offered {
    /// A round that failed tells its generation and keeps the artifact, so only a round that succeeded
    /// says for which spec the artifact was made.
    fn of(source: &Native<GitSource>, status: &GitSourceStatus) -> Self {
        let Some(artifact) = status.artifact.clone() else { return Self::Nothing };
        let by_spec = find(&status.conditions, READY).is_some_and(|ready| {
            ready.status == ConditionStatus::True
                && ready.observed_generation == Some(source.generation)
        });
        if by_spec { Self::BySpec(artifact) } else { Self::Before(artifact) }
    }

    fn artifact(&self) -> Option<&GitArtifact> {
        match self {
            Self::Nothing => None,
            Self::BySpec(artifact) | Self::Before(artifact) => Some(artifact),
        }
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
