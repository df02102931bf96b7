//! Holding a lease: one task that takes, renews and gives back.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
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
    /// Time between two looks.
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
        Self { until: watch::channel(Some(Instant::now() + time)).1 }
    }

    /// Whether the lease is held now.
    pub fn holds(&self) -> bool {
        lasts(*self.until.borrow())
    }

    /// Waits until the lease is held; false when it never will be.
    pub async fn acquired(&mut self) -> bool {
        self.until.wait_for(|until| lasts(*until)).await.is_ok()
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
            if let Some(error) = error {
                tracing::warn!(lease = self.name, error, "the lease cannot be kept");
            }
            if !lasts(*self.until.borrow()) {
                self.becomes(None);
            }
            tokio::select! {
                () = tokio::time::sleep(self.settings.period) => {}
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

    async fn look(&mut self) -> Result<(), WriteError> {
        let lease = within(self.api.get_opt(&self.name)).await?;
        let asked = Instant::now();
        let seen =
            lease.as_ref().map(|lease| read(lease, self.settings.duration)).unwrap_or_default();
        let since = match &self.seen {
            Some((before, since)) if *before == seen => *since,
            _ => asked,
        };
        self.seen = Some((seen.clone(), since));
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
