//! Polling git: one question to a repository for all objects that share it and its credential.
//!
//! An object subscribes by asking for the refs of its repository. From then on the repository is
//! asked once per shortest interval of its subscribers, and they are woken when the answer differs.
//! Its forge is asked for requests in the same turn, where a subscriber wants to know them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use portolan_api::native::common::LocalRef;
use portolan_api::native::git_writer::Forge as ForgeKind;
use portolan_api::native::reasons::{stalled, transient};
use portolan_cluster::{Key, Secrets};
use portolan_git::{Credentials, Forge, Refs, RemoteRepository, Service};
use portolan_plan::writer::PullRequest;

use crate::dependencies::Item;
use crate::egress::Egress;
use crate::jitter::around;
use crate::trouble::Trouble;

/// First pause after a poll that failed; doubles up to the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Refused credentials are not shown again before this time, unless they changed: servers lock
/// accounts.
const REFUSED_PAUSE: Duration = Duration::from_mins(1);

/// A repository and the Secret with its credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Remote {
    pub(crate) url: String,
    pub(crate) secret: Option<Key>,
}

impl Remote {
    pub(crate) fn new(url: &str, namespace: &str, secret: Option<&LocalRef>) -> Self {
        let secret = secret.map(|secret| Key::new(namespace, &secret.name));
        Self { url: url.into(), secret }
    }
}

/// Most requests that are listed; older ones are settled long ago.
pub(crate) const MAX_REQUESTS: usize = 500;

/// What an object wants to know of its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    /// Longest time between two looks.
    pub(crate) interval: Duration,
    /// Whether its requests matter.
    pub(crate) requests: bool,
    /// The kind of its forge, where the spec tells it.
    pub(crate) forge: Option<ForgeKind>,
}

impl Interest {
    /// Interest in references alone.
    pub(crate) fn refs(interval: Duration) -> Self {
        Self { interval, requests: false, forge: None }
    }
}

/// What a forge answered.
type Requests = Result<Arc<Vec<PullRequest>>, Trouble>;

/// What a repository answered, and its forge where that was to be asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct News {
    pub(crate) refs: Arc<Refs>,
    pub(crate) requests: Option<Requests>,
}

/// The kinds that a forge may be said to be, in the order in which they are asked.
const FORGES: [Option<ForgeKind>; 4] =
    [None, Some(ForgeKind::Gitea), Some(ForgeKind::Github), Some(ForgeKind::Gitlab)];

/// What a repository answered, and its forge as each kind that a subscriber takes it for.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    refs: Arc<Refs>,
    requests: Vec<(Option<ForgeKind>, Requests)>,
}

impl Seen {
    fn requests(&self, forge: Option<ForgeKind>) -> Option<&Requests> {
        self.requests.iter().find(|(kind, _)| *kind == forge).map(|(_, requests)| requests)
    }

    /// Whether it tells all that somebody wants to know.
    fn tells(&self, interest: Interest) -> bool {
        !interest.requests || self.requests(interest.forge).is_some()
    }

    fn news(self, interest: Interest) -> News {
        let requests = self.requests(interest.forge).filter(|_| interest.requests).cloned();
        News { refs: self.refs, requests }
    }
}

/// What came of asking.
type Answer = Result<Seen, Trouble>;

fn tells(answer: &Answer, interest: Option<Interest>) -> bool {
    match (answer, interest) {
        (Ok(seen), Some(interest)) => seen.tells(interest),
        _ => true,
    }
}

/// Polls repositories. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Polls(Arc<Inner>);

struct Inner {
    git: Service,
    secrets: Secrets,
    egress: Egress,
    max_age: Duration,
    wake: Box<dyn Fn(&Item) + Send + Sync>,
    remotes: Mutex<HashMap<Remote, Arc<Polled>>>,
}

/// A repository that is polled.
struct Polled {
    remote: Remote,
    state: Mutex<State>,
    /// Held while the repository is asked, so that those who come meanwhile share the answer.
    asking: tokio::sync::Mutex<()>,
    subscribed: tokio::sync::Notify,
}

#[derive(Default)]
struct State {
    subscribers: HashMap<Item, Interest>,
    answer: Option<Answer>,
    answered: Option<Instant>,
    failures: u32,
    /// Subscribers that saw something else than the last answer: they are woken by the next one, whatever
    /// it is. What they saw may be gone by then, and the answers be the same.
    ahead: HashSet<Item>,
    /// Digest of credentials that were refused, and when.
    refused: Option<(String, Instant)>,
    running: bool,
}

