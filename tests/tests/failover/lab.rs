//! A landscape whose programs have two replicas each.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use portolan_testbed::landscape::{APP, CONFIG, Landscape, Member, Plan, Program, TEAM};
use portolan_testbed::story::follow;
use portolan_testbed::wait::until;
use portolan_testbed::{AuditEntry, Mark};
use portolan_tests::by_hand::apply;
use portolan_tests::changes::push_version;
use portolan_tests::world::{DEADLINE, ready};

/// A GitWriter that opens requests, and its branch.
pub(crate) const OFFER: &str = "offer";
/// The leases of both programs.
const LEASES: [[&str; 2]; 2] =
    [["portolan-workloads", "portolan-shared"], ["portolan-deliverables", "portolan-shared"]];

/// Who holds the leases, cluster by cluster.
pub(crate) type Holders = Vec<String>;

pub(crate) struct Lab {
    pub(crate) landscape: Landscape,
    /// The replica that leads, and the one that waits, in each cluster.
    replicas: Vec<[Program; 2]>,
}

impl Lab {
    pub(crate) async fn start() -> Result<Self> {
        let landscape = Landscape::start(Plan::default(), &|_| {}).await?;
        let mut replicas = Vec::new();
        for member in landscape.members() {
            member.program.stop().await?;
            let first = member.program.replica("a").await?;
            leads(member, replicas.len()).await?;
            replicas.push([first, member.program.replica("b").await?]);
        }
        Ok(Self { landscape, replicas })
    }

    /// Pushes a version and follows it until everything about it is told.
    pub(crate) async fn travels(&self, version: u32) -> Result<()> {
        let source = push_version(&self.landscape, version).await?;
        self.follow(&source).await
    }

    /// Follows a source commit to its end.
    pub(crate) async fn follow(&self, source: &str) -> Result<()> {
        let journey = follow(&self.landscape, source, Instant::now(), &|_| {}).await?;
        ensure!(journey.arrived(), "the change did not arrive: {journey:?}");
        ready(&self.landscape.build, "Workload", APP, "True", "Ready").await?;
        let tip = self.landscape.forge.branch_tip(TEAM, CONFIG, "production").await?;
        until("the promotion to be told", DEADLINE, async || {
            let writer =
                self.landscape.staging.own("GitWriter", "shop-to-production").await.ok()?;
            (writer["status"]["revision"].as_str() == tip.as_deref()).then_some(())
        })
        .await?;
        ready(&self.landscape.staging, "Deliverable", APP, "True", "Ready").await?;
        Ok(())
    }

    /// Sets the content of the writer that opens requests into staging.
    pub(crate) async fn offer(&self, text: &str) -> Result<()> {
        let url = self.landscape.forge.http_url(TEAM, CONFIG);
        let yaml = format!(
            "{{apiVersion: carto.run/v1alpha1, kind: GitWriter, metadata: {{name: {OFFER}}}, spec: \
             {{repository: {{url: '{url}', secretRef: {{name: git}}}}, branch: {OFFER}, base: staging, \
             path: offers, interval: 1s, content: {{files: {{a.txt: '{text}'}}}}, pullRequest: {{open: \
             true}}}}}}"
        );
        apply(&self.landscape.build, &yaml).await
    }

    /// Who holds the leases now.
    pub(crate) async fn holders(&self) -> Result<Holders> {
        let mut all = Vec::new();
        for (member, names) in self.landscape.members().zip(LEASES) {
            for name in names {
                all.push(holder(member, name).await?.0);
            }
        }
        Ok(all)
    }

    /// Waits until others hold all leases; returns when the last of the build cluster's was taken, by
    /// the lease's own word.
    pub(crate) async fn taken(&self, before: &Holders) -> Result<Timestamp> {
        let mut times = Vec::new();
        let names = self.landscape.members().zip(LEASES);
        let names = names.flat_map(|(member, names)| names.map(|name| (member, name)));
        for ((member, name), before) in names.zip(before) {
            let at = until(&format!("another holder of {name}"), DEADLINE, async || {
                let (holder, at) = holder(member, name).await.ok()?;
                (!holder.is_empty() && holder != *before).then_some(at)
            })
            .await?;
            times.push(at);
        }
        times.truncate(LEASES[0].len());
        times.into_iter().max().context("there are leases")
    }

    /// Sends SIGTERM to the leaders; returns when.
    fn signal_leaders(&self) -> Result<Timestamp> {
        let at = Timestamp::now();
        for [leader, _] in &self.replicas {
            leader.terminate()?;
        }
        Ok(at)
    }

    /// Stops the leaders and waits for their end; returns who held the leases, and when they were told.
    pub(crate) async fn stop_leaders(&self) -> Result<(Holders, Timestamp)> {
        let before = self.holders().await?;
        let at = self.signal_leaders()?;
        self.leaders_ended().await?;
        Ok((before, at))
    }

    /// Waits until the leaders have ended.
    pub(crate) async fn leaders_ended(&self) -> Result<()> {
        for [leader, _] in &self.replicas {
            leader.stop().await?;
        }
        Ok(())
    }

    /// Sends SIGTERM to the leaders and waits until the build cluster's says that it stops.
    pub(crate) async fn signal_leaders_and_hear(&self) -> Result<()> {
        let leader = &self.replicas[0][0];
        let told = || leader.log().matches("stopping").count();
        let before = told();
        self.signal_leaders()?;
        until("the leader to stop", DEADLINE, async || (told() > before).then_some(())).await
    }

