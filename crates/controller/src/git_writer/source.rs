//! The source's commits that a change is about, for the record and the request.

use portolan_api::native::git_writer::ProvenanceSource;
use portolan_api::native::{GitSource, GitWriter, commit_of};
use portolan_api::record::{COMMITS, Record, SourceCommit};
use portolan_cluster::Selection;
use portolan_git::Log;
use portolan_plan::writer::Desired;

use crate::context::Context;
use crate::native::Native;
use crate::polls::Remote;

/// Adds to the content what the source's commits since the goal's record say, where a GitSource of
/// this namespace offers that source. It is for people: where it cannot be had, the change goes on
/// without it.
pub(super) async fn tell(
    cx: &Context,
    writer: &Native<GitWriter>,
    desired: &mut Desired,
    before: Option<&Record>,
) {
    // A promotion carries what the first writer told.
    if writer.typed.spec.content.files.is_none() {
        return;
    }
    let Some(source) = desired.carried.provenance.source.clone() else { return };
    let since = before.and_then(|record| record.provenance.source.as_ref());
    let since = since.filter(|since| since.url == source.url).map(|since| since.revision.as_str());
    let Some(git_source) = find(cx, &writer.key.namespace, &source) else { return };
    let commits = log(cx, &writer.key.namespace, &git_source, &source, since).await;
    desired.carried.add_commits(commits, before);
}

/// The GitSource that offers a source.
fn find(cx: &Context, namespace: &str, source: &ProvenanceSource) -> Option<GitSource> {
    let store = cx.caches.store(&crate::kinds::ours("GitSource"), &Selection::default())?;
    let mut all = store.all().into_iter().filter(|stored| stored.key.namespace == namespace);
    all.find_map(|stored| {
        let found: GitSource = serde_json::from_value(stored.value()).ok()?;
        let artifact = found.status.as_ref()?.artifact.as_ref()?;
        (found.spec.url == source.url && artifact.revision == source.revision).then_some(found)
    })
}

async fn log(
    cx: &Context,
    namespace: &str,
    git_source: &GitSource,
    source: &ProvenanceSource,
    since: Option<&str>,
) -> Vec<SourceCommit> {
    let spec = &git_source.spec;
    let remote = Remote::new(&spec.url, namespace, spec.secret_ref.as_ref());
    let commit = commit_of(&source.revision).to_owned();
    let reference = git_source.status.as_ref().and_then(|status| status.artifact.as_ref());
    let reference = reference.map(|artifact| artifact.ref_.clone()).unwrap_or_default();
    let log = Log {
        reference: if reference.is_empty() { commit.clone() } else { reference },
        commit,
        since: since.map(|since| commit_of(since).to_owned()),
        limit: COMMITS,
    };
    let max_age = cx.settings.credential_max_age;
    let found = match cx.polls.repository(&remote, max_age).await {
        Ok(repository) => cx.git.log(&repository, log).await.map_err(|error| error.to_string()),
        Err(trouble) => Err(trouble.message),
    };
    match found {
        Ok(commits) => commits
            .into_iter()
            .map(|(id, info)| SourceCommit {
                id,
                author: info.author.split(" <").next().unwrap_or_default().to_owned(),
                subject: info.subject,
                time: info.time,
            })
            .collect(),
        Err(why) => {
            tracing::debug!(why, "the source's commits are not told");
            Vec::new()
        }
    }
}