impl Polls {
    pub(crate) fn new(
        git: Service,
        secrets: Secrets,
        egress: Egress,
        max_age: Duration,
        wake: impl Fn(&Item) + Send + Sync + 'static,
    ) -> Self {
        let wake = Box::new(wake);
        Self(Arc::new(Inner { git, secrets, egress, max_age, wake, remotes: Mutex::default() }))
    }

    /// What a repository shows, as last seen, or as it is now where `fresh` or where `item` knows more than
    /// the last answer; subscribes `item`.
    pub(crate) async fn news(
        &self,
        item: &Item,
        remote: &Remote,
        interest: Interest,
        fresh: bool,
    ) -> Result<News, Trouble> {
        let polled = self.subscribe(item, remote, interest);
        let (last, ahead) = {
            let state = polled.lock();
            (state.answer.clone(), state.ahead.contains(item))
        };
        let last = last.filter(|answer| !fresh && !ahead && tells(answer, Some(interest)));
        let answer = match last {
            Some(answer) => answer,
            None => self.0.ask(&polled, Duration::ZERO, Some((item, interest))).await,
        };
        answer.map(|seen| seen.news(interest))
    }

    /// Has an object woken by the next answer, whatever it is: it saw or made something that the last one
    /// does not show.
    pub(crate) fn is_ahead(&self, item: &Item, remote: &Remote) {
        if let Some(polled) = self.0.lock().get(remote) {
            polled.lock().ahead.insert(item.clone());
        }
    }

    /// The forge of a repository, with credentials as they are now.
    pub(crate) async fn forge(
        &self,
        remote: &Remote,
        kind: Option<ForgeKind>,
    ) -> Result<Forge, Trouble> {
        let repository = self.repository(remote, Duration::ZERO).await?;
        Ok(self.0.git.forge(&repository, kind).await?)
    }

    /// Ends the subscription of an object, but for one repository.
    pub(crate) fn leave(&self, item: &Item, but: Option<&Remote>) {
        let remotes: Vec<Arc<Polled>> = self.0.lock().values().cloned().collect();
        for polled in remotes {
            if Some(&polled.remote) != but {
                polled.lock().subscribers.remove(item);
            }
        }
    }

    /// A repository with credentials of at most some age.
    pub(crate) async fn repository(
        &self,
        remote: &Remote,
        max_age: Duration,
    ) -> Result<RemoteRepository, Trouble> {
        self.0.repository(remote, max_age).await.map(|(repository, _)| repository)
    }

    /// Forgets credentials that a server refused, so that they are read anew.
    pub(crate) fn refused(&self, remote: &Remote) {
        if let Some(secret) = &remote.secret {
            self.0.secrets.forget(secret);
        }
    }

    fn subscribe(&self, item: &Item, remote: &Remote, interest: Interest) -> Arc<Polled> {
        self.leave(item, Some(remote));
        let mut remotes = self.0.lock();
        let polled = Arc::clone(remotes.entry(remote.clone()).or_insert_with(|| {
            Arc::new(Polled {
                remote: remote.clone(),
                state: Mutex::default(),
                asking: tokio::sync::Mutex::default(),
                subscribed: tokio::sync::Notify::new(),
            })
        }));
        let mut state = polled.lock();
        state.subscribers.insert(item.clone(), interest);
        if !std::mem::replace(&mut state.running, true) {
            tokio::spawn(follow(Arc::downgrade(&self.0), Arc::clone(&polled)));
        }
        drop(state);
        drop(remotes);
        polled.subscribed.notify_one();
        polled
    }
}

impl Inner {
    async fn repository(
        &self,
        remote: &Remote,
        max_age: Duration,
    ) -> Result<(RemoteRepository, String), Trouble> {
        self.egress.check(&remote.url).await?;
        let Some(key) = &remote.secret else {
            let repository =
                RemoteRepository { url: remote.url.clone(), credentials: Credentials::none() };
            return Ok((repository, String::new()));
        };
        let secret = self.secrets.get(key, max_age).await?;
        Egress::may_send(secret.hosts.as_deref(), &remote.url)?;
        let credentials =
            Credentials::from_secret(&secret.type_, &secret.data).map_err(|error| {
                Trouble::stalled(stalled::INVALID_SPEC, format!("Secret {key}: {error}")).unseen()
            })?;
        Ok((RemoteRepository { url: remote.url.clone(), credentials }, secret.digest()))
    }