    /// Kills the leaders; returns when.
    pub(crate) fn kill_leaders(&self) -> Result<Timestamp> {
        let at = Timestamp::now();
        for [leader, _] in &self.replicas {
            leader.kill()?;
        }
        Ok(at)
    }

    /// Starts those who led before: they wait now.
    pub(crate) async fn restart_stopped(&mut self) -> Result<()> {
        for pair in &mut self.replicas {
            pair.swap(0, 1);
            pair[1].restart(None).await?;
        }
        Ok(())
    }

    /// Writes of the build cluster's program since a mark, but leases and events.
    pub(crate) async fn writes(&self, since: Mark) -> Result<Vec<AuditEntry>> {
        let audit = self.landscape.build.plane.audit();
        audit.settle().await?;
        let user = self.landscape.build.user();
        let mut entries = audit.requests(since)?;
        entries.retain(|entry| {
            entry.user == user && entry.is_write() && !entry.is_lease() && !entry.is_event()
        });
        Ok(entries)
    }

    /// When the build cluster's program wrote first after a time, by the audit log.
    pub(crate) async fn first_write(&self, after: Timestamp) -> Result<Timestamp> {
        let writes = self.writes(Mark::default()).await?;
        let after = writes.into_iter().filter(|entry| entry.at > after && entry.code < 300);
        let first = after.min_by_key(|entry| entry.at).context("something was written")?;
        Ok(first.at)
    }

    /// When a status was written first since a mark.
    pub(crate) async fn first_status(
        &self,
        since: Mark,
        plural: &str,
        name: &str,
    ) -> Result<Timestamp> {
        let writes = self.writes(since).await?;
        let of = |entry: &&AuditEntry| entry.resource == plural && entry.name == name;
        let first = writes.iter().filter(of).find(|entry| entry.subresource == "status");
        Ok(first.context("the status was written")?.at)
    }

    /// Every object that was made in a cluster was made once.
    pub(crate) async fn made_once(&self, member: &Member) -> Result<()> {
        let audit = member.plane.audit();
        audit.settle().await?;
        let user = member.user();
        let mut made: BTreeMap<String, usize> = BTreeMap::new();
        for entry in audit.requests(Mark::default())? {
            let ours = entry.user == user && entry.code == 201 && entry.is_write();
            let tried = entry.path.contains("dryRun=");
            if ours && !tried && !entry.is_event() && entry.subresource.is_empty() {
                let AuditEntry { resource, namespace, name, .. } = entry;
                *made.entry(format!("{resource} {namespace}/{name}")).or_default() += 1;
            }
        }
        ensure!(made.len() >= 4, "{made:?}");
        let twice: Vec<_> = made.iter().filter(|(_, count)| **count > 1).collect();
        ensure!(twice.is_empty(), "{twice:?}");
        Ok(())
    }
}

/// Waits until somebody holds the leases of a cluster.
async fn leads(member: &Member, cluster: usize) -> Result<()> {
    for name in LEASES[cluster] {
        until(&format!("a holder of {name}"), DEADLINE, async || {
            let (holder, _) = holder(member, name).await.ok()?;
            (!holder.is_empty()).then_some(())
        })
        .await?;
    }
    Ok(())
}

/// Who holds a lease, and since when.
async fn holder(member: &Member, name: &str) -> Result<(String, Timestamp)> {
    let path = "/apis/coordination.k8s.io/v1/namespaces/portolan-system/leases";
    let request = http::Request::get(format!("{path}/{name}")).body(Vec::new())?;
    let text = member.plane.client()?.request_text(request).await?;
    let lease: serde_json::Value = serde_json::from_str(&text)?;
    let spec = &lease["spec"];
    let at = spec["acquireTime"].as_str().context("the lease was taken")?;
    Ok((spec["holderIdentity"].as_str().unwrap_or_default().into(), at.parse()?))
}

/// A hook of the forge that lets no push into the configuration repository while the gate is closed.
pub(crate) struct Gate {
    dir: tempfile::TempDir,
    hook: PathBuf,
}

impl Gate {
    pub(crate) fn close(landscape: &Landscape) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let repository = landscape.forge.dir().join(format!("data/repos/{TEAM}/{CONFIG}.git"));
        let hook = repository.join("hooks/pre-receive.d/gate");
        let at = dir.path().display();
        let script = format!(
            "#!/bin/sh\n[ -d {at} ] || exit 0\ntouch {at}/stands-$$\nwhile [ -d {at} ] && [ ! -e \
             {at}/open ]; do sleep 0.02; done\n"
        );
        std::fs::write(&hook, script).with_context(|| format!("writing {}", hook.display()))?;
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755))?;
        Ok(Self { dir, hook })
    }

    /// Waits until so many pushes have come to the gate.
    pub(crate) async fn stands(&self, count: usize) -> Result<()> {
        until(&format!("{count} pushes at the gate"), DEADLINE, async || {
            let entries = std::fs::read_dir(self.dir.path()).ok()?;
            (entries.count() >= count).then_some(())
        })
        .await
    }

    pub(crate) fn open(&self) -> Result<()> {
        Ok(std::fs::write(self.dir.path().join("open"), "")?)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.hook);
    }
}
