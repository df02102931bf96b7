//! Holding a lease: one task that takes, renews and gives back.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, within};
use crate::error::{WriteError, WriteErrorKind};
use crate::lease::{Claim, Seen, judge};

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
#[derive(Clone, Debug)]
pub struct Leader {
    held: watch::Receiver<bool>,
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
        let (sender, held) = watch::channel(false);
        let contender = Contender {
            api: Api::namespaced(cluster.client().clone(), namespace),
            name: name.into(),
            me: me.into(),
            settings,
            held: sender,
            seen: None,
            renewed: None,
        };
        (Self { held }, tokio::spawn(contender.run(stop)))
    }

    /// Whether the lease is held now.
    pub fn holds(&self) -> bool {
        *self.held.borrow()
    }

    /// Waits until the lease is held; false when it never will be.
    pub async fn acquired(&mut self) -> bool {
        self.held.wait_for(|held| *held).await.is_ok()
    }

    /// Waits until the lease is not held.
    pub async fn lost(&mut self) {
        let _ = self.held.wait_for(|held| !*held).await;
    }
}

struct Contender {
    api: Api<Lease>,
    name: String,
    me: String,
    settings: LeaseSettings,
    held: watch::Sender<bool>,
    /// The lease as last seen, and since when it has been so.
    seen: Option<(Seen, Instant)>,
    renewed: Option<Instant>,
}

impl Contender {
    async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.look().await {
                tracing::warn!(
                    lease = self.name,
                    error = error.message,
                    "the lease cannot be kept"
                );
            }
            // A holder that cannot renew stops acting before anybody else may take over.
            let expired = self.renewed.is_none_or(|at| at.elapsed() >= self.settings.deadline);
            if expired {
                self.becomes(false);
            }
            tokio::select! {
                () = tokio::time::sleep(self.settings.period) => {}
                () = stop.cancelled() => {}
            }
        }
        self.give_back().await;
    }

    async fn look(&mut self) -> Result<(), WriteError> {
        let lease = within(self.api.get_opt(&self.name)).await?;
        let now = Instant::now();
        let seen =
            lease.as_ref().map(|lease| read(lease, self.settings.duration)).unwrap_or_default();
        let since = match &self.seen {
            Some((before, since)) if *before == seen => *since,
            _ => now,
        };
        self.seen = Some((seen.clone(), since));
        match judge(&seen, &self.me, since.elapsed()) {
            Claim::Wait => {
                self.renewed = None;
                self.becomes(false);
                Ok(())
            }
            Claim::Renew | Claim::Take => match self.write(lease, &self.me).await {
                Ok(()) => {
                    self.renewed = Some(now);
                    self.becomes(true);
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
        let held = *self.held.borrow();
        self.becomes(false);
        if !held {
            return;
        }
        if let Ok(Some(lease)) = within(self.api.get_opt(&self.name)).await {
            let ours = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
            if ours == Some(&self.me) {
                let _ = self.write(Some(lease), "").await;
            }
        }
    }

    fn becomes(&self, held: bool) {
        let changed = self.held.send_if_modified(|current| {
            let differs = *current != held;
            *current = held;
            differs
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
