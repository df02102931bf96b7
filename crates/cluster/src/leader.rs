//! Holding a lease: one task that takes, renews and gives back.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams, WatchEvent, WatchParams};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, within};
use crate::error::{WriteError, WriteErrorKind};
use crate::lease::{Claim, Seen, judge};

/// Longest time that giving a lease back may take; whoever waits for it takes it later then.
const GIVE_BACK: Duration = Duration::from_secs(2);

/// How long leases last and how often they are renewed.
#[derive(Clone, Copy, Debug)]
pub struct LeaseSettings {
    /// A holder that is silent this long has lost the lease.
    pub duration: Duration,
    /// A holder that could not renew for this long stops acting; less than `duration`.
    pub deadline: Duration,
    /// Time between two renewals, and between two looks of who waits and hears of no changes.
    pub period: Duration,
}

impl LeaseSettings {
    /// Settings around a duration: a holder stops acting after two thirds of it, and renews so often
    /// that a few renewals may fail.
    pub fn lasting(duration: Duration) -> Self {
        let duration = duration.max(Duration::from_secs(1));
        Self { duration, deadline: duration * 2 / 3, period: duration * 2 / 15 }
    }
}

/// A lease that this process holds, or waits for.
///
/// **Invariant:** it is held only up to an instant that each renewal moves: nothing has to be noticed
/// or run for it to end in time.
#[derive(Clone, Debug)]
pub struct Leader {
    until: watch::Receiver<Option<Instant>>,
}

impl Leader {
    /// Starts to contend for a lease; on `stop` it is given back.
    pub fn contend(
        cluster: &Cluster,
        namespace: &str,
        name: &str,
        me: &str,
        settings: LeaseSettings,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, until) = watch::channel(None);
        let contender = Contender {
            api: Api::namespaced(cluster.client().clone(), namespace),
            name: name.into(),
            me: me.into(),
            settings,
            until: sender,
            seen: None,
        };
        (Self { until }, tokio::spawn(contender.run(stop)))
    }

    /// Holds something that nobody contends for, for a time: what tests of a leader's work need.
    pub fn alone(time: Duration) -> Self {
        Self::told(watch::channel(Some(Instant::now() + time)).1)
    }

    /// Holds something up to an instant that somebody else tells.
    pub fn told(until: watch::Receiver<Option<Instant>>) -> Self {
        Self { until }
    }

    /// Whether the lease is held now.
    pub fn holds(&self) -> bool {
        lasts(*self.until.borrow())
    }

    /// Waits until the lease is held; false when it never will be.
    pub async fn acquired(&mut self) -> bool {
        self.until.wait_for(|until| lasts(*until)).await.is_ok()
    }

    /// Waits until the lease is not held: it was lost or given back, or has run out.
    pub async fn lost(&mut self) {
        loop {
            let until = *self.until.borrow_and_update();
            let Some(end) = until.filter(|end| Instant::now() < *end) else { return };
            tokio::select! {
                () = sleep_until(end) => {}
                Ok(()) = self.until.changed() => {}
            }
        }
    }
}

fn lasts(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() < until)
}

struct Contender {
    api: Api<Lease>,
    name: String,
    me: String,
    settings: LeaseSettings,
    /// Until when the lease is held without another renewal.
    until: watch::Sender<Option<Instant>>,
    /// The lease as last seen, and since when it has been so.
    seen: Option<(Seen, Instant)>,
}