    /// Asks, unless somebody else did since `self` began to wait for its turn. Whoever asks: all others
    /// for whom something is new are woken, as no later answer will differ from this one.
    async fn ask(
        &self,
        polled: &Polled,
        max_age: Duration,
        by: Option<(&Item, Interest)>,
    ) -> Answer {
        let came = Instant::now();
        let _turn = polled.asking.lock().await;
        {
            let state = polled.lock();
            if let (Some(answer), Some(at)) = (&state.answer, state.answered)
                && at > came
                && tells(answer, by.map(|(_, interest)| interest))
            {
                return answer.clone();
            }
        }
        let refused = polled.lock().refused.clone();
        let max_age = if refused.is_some() { Duration::ZERO } else { max_age };
        let answer = match self.repository(&polled.remote, max_age).await {
            Err(trouble) => Err(trouble),
            Ok((repository, digest)) => match refused {
                // The same credentials again, too soon.
                Some((before, at)) if before == digest && at.elapsed() < REFUSED_PAUSE => {
                    polled.lock().answer.clone().unwrap_or_else(|| {
                        Err(Trouble::transient(transient::GIT_UNREACHABLE, "not asked yet"))
                    })
                }
                _ => {
                    let answer = self.look(polled, &repository).await;
                    let auth = matches!(&answer, Err(t) if t.reason == stalled::AUTH_FAILED);
                    polled.lock().refused = auth.then(|| (digest, Instant::now()));
                    answer
                }
            },
        };
        let mut state = polled.lock();
        let mut items = std::mem::take(&mut state.ahead);
        items.retain(|item| state.subscribers.contains_key(item));
        items.extend(woken(state.answer.as_ref(), &answer, &state.subscribers));
        for item in items {
            if by.is_none_or(|(by, _)| item != *by) {
                (self.wake)(&item);
            }
        }
        state.failures = if answer.is_ok() { 0 } else { state.failures.saturating_add(1) };
        state.answer = Some(answer.clone());
        state.answered = Some(Instant::now());
        answer
    }

    async fn look(&self, polled: &Polled, repository: &RemoteRepository) -> Answer {
        let refs = self.git.refs(repository).await.map_err(|error| {
            let mut trouble = Trouble::from(error);
            if let (stalled::AUTH_FAILED, Some(key)) =
                (trouble.reason.as_str(), &polled.remote.secret)
            {
                trouble.message = format!("{} in Secret {key}", trouble.message);
            }
            trouble
        })?;
        let refs = Arc::new(refs);
        let wanted = forges(&polled.lock().subscribers);
        let mut requests = Vec::with_capacity(wanted.len());
        for kind in wanted {
            // A forge that fails holds up only those who want its requests.
            requests.push((kind, self.requests(repository, kind).await.map(Arc::new)));
        }
        Ok(Seen { refs, requests })
    }

