//! What reviewers and checks say of a request, and who owns a path, on a real forge.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use portolan_testbed::landscape::{CONFIG, TEAM};
use portolan_testbed::wait::until;
use portolan_tests::forge::{call, merge, open_request};
use portolan_tests::world::{DEADLINE, condition};
use serde_json::{Value, json};

use crate::lab::{Lab, Subject};

impl Lab {
    pub(crate) async fn reviews(&mut self) -> Result<()> {
        let mut draft = self.draft().await?;
        let mut checked = self.checked().await?;
        let mut stale = self.stale_approval().await?;
        let (owner, mut other) = self.owned_by_another().await?;
        self.all_after_a_restart(&mut [
            (&mut draft, "True", "Written"),
            (&mut checked, "True", "Written"),
            (&mut stale, "True", "Written"),
            (&mut other, "False", "PathOwnedByAnother"),
        ])
        .await?;
        self.draft_is_ready(&draft).await?;
        self.check_passes(&checked).await?;
        self.approved_anew(&stale).await?;
        self.taken_over(&owner, other).await
    }

    /// Sets a check of a commit.
    async fn check(&self, head: &str, state: &str) -> Result<()> {
        let body = json!({"context": "ci/unit", "state": state});
        call(&self.landscape.forge, Method::POST, &format!("/statuses/{head}"), body).await?;
        Ok(())
    }

    /// Approves a request at a head.
    async fn approve(&self, number: i64, head: &str) -> Result<()> {
        let review = json!({"event": "APPROVED", "body": "fine", "commit_id": head});
        let path = format!("/pulls/{number}/reviews");
        call(&self.landscape.forge, Method::POST, &path, review).await?;
        Ok(())
    }

    /// A request of the forge that was merged at a head.
    async fn merged_at(&self, number: i64, head: &str) -> Result<()> {
        let path = format!("/pulls/{number}");
        let request = call(&self.landscape.forge, Method::GET, &path, Value::Null).await?;
        ensure!(request["merged"] == true && request["head"]["sha"] == head, "{request}");
        Ok(())
    }

    /// A draft with a label and a reviewer: approved, and still not merged.
    async fn draft(&mut self) -> Result<Subject> {
        let subject = self
            .subject(
                "open: true, draft: true, labels: [portolan], reviewers: [developer], merge: \
                 whenReady, required: {approvals: 1}",
            )
            .await?;
        let request = open_request(&self.landscape.forge, &subject.branch, &subject.base).await?;
        ensure!(
            request["draft"] == true && request["labels"][0]["name"] == "portolan",
            "{request}"
        );
        let (number, head) = self.opened(&subject).await?;
        let path = format!("/pulls/{number}");
        until("the reviewer to be asked", DEADLINE, async || {
            let request =
                call(&self.landscape.forge, Method::GET, &path, Value::Null).await.ok()?;
            (request["requested_reviewers"][0]["login"] == "developer").then_some(())
        })
        .await?;
        self.awaits(&subject, "0 of 1 approvals").await?;
        self.approve(number, &head).await?;
        until("the draft to be all that is missing", DEADLINE, async || {
            let writer = self.landscape.build.own("GitWriter", &subject.name).await.ok()?;
            let message = condition(&writer, "Merged").2;
            (message.contains("it is a draft") && !message.contains("approvals")).then_some(())
        })
        .await?;
        Ok(subject)
    }

    /// A person says that it is no draft any more.
    async fn draft_is_ready(&self, subject: &Subject) -> Result<()> {
        let (number, head) = self.opened(subject).await?;
        let path = format!("/pulls/{number}");
        let title = json!({"title": "Ready now"});
        call(&self.landscape.forge, Method::PATCH, &path, title).await?;
        self.ready(subject, "True", "Succeeded").await?;
        self.merged_at(number, &head).await
    }

    /// A check that the spec alone requires: not run, pending, failed.
    async fn checked(&mut self) -> Result<Subject> {
        let more = "open: true, merge: whenReady, required: {checks: [ci/unit]}";
        let subject = self.subject(more).await?;
        let (_, head) = self.opened(&subject).await?;
        self.awaits(&subject, "check ci/unit has not run").await?;
        self.check(&head, "pending").await?;
        self.awaits(&subject, "check ci/unit runs").await?;
        self.check(&head, "failure").await?;
        self.awaits(&subject, "check ci/unit failed").await?;
        let told = self.status(&subject).await?["pullRequest"]["checks"].clone();
        ensure!(told == "failure", "status tells of it: {told}");
        ensure!(self.file(&subject.base, &subject).await?.is_none(), "nothing is merged");
        Ok(subject)
    }

    async fn check_passes(&self, subject: &Subject) -> Result<()> {
        let (number, head) = self.opened(subject).await?;
        self.check(&head, "success").await?;
        self.ready(subject, "True", "Succeeded").await?;
        self.merged_at(number, &head).await
    }

