//! Artifacts for those who ask over HTTP, without saying who they are.
//!
//! **Invariant:** nobody can make us work in git by asking. Without git goes what is in the store; made
//! again is only what an object of the namespace names, one at a time for a namespace, few at a time
//! for all, and not again soon after it failed.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portolan_cluster::{Key, Selection};
use portolan_plan::choreography::WatchState;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::remake::remake_url;
use super::turns::Turns;
use super::url::ArtifactUrl;
use crate::context::Context;
use crate::kinds::ours;
use crate::trouble::Class;

/// Artifacts that are made at the same time, over all namespaces.
const MAKING: usize = 4;
/// Requests that wait for one to be made.
const WAITING: usize = 64;
/// How long a failure is remembered.
const FAILED: Duration = Duration::from_secs(30);
/// How long it is remembered what the objects of a namespace name.
const NAMED: Duration = Duration::from_secs(5);
/// Kinds that name artifacts, in specs and in statuses: also those that their source has left behind.
const NAMING: [&str; 6] =
    ["SourceImage", "GitWriter", "GitDeployment", "Verification", "Workload", "Deliverable"];

/// Why an artifact is not served. It tells strangers nothing of why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody offers it any more.
    Gone,
    /// It may be there in a while.
    Later,
}

/// What bounds the work.
#[derive(Debug)]
pub(super) struct Serving {
    waiting: Arc<Semaphore>,
    making: Semaphore,
    turns: Turns<String>,
    failed: Mutex<HashMap<String, (Instant, Refusal)>>,
    looking: Turns<String>,
    named: Mutex<HashMap<String, Named>>,
}

/// Paths of the artifacts that the objects of a namespace named a short time ago.
type Named = (Instant, Arc<HashSet<String>>);

impl Default for Serving {
    fn default() -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(WAITING)),
            making: Semaphore::new(MAKING),
            turns: Turns::default(),
            failed: Mutex::default(),
            looking: Turns::default(),
            named: Mutex::default(),
        }
    }
}

/// The file of an artifact.
pub(crate) async fn serve(cx: &Context, url: ArtifactUrl) -> Result<PathBuf, Refusal> {
    if let Some(path) = cx.artifacts.get(&url.path()) {
        return Ok(path);
    }
    // A cache that is not filled yet knows of nobody who names it.
    if cx.caches.state(&ours("GitSource"), &Selection::default()) != WatchState::Synced {
        return Err(Refusal::Later);
    }
    if !is_current(cx, &url).ok_or(Refusal::Gone)? {
        let named = named(cx, &url.namespace).await;
        if !named.contains(&url.path()) {
            return Err(Refusal::Gone);
        }
    }
    let serving = cx.artifacts.serving();
    let Ok(waits) = Arc::clone(&serving.waiting).try_acquire_owned() else {
        return Err(Refusal::Later);
    };
    let cx = cx.clone();
    // Who hangs up does not end it: it would be begun anew with the next request, without end.
    let made = tokio::spawn(async move {
        let _waits = waits;
        make(&cx, &url).await
    });
    made.await.unwrap_or(Err(Refusal::Later))
}

async fn make(cx: &Context, url: &ArtifactUrl) -> Result<PathBuf, Refusal> {
    let serving = cx.artifacts.serving();
    let _turn = serving.turns.take(url.namespace.clone()).await;
    if let Some(refusal) = serving.failed(&url.path()) {
        return Err(refusal);
    }
    let Ok(_making) = serving.making.acquire().await else { return Err(Refusal::Later) };
    remake_url(cx, url).await.map_err(|trouble| {
        tracing::debug!(url = url.path(), %trouble, "an artifact cannot be served");
        let refusal =
            if trouble.class == Class::Transient { Refusal::Later } else { Refusal::Gone };
        serving.remember(url.path(), refusal);
        refusal
    })
}