    async fn requests(
        &self,
        repository: &RemoteRepository,
        kind: Option<ForgeKind>,
    ) -> Result<Vec<PullRequest>, Trouble> {
        let forge = self.git.forge(repository, kind).await?;
        Ok(forge.requests(MAX_REQUESTS).await?)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Remote, Arc<Polled>>> {
        self.remotes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Polled {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time until the next poll; none where nobody subscribes.
    fn pause(&self) -> Option<Duration> {
        let state = self.lock();
        let interval = state.subscribers.values().map(|interest| interest.interval).min()?;
        let pause = match state.failures {
            0 => interval,
            failures => {
                let pause = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(10));
                pause.min(interval.max(FIRST_PAUSE))
            }
        };
        Some(around(pause))
    }
}

/// Polls one repository for as long as somebody subscribes.
async fn follow(polls: Weak<Inner>, polled: Arc<Polled>) {
    loop {
        let Some(pause) = polled.pause() else {
            let Some(inner) = polls.upgrade() else { return };
            // Nobody can subscribe between the look and the removal: both locks are held.
            let mut remotes = inner.lock();
            let mut state = polled.lock();
            if state.subscribers.is_empty() {
                state.running = false;
                remotes.remove(&polled.remote);
                return;
            }
            continue;
        };
        let since = Instant::now();
        loop {
            // A new subscriber may want a shorter interval.
            let rest = polled.pause().unwrap_or(pause).min(pause).saturating_sub(since.elapsed());
            tokio::select! {
                () = tokio::time::sleep(rest) => break,
                () = polled.subscribed.notified() => {}
            }
        }
        let Some(inner) = polls.upgrade() else { return };
        // Whoever subscribes is woken by the answer.
        let _ = inner.ask(&polled, inner.max_age, None).await;
    }
}

/// The kinds that the forge is taken for by those who want its requests: each is told by its own word.
fn forges(subscribers: &HashMap<Item, Interest>) -> Vec<Option<ForgeKind>> {
    let wants = |kind: &Option<ForgeKind>| {
        subscribers.values().any(|interest| interest.requests && interest.forge == *kind)
    };
    FORGES.into_iter().filter(wants).collect()
}

/// Who is woken by an answer: those for whom something is new in it. Before the first answer nobody was
/// told anything; those who subscribed since ask for themselves.
fn woken(
    before: Option<&Answer>,
    after: &Answer,
    subscribers: &HashMap<Item, Interest>,
) -> Vec<Item> {
    let Some(before) = before else { return Vec::new() };
    let same_refs = match (before, after) {
        (Ok(before), Ok(after)) => before.refs == after.refs,
        (Err(before), Err(after)) => before == after,
        _ => false,
    };
    let other_requests = |interest: &Interest| match (before, after) {
        (Ok(before), Ok(after)) if interest.requests => {
            before.requests(interest.forge) != after.requests(interest.forge)
        }
        _ => false,
    };
    let concerned = |interest: &Interest| !same_refs || other_requests(interest);
    subscribers.iter().filter(|(_, i)| concerned(i)).map(|(item, _)| item.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(problem: Option<&str>) -> Requests {
        problem.map_or_else(|| Ok(Arc::default()), |words| Err(Trouble::transient("X", words)))
    }

    fn seen(requests: &[(Option<ForgeKind>, Requests)]) -> Seen {
        Seen { refs: Arc::new(Refs::default()), requests: requests.to_vec() }
    }

    #[test]
    fn each_is_told_what_its_own_forge_says() {
        let refs = Interest::refs(Duration::from_secs(1));
        let any = Interest { requests: true, ..refs };
        let github = Interest { forge: Some(ForgeKind::Github), ..any };
        let gitea = Interest { forge: Some(ForgeKind::Gitea), ..any };
        let item = |name: &str| Item::new("GitWriter", Key::new("dev", name));
        let subscribers = HashMap::from([
            (item("refs"), Interest { forge: Some(ForgeKind::Gitlab), ..refs }),
            (item("github"), github),
            (item("any"), any),
            (item("other"), any),
        ]);
        assert_eq!(forges(&subscribers), [None, Some(ForgeKind::Github)]);
        let answer = seen(&[(None, says(None)), (Some(ForgeKind::Github), says(Some("no")))]);
        assert!(answer.tells(refs) && answer.tells(any) && answer.tells(github));
        assert!(!answer.tells(gitea));
        assert_eq!(answer.clone().news(refs).requests, None);
        assert_eq!(answer.clone().news(any).requests, Some(says(None)));
        assert_eq!(answer.clone().news(github).requests, Some(says(Some("no"))));
        let before = Ok(seen(&[(None, says(None)), (Some(ForgeKind::Github), says(None))]));
        let woken = woken(Some(&before), &Ok(answer), &subscribers);
        assert_eq!(woken, [item("github")]);
    }

    #[test]
    fn news_of_the_forge_wakes_those_who_asked_for_it() {
        let item = |name: &str| Item::new("GitWriter", Key::new("dev", name));
        let refs = Interest::refs(Duration::from_secs(1));
        let both = Interest { requests: true, ..refs };
        let subscribers = HashMap::from([(item("refs"), refs), (item("both"), both)]);
        let names = |before: Option<&Answer>, after: &Answer| {
            let mut names: Vec<String> =
                woken(before, after, &subscribers).into_iter().map(|item| item.key.name).collect();
            names.sort();
            names
        };
        let quiet = Ok(seen(&[(None, says(None))]));
        let asked = Ok(seen(&[(None, says(Some("it is away")))]));
        assert_eq!(names(Some(&quiet), &quiet), [""; 0]);
        assert_eq!(names(Some(&quiet), &asked), ["both"]);
        assert_eq!(names(None, &quiet), [""; 0]);
        assert_eq!(names(Some(&quiet), &Err(Trouble::transient("Y", "y"))), ["both", "refs"]);
    }
}
