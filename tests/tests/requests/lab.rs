//! Writers with requests, each with a branch and a base of its own.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use portolan_api::record::Record;
use portolan_testbed::landscape::{CONFIG, Landscape, Plan, TEAM};
use portolan_testbed::wait::until;
use portolan_tests::by_hand::apply;
use portolan_tests::forge::{call, open_request, requests};
use portolan_tests::history::Goal;
use portolan_tests::world::{DEADLINE, condition, ready};
use serde_json::{Value, json};

pub(crate) struct Lab {
    pub(crate) landscape: Landscape,
    pub(crate) count: u32,
}

/// A writer of one file with a request from its own branch to its own base.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) base: String,
    pub(crate) branch: String,
    pub(crate) more: String,
    pub(crate) text: String,
    /// The directory that is written.
    pub(crate) path: String,
    pub(crate) seconds: u32,
}

impl Subject {
    pub(crate) fn yaml(&self, landscape: &Landscape) -> String {
        let Self { name, base, branch, more, text, path, seconds } = self;
        let url = landscape.forge.http_url(TEAM, CONFIG);
        format!(
            "{{apiVersion: carto.run/v1alpha1, kind: GitWriter, metadata: {{name: {name}}}, spec: \
             {{repository: {{url: '{url}', secretRef: {{name: git}}}}, branch: {branch}, base: {base}, \
             path: {path}, interval: {seconds}s, content: {{files: {{a.yaml: '{text}'}}}}, \
             {more}}}}}"
        )
    }
}

impl Lab {
    pub(crate) async fn start() -> Result<Self> {
        let landscape = Landscape::start(Plan::default(), &|_| {}).await?;
        Ok(Self { landscape, count: 0 })
    }

    /// A new writer with a base of its own, which has a commit of a third party, and with these fields of
    /// `pullRequest`.
    pub(crate) async fn subject(&mut self, more: &str) -> Result<Subject> {
        let subject = self.next(more).await?;
        self.apply(&subject).await?;
        Ok(subject)
    }

    /// The same, before it is applied.
    pub(crate) async fn next(&mut self, more: &str) -> Result<Subject> {
        self.count += 1;
        let name = format!("app{}", self.count);
        let subject = Subject {
            base: format!("env{}", self.count),
            branch: format!("to-env{}/{name}", self.count),
            path: format!("apps/{name}"),
            name,
            more: format!("pullRequest: {{{more}}}"),
            text: "one".into(),
            seconds: 1,
        };
        self.third_party(&subject.base, "readme").await?;
        Ok(subject)
    }

    pub(crate) async fn apply(&self, subject: &Subject) -> Result<()> {
        apply(&self.landscape.build, &subject.yaml(&self.landscape)).await
    }

    /// New content.
    pub(crate) async fn write(&self, subject: &mut Subject, text: &str) -> Result<()> {
        subject.text = text.into();
        self.apply(subject).await
    }

    /// A commit of somebody else in a branch.
    pub(crate) async fn third_party(&self, branch: &str, text: &str) -> Result<()> {
        let path = format!("others/{text}.txt");
        let files: &[(&str, Option<&[u8]>)] = &[(&path, Some(text.as_bytes()))];
        self.landscape.forge.commit_files(TEAM, CONFIG, branch, files, "by others").await?;
        Ok(())
    }

    pub(crate) async fn status(&self, subject: &Subject) -> Result<Value> {
        Ok(self.landscape.build.own("GitWriter", &subject.name).await?["status"].clone())
    }

    pub(crate) async fn ready(
        &self,
        subject: &Subject,
        status: &str,
        reason: &str,
    ) -> Result<String> {
        ready(&self.landscape.build, "GitWriter", &subject.name, status, reason).await
    }