impl Serving {
    fn failed(&self, url: &str) -> Option<Refusal> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(url).filter(|(at, _)| at.elapsed() < FAILED).map(|(_, refusal)| *refusal)
    }

    fn remember(&self, url: String, refusal: Refusal) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, (at, _)| at.elapsed() < FAILED);
        failed.insert(url, (Instant::now(), refusal));
    }

    fn known(&self, namespace: &str) -> Option<Arc<HashSet<String>>> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, paths) = named.get(namespace)?;
        (at.elapsed() < NAMED).then(|| Arc::clone(paths))
    }

    fn learn(&self, namespace: &str, paths: &Arc<HashSet<String>>) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.retain(|_, (at, _)| at.elapsed() < NAMED);
        named.insert(namespace.to_owned(), (Instant::now(), Arc::clone(paths)));
    }
}

/// Whether a GitSource offers the artifact now; none where there is no such GitSource.
fn is_current(cx: &Context, url: &ArtifactUrl) -> Option<bool> {
    let source = cx.own("GitSource", &Key::new(&url.namespace, &url.name))?.value();
    let current = source.pointer("/status/artifact/url").and_then(Value::as_str);
    Some(current.and_then(|current| cx.artifacts.own(current)).as_ref() == Some(url))
}

/// Paths of the artifacts that objects of a namespace name. All of them are read for it, so that is not
/// done for every request.
async fn named(cx: &Context, namespace: &str) -> Arc<HashSet<String>> {
    let serving = cx.artifacts.serving();
    let _turn = serving.looking.take(namespace.to_owned()).await;
    if let Some(paths) = serving.known(namespace) {
        return paths;
    }
    let (cx, of) = (cx.clone(), namespace.to_owned());
    let look = tokio::task::spawn_blocking(move || {
        let mut paths = HashSet::new();
        let own = |text: &str| cx.artifacts.own(text).filter(|own| own.namespace == of);
        for kind in NAMING {
            let store = cx.caches.store(&ours(kind), &Selection::default());
            let all = store.map(|store| store.all()).unwrap_or_default();
            for stored in all.iter().filter(|stored| stored.key.namespace == of) {
                collect(&stored.value(), &own, &mut paths);
            }
        }
        paths
    });
    let paths = Arc::new(look.await.unwrap_or_default());
    serving.learn(namespace, &paths);
    paths
}

/// Collects the artifact urls among the texts of an object.
fn collect(value: &Value, own: &impl Fn(&str) -> Option<ArtifactUrl>, paths: &mut HashSet<String>) {
    match value {
        Value::String(text) => paths.extend(own(text).map(|url| url.path())),
        Value::Array(items) => items.iter().for_each(|item| collect(item, own, paths)),
        Value::Object(map) => map.values().for_each(|item| collect(item, own, paths)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn urls_are_found_wherever_they_stand_in_an_object() {
        let url = |name: &str| ArtifactUrl {
            namespace: "dev".into(),
            name: name.into(),
            commit: "a".repeat(40),
            digest: format!("sha256:{}", "0".repeat(64)),
        };
        let object = json!({
            "spec": {"source": {"url": url("a").path()}, "other": ["x", url("b").path(), 1, null]},
            "status": {"text": format!("see {}", url("c").path())},
        });
        let mut paths = HashSet::new();
        collect(&object, &|text| ArtifactUrl::parse(text), &mut paths);
        assert_eq!(paths, HashSet::from([url("a").path(), url("b").path()]));
    }

    #[test]
    fn failures_and_names_are_remembered_for_a_while() {
        let serving = Serving::default();
        serving.remember("/v1/a".into(), Refusal::Later);
        assert_eq!(serving.failed("/v1/a"), Some(Refusal::Later));
        assert_eq!(serving.failed("/v1/b"), None);
        let Some(long_ago) = Instant::now().checked_sub(FAILED + NAMED) else { return };
        serving.failed.lock().unwrap().insert("/v1/b".into(), (long_ago, Refusal::Gone));
        serving.named.lock().unwrap().insert("dev".into(), (long_ago, Arc::default()));
        assert_eq!(serving.failed("/v1/b"), None);
        assert_eq!(serving.known("dev"), None);
        serving.learn("prod", &Arc::default());
        serving.remember("/v1/c".into(), Refusal::Gone);
        assert_eq!(
            (serving.named.lock().unwrap().len(), serving.failed.lock().unwrap().len()),
            (1, 2)
        );
    }
}