impl Contender {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            let looked = tokio::select! {
                looked = timeout(self.patience(), self.look()) => looked,
                () = stop.cancelled() => break,
            };
            let error = match looked {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.message),
                Err(_) => Some("the API server does not answer in time".into()),
            };
            let failed = error.is_some();
            if let Some(error) = error {
                tracing::warn!(lease = self.name, error, "the lease cannot be kept");
            }
            if !lasts(*self.until.borrow()) {
                self.becomes(None);
            }
            tokio::select! {
                () = self.pause(failed) => {}
                () = stop.cancelled() => break,
            }
        }
        let _ = timeout(GIVE_BACK, self.give_back()).await;
    }

    /// How long a look may take: a holder whose request hangs still has time for another one.
    fn patience(&self) -> Duration {
        if lasts(*self.until.borrow()) {
            self.settings.deadline / 2
        } else {
            self.settings.deadline
        }
    }

    /// Until the next look.
    async fn pause(&mut self, failed: bool) {
        if !failed && self.runs_out().is_some() {
            self.follow().await;
        } else {
            sleep(self.settings.period).await;
        }
    }

    /// When the lease that somebody else holds runs out, if nothing more is seen of it.
    fn runs_out(&self) -> Option<Instant> {
        let (seen, since) = self.seen.as_ref()?;
        let waits = !seen.holder.is_empty() && seen.holder != self.me;
        (waits && !lasts(*self.until.borrow())).then(|| *since + seen.duration)
    }

    /// Hears of every change of somebody else's lease until it is given back or has run out: who waits
    /// takes it then, not a period later.
    async fn follow(&mut self) {
        let (Some(runs_out), Some((seen, _))) = (self.runs_out(), &self.seen) else { return };
        let params = WatchParams::default().fields(&format!("metadata.name={}", self.name));
        let (api, version) = (self.api.clone(), seen.version.clone());
        let Ok(opened) = timeout_at(runs_out, api.watch(&params, &version)).await else { return };
        // A role of an earlier version does not let it watch: it looks now and then.
        let Ok(changes) = opened else { return self.rest().await };
        let mut changes = pin!(changes);
        let mut heard = false;
        while let Some(runs_out) = self.runs_out() {
            match timeout_at(runs_out, changes.next()).await {
                Ok(Some(Ok(WatchEvent::Added(lease) | WatchEvent::Modified(lease)))) => {
                    self.sees(Some(&lease));
                    heard = true;
                }
                Ok(Some(Ok(WatchEvent::Bookmark(_)))) => {}
                Ok(Some(Ok(WatchEvent::Deleted(_)))) | Err(_) => return,
                // Watches end now and then. One that told nothing is not opened anew at once.
                Ok(None) if heard => return,
                Ok(Some(Ok(WatchEvent::Error(_)) | Err(_)) | None) => return self.rest().await,
            }
        }
    }

    /// Waits for a period, but not past the end of the lease.
    async fn rest(&self) {
        let end = Instant::now() + self.settings.period;
        sleep_until(self.runs_out().map_or(end, |runs_out| runs_out.min(end))).await;
    }

    /// Takes notice of a lease; returns what is seen of it, and since when it has been so.
    fn sees(&mut self, lease: Option<&Lease>) -> (Seen, Instant) {
        let seen = lease.map(|lease| read(lease, self.settings.duration)).unwrap_or_default();
        let since = match &self.seen {
            Some((before, since)) if *before == seen => *since,
            _ => Instant::now(),
        };
        self.seen = Some((seen.clone(), since));
        (seen, since)
    }

    async fn look(&mut self) -> Result<(), WriteError> {
        let lease = within(self.api.get_opt(&self.name)).await?;
        let asked = Instant::now();
        let (seen, since) = self.sees(lease.as_ref());
        match judge(&seen, &self.me, since.elapsed()) {
            Claim::Wait => {
                self.becomes(None);
                Ok(())
            }
            Claim::Renew | Claim::Take => match self.write(lease, &self.me).await {
                Ok(()) => {
                    // Counted from before the renewal was sent: others see it later than that. What
                    // cannot be renewed ends before anybody else may take over.
                    self.becomes(Some(asked + self.settings.deadline));
                    Ok(())
                }
                // Somebody else was faster; the next look tells who.
                Err(error) if error.kind == WriteErrorKind::Conflict => Ok(()),
                Err(error) => Err(error),
            },
        }
    }

    /// Writes the holder, bound to the version that was read.
    async fn write(&self, lease: Option<Lease>, holder: &str) -> Result<(), WriteError> {
        let fresh = lease.is_none();
        let mut lease = lease.unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            spec: None,
        });
        let mut spec = lease.spec.take().unwrap_or_default();
        let time = MicroTime(Timestamp::now());
        if spec.holder_identity.as_deref() != Some(holder) {
            spec.acquire_time = Some(time.clone());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default() + 1);
        }
        spec.holder_identity = Some(holder.into());
        spec.renew_time = Some(time);
        // The lease tells whole seconds; never less than we mean.
        let seconds = self.settings.duration.as_millis().div_ceil(1000);
        spec.lease_duration_seconds = Some(i32::try_from(seconds).unwrap_or(i32::MAX));
        lease.spec = Some(spec);
        let params = PostParams::default();
        if fresh {
            within(self.api.create(&params, &lease)).await.map(|_| ())
        } else {
            within(self.api.replace(&self.name, &params, &lease)).await.map(|_| ())
        }
    }

    /// Lets the next one take over at once.
    async fn give_back(&mut self) {
        self.becomes(None);
        // Asked even where it is not held: a request that was given up may have taken it.
        if let Ok(Some(lease)) = within(self.api.get_opt(&self.name)).await {
            let ours = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
            if ours == Some(&self.me) {
                let _ = self.write(Some(lease), "").await;
            }
        }
    }

    fn becomes(&self, until: Option<Instant>) {
        let held = until.is_some();
        let mut changed = false;
        self.until.send_modify(|current| {
            changed = current.is_some() != held;
            *current = until;
        });
        if changed {
            tracing::info!(lease = self.name, held, "leadership changed");
        }
    }
}

fn read(lease: &Lease, default: Duration) -> Seen {
    let spec = lease.spec.clone().unwrap_or_default();
    let seconds = spec.lease_duration_seconds.and_then(|s| u64::try_from(s).ok());
    Seen {
        holder: spec.holder_identity.unwrap_or_default(),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        duration: seconds.map_or(default, Duration::from_secs),
    }
}