    pub(crate) async fn file(&self, branch: &str, subject: &Subject) -> Result<Option<String>> {
        let path = format!("{}/a.yaml", subject.path);
        let found = self.landscape.forge.read_file(TEAM, CONFIG, branch, &path).await?;
        Ok(found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The same word, given by a program that remembers nothing and was asked anew.
    pub(crate) async fn after_a_restart(
        &mut self,
        subject: &mut Subject,
        status: &str,
        reason: &str,
    ) -> Result<()> {
        self.all_after_a_restart(&mut [(subject, status, reason)]).await
    }

    /// The same for several writers, with one restart.
    pub(crate) async fn all_after_a_restart(
        &mut self,
        expected: &mut [(&mut Subject, &str, &str)],
    ) -> Result<()> {
        let mut before = Vec::new();
        for (subject, ..) in expected.iter() {
            before.push(self.tips(subject).await?);
        }
        // Stopped, not killed: nobody has to wait for its lease to run out.
        self.landscape.build.program.stop().await?;
        self.landscape.build.program.forget()?;
        self.landscape.build.program.restart(None).await?;
        for (subject, ..) in expected.iter_mut() {
            subject.seconds += 1;
            self.apply(subject).await?;
        }
        for ((subject, status, reason), tips) in expected.iter().zip(before) {
            let name = &subject.name;
            until(&format!("{name} to be looked at and {reason}"), DEADLINE, async || {
                let writer = self.landscape.build.own("GitWriter", name).await.ok()?;
                let generation = &writer["metadata"]["generation"];
                let looked = writer["status"]["observedGeneration"] == *generation;
                let found = condition(&writer, "Ready");
                (looked && found.0 == *status && found.1 == *reason).then_some(())
            })
            .await?;
            let now = self.tips(subject).await?;
            ensure!(tips == now, "a restart wrote something for {name}: {tips} {now}");
        }
        Ok(())
    }

    /// Everything that a second look must not change.
    pub(crate) async fn tips(&self, subject: &Subject) -> Result<Value> {
        let forge = &self.landscape.forge;
        let all = requests(forge, &subject.branch, &subject.base).await?;
        let all: Vec<Value> = all
            .iter()
            .map(|r| json!([r["number"], r["state"], r["title"], r["body"], r["comments"]]))
            .collect();
        Ok(json!({
            "branch": forge.branch_tip(TEAM, CONFIG, &subject.branch).await?,
            "base": forge.branch_tip(TEAM, CONFIG, &subject.base).await?,
            "requests": all,
        }))
    }

    /// Waits for the open request; returns its number and head.
    pub(crate) async fn opened(&self, subject: &Subject) -> Result<(i64, String)> {
        let request = open_request(&self.landscape.forge, &subject.branch, &subject.base).await?;
        let head = request["head"]["sha"].as_str().context("it has a head")?;
        Ok((request["number"].as_i64().context("it has a number")?, head.into()))
    }

    /// Waits until the branch has this text.
    pub(crate) async fn written(&self, subject: &Subject, text: &str) -> Result<()> {
        until(&format!("{text} on {}", subject.branch), DEADLINE, async || {
            let found = self.file(&subject.branch, subject).await.ok()?;
            (found.as_deref() == Some(text)).then_some(())
        })
        .await
    }

    /// A commit of a person to the writer's file.
    pub(crate) async fn edit(&self, branch: &str, subject: &Subject, text: &str) -> Result<String> {
        let path = format!("{}/a.yaml", subject.path);
        let files: &[(&str, Option<&[u8]>)] = &[(&path, Some(text.as_bytes()))];
        self.landscape.forge.commit_files(TEAM, CONFIG, branch, files, "by a person").await
    }

    /// A commit of a person that takes everything of the writer away.
    pub(crate) async fn take_back(&self, subject: &Subject) -> Result<()> {
        let paths = ["a.yaml", ".portolan/passage"].map(|path| format!("{}/{path}", subject.path));
        let files = paths.each_ref().map(|path| (path.as_str(), None));
        self.landscape.forge.commit_files(TEAM, CONFIG, &subject.base, &files, "revert").await?;
        Ok(())
    }

    /// Asks for the content once more.
    pub(crate) async fn request(&self, subject: &Subject) -> Result<()> {
        let annotation = json!({"metadata": {"annotations":
            {"portolan.carto.run/requestedAt": "now"}}});
        let build = &self.landscape.build;
        build.merge("carto.run/v1alpha1", "GitWriter", &subject.name, &annotation).await
    }

    /// Deletes the branch.
    pub(crate) async fn delete_branch(&self, subject: &Subject) -> Result<()> {
        let path = format!("/branches/{}", subject.branch.replace('/', "%2F"));
        call(&self.landscape.forge, Method::DELETE, &path, Value::Null).await?;
        Ok(())
    }

    /// The record at a commit or branch.
    pub(crate) async fn record(&self, at: &str, subject: &Subject) -> Result<Record> {
        let goal = Goal { repository: CONFIG, branch: at, directory: &subject.path };
        goal.record(&self.landscape, at).await
    }

    /// The message of the newest commit of a branch.
    pub(crate) async fn message(&self, branch: &str) -> Result<String> {
        let commits = self.landscape.forge.commits(TEAM, CONFIG, branch).await?;
        let newest = commits.first().and_then(|commit| commit["commit"]["message"].as_str());
        Ok(newest.with_context(|| format!("{branch} has a commit"))?.to_owned())
    }

    /// Waits until the open request says something.
    pub(crate) async fn request_says(&self, subject: &Subject, what: &str) -> Result<()> {
        let forge = &self.landscape.forge;
        until(&format!("the request to say {what}"), DEADLINE, async || {
            let all = requests(forge, &subject.branch, &subject.base).await.ok()?;
            let open = all.iter().find(|request| request["state"] == "open")?;
            open["body"].as_str()?.contains(what).then_some(())
        })
        .await
    }

    pub(crate) async fn merged_says(
        &self,
        subject: &Subject,
        status: &str,
        reason: &str,
    ) -> Result<String> {
        until(&format!("Merged {status} {reason}"), DEADLINE, async || {
            let writer = self.landscape.build.own("GitWriter", &subject.name).await.ok()?;
            let found = condition(&writer, "Merged");
            (found.0 == status && found.1 == reason).then_some(found.2)
        })
        .await
    }

    pub(crate) async fn awaits(&self, subject: &Subject, what: &str) -> Result<String> {
        until(&format!("the writer to wait for {what}"), DEADLINE, async || {
            let writer = self.landscape.build.own("GitWriter", &subject.name).await.ok()?;
            let message = condition(&writer, "Merged").2;
            message.contains(what).then_some(message)
        })
        .await
    }
}