    /// The forge demands an approval and a check, and dismisses approvals of an older head: new content,
    /// then a person's commit, each need their own.
    async fn stale_approval(&mut self) -> Result<Subject> {
        let mut subject = self.next("open: true, merge: whenReady").await?;
        let rule = json!({
            "rule_name": subject.base, "enable_push": false, "enable_status_check": true,
            "status_check_contexts": ["ci/unit"], "required_approvals": 1,
            "dismiss_stale_approvals": true,
        });
        self.landscape.forge.protect_branch(TEAM, CONFIG, rule).await?;
        self.apply(&subject).await?;
        let (number, first) = self.opened(&subject).await?;
        self.awaits(&subject, "0 of 1 approvals").await?;
        self.approve(number, &first).await?;
        until("the check to be all that is missing", DEADLINE, async || {
            let writer = self.landscape.build.own("GitWriter", &subject.name).await.ok()?;
            let message = condition(&writer, "Merged").2;
            (message.contains("ci/unit has not run") && !message.contains("approvals"))
                .then_some(())
        })
        .await?;
        self.write(&mut subject, "two").await?;
        let second = self.head_after(&subject, &first).await?;
        self.check(&second, "success").await?;
        let message = self.awaits(&subject, "0 of 1 approvals").await?;
        ensure!(
            !message.contains("ci/unit has not run") || message.contains("0 of 1"),
            "{message}"
        );
        let third = self.edit(&subject.branch, &subject, "as discussed").await?;
        ensure!(self.head_after(&subject, &second).await? == third);
        self.check(&third, "success").await?;
        // Somebody approves what they read a moment ago.
        self.approve(number, &second).await?;
        until("the approval to be all that is missing", DEADLINE, async || {
            let writer = self.landscape.build.own("GitWriter", &subject.name).await.ok()?;
            let message = condition(&writer, "Merged").2;
            let told = writer["status"]["pullRequest"]["head"] == third.as_str();
            (told && message.contains("0 of 1 approvals") && !message.contains("ci/unit"))
                .then_some(())
        })
        .await?;
        ensure!(self.file(&subject.base, &subject).await?.is_none(), "nothing is merged");
        Ok(subject)
    }

    /// Approved at the head that is there, which is then merged and no other.
    async fn approved_anew(&self, subject: &Subject) -> Result<()> {
        let (number, head) = self.opened(subject).await?;
        self.approve(number, &head).await?;
        // What is merged is the person's version of it.
        self.ready(subject, "False", "Edited").await?;
        self.merged_at(number, &head).await?;
        let merged = self.file(&subject.base, subject).await?;
        ensure!(merged.as_deref() == Some("as discussed"), "{merged:?}");
        Ok(())
    }

    /// Waits until the open request has another head.
    async fn head_after(&self, subject: &Subject, before: &str) -> Result<String> {
        until("the request to have a new head", DEADLINE, async || {
            let (_, head) = self.opened(subject).await.ok()?;
            (head != before).then_some(head)
        })
        .await
    }

    /// Two writers of one path: the second is refused, names the first, and writes nothing.
    async fn owned_by_another(&mut self) -> Result<(Subject, Subject)> {
        let owner = self.subject("open: true").await?;
        let (number, _) = self.opened(&owner).await?;
        merge(&self.landscape.forge, number, "squash", true).await?;
        self.ready(&owner, "True", "Succeeded").await?;
        let mut other = self.next("open: true").await?;
        other.base.clone_from(&owner.base);
        other.path.clone_from(&owner.path);
        other.text = "taken".into();
        self.apply(&other).await?;
        let message = self.ready(&other, "False", "PathOwnedByAnother").await?;
        for part in [&format!("build/dev/{}", owner.name), "takeOver"] {
            ensure!(message.contains(part), "{message}");
        }
        let tip = self.landscape.forge.branch_tip(TEAM, CONFIG, &other.branch).await?;
        ensure!(tip.is_none(), "it wrote {tip:?}");
        Ok((owner, other))
    }

    /// Taken over by name, with a request: the path is the second's from then on.
    async fn taken_over(&self, owner: &Subject, mut other: Subject) -> Result<()> {
        other.more = format!("{}, takeOver: build/dev/{}", other.more, owner.name);
        self.apply(&other).await?;
        let (number, _) = self.opened(&other).await?;
        merge(&self.landscape.forge, number, "squash", true).await?;
        self.ready(&other, "True", "Succeeded").await?;
        let merged = self.file(&other.base, &other).await?;
        ensure!(merged.as_deref() == Some("taken"), "{merged:?}");
        let writer = self.record(&other.base, &other).await?.writer;
        ensure!(writer == format!("build/dev/{}", other.name), "{writer}");
        let message = self.ready(owner, "False", "PathOwnedByAnother").await?;
        let named = message.contains(&writer).then_some(());
        named.with_context(|| format!("it names who has it now: {message}"))
    }
}
