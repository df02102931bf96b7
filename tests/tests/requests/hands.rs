//! Rows of the decision table in which people had a hand, and the ways of writing, on a real forge and
//! with requests; each said once more by a program that remembers nothing.

use anyhow::{Result, ensure};
use portolan_testbed::landscape::{CONFIG, TEAM};
use portolan_testbed::wait::until;
use portolan_tests::forge::{merge, requests};
use portolan_tests::world::{DEADLINE, condition};

use crate::lab::{Lab, Subject};

/// What a commit and its request say of new content over an edit.
const REPLACES: &str = "Replaces a person's edit of a.yaml.";

impl Lab {
    pub(crate) async fn hands(&mut self) -> Result<()> {
        let mut by_hand = self.brought_by_hand().await?;
        let mut in_base = self.edited_in_base().await?;
        let mut on_branch = self.edited_on_branch().await?;
        let mut gone = self.branch_gone().await?;
        let mut closed = self.branch_gone_with_its_request().await?;
        let mut reverted = self.reverted_to_be_requested().await?;
        let mut joined = self.joined().await?;
        let mut unmerged = self.there_and_back_unmerged().await?;
        let mut merged = self.there_and_back_merged().await?;
        self.all_after_a_restart(&mut [
            (&mut by_hand, "True", "Succeeded"),
            (&mut in_base, "False", "Edited"),
            (&mut on_branch, "True", "Written"),
            (&mut gone, "True", "Written"),
            (&mut closed, "False", "Declined"),
            (&mut reverted, "False", "Reverted"),
            (&mut joined, "True", "Written"),
            (&mut unmerged, "True", "Written"),
            (&mut merged, "True", "Succeeded"),
        ])
        .await?;
        // Row 1 over rows 2b and 2d: new content replaces the edit, and says so.
        for subject in [&mut in_base, &mut on_branch] {
            self.write(subject, "two").await?;
            self.written(subject, "two").await?;
            let message = self.message(&subject.branch).await?;
            ensure!(message.contains(REPLACES), "{message}");
            self.request_says(subject, REPLACES).await?;
            self.ready(subject, "True", "Written").await?;
        }
        // Row 2b, asked for once more.
        self.request(&reverted).await?;
        self.opened(&reverted).await?;
        self.ready(&reverted, "True", "Written").await?;
        let sequence = self.record(&reverted.branch, &reverted).await?.sequence;
        ensure!(sequence == 2, "it is written with sequence {sequence}");
        let mut written = [in_base, on_branch, reverted, joined, unmerged, gone];
        let mut expected: Vec<_> =
            written.iter_mut().map(|subject| (subject, "True", "Written")).collect();
        self.all_after_a_restart(&mut expected).await?;
        let [in_base, on_branch, reverted, joined, unmerged, _] = &written;
        for (subject, style) in [
            (in_base, "squash"),
            (on_branch, "merge"),
            (reverted, "rebase"),
            (joined, "squash"),
            (unmerged, "fast-forward-only"),
        ] {
            self.lands(subject, style, true).await?;
        }
        Ok(())
    }

    /// Merges the open request and waits until the base has the content.
    async fn lands(&self, subject: &Subject, style: &str, delete: bool) -> Result<()> {
        let (number, _) = self.opened(subject).await?;
        merge(&self.landscape.forge, number, style, delete).await?;
        until(&format!("{} in {}", subject.text, subject.base), DEADLINE, async || {
            let found = self.file(&subject.base, subject).await.ok()??;
            let writer = self.landscape.build.own("GitWriter", &subject.name).await.ok()?;
            let told = condition(&writer, "Ready").1 == "Succeeded";
            (found == subject.text && told).then_some(())
        })
        .await
    }

    /// Row 1: the goal holds the content, and nothing of ours.
    async fn brought_by_hand(&mut self) -> Result<Subject> {
        let subject = self.next("open: true").await?;
        self.edit(&subject.base, &subject, "one").await?;
        self.apply(&subject).await?;
        self.ready(&subject, "True", "Succeeded").await?;
        let forge = &self.landscape.forge;
        ensure!(forge.branch_tip(TEAM, CONFIG, &subject.branch).await?.is_none());
        ensure!(requests(forge, &subject.branch, &subject.base).await?.is_empty());
        Ok(subject)
    }

    /// Row 2b: changed in the goal.
    async fn edited_in_base(&mut self) -> Result<Subject> {
        let subject = self.subject("open: true").await?;
        self.lands(&subject, "squash", true).await?;
        let edit = self.edit(&subject.base, &subject, "by hand").await?;
        let message = self.ready(&subject, "False", "Edited").await?;
        for part in [&edit[..12], "by a person", "a.yaml"] {
            ensure!(message.contains(part), "{message}");
        }
        Ok(subject)
    }

    /// Row 2d: changed on the branch by a reviewer; the request waits on.
    async fn edited_on_branch(&mut self) -> Result<Subject> {
        let subject = self.subject("open: true").await?;
        let (number, _) = self.opened(&subject).await?;
        self.ready(&subject, "True", "Written").await?;
        let edit = self.edit(&subject.branch, &subject, "as discussed").await?;
        until("the edit to be told", DEADLINE, async || {
            let writer = self.landscape.build.own("GitWriter", &subject.name).await.ok()?;
            let (status, _, message) = condition(&writer, "Edited");
            (status == "True" && message.contains(&edit[..12])).then_some(())
        })
        .await?;
        self.ready(&subject, "True", "Written").await?;
        ensure!(self.opened(&subject).await? == (number, edit), "the request has the edit");
        Ok(subject)
    }

    /// Row 2e: the branch was deleted, without a request.
    async fn branch_gone(&mut self) -> Result<Subject> {
        let subject = self.subject("open: false").await?;
        self.ready(&subject, "True", "Written").await?;
        self.delete_branch(&subject).await?;
        until("the branch to be written again", DEADLINE, async || {
            let tip =
                self.landscape.forge.branch_tip(TEAM, CONFIG, &subject.branch).await.ok()??;
            let status = self.status(&subject).await.ok()?;
            (status["revision"] == tip.as_str()).then_some(())
        })
        .await?;
        ensure!(self.record(&subject.branch, &subject).await?.sequence == 1);
        Ok(subject)
    }

    /// Row 2c: a branch deleted under its request closes it.
    async fn branch_gone_with_its_request(&mut self) -> Result<Subject> {
        let subject = self.subject("open: true").await?;
        let (number, _) = self.opened(&subject).await?;
        self.ready(&subject, "True", "Written").await?;
        self.delete_branch(&subject).await?;
        let message = self.ready(&subject, "False", "Declined").await?;
        ensure!(message.contains(&format!("#{number}")), "{message}");
        let tip = self.landscape.forge.branch_tip(TEAM, CONFIG, &subject.branch).await?;
        ensure!(tip.is_none(), "it is not written again: {tip:?}");
        Ok(subject)
    }

    /// Row 2b: taken back.
    async fn reverted_to_be_requested(&mut self) -> Result<Subject> {
        let subject = self.subject("open: true").await?;
        self.lands(&subject, "merge", false).await?;
        self.take_back(&subject).await?;
        self.ready(&subject, "False", "Reverted").await?;
        Ok(subject)
    }

    /// The base changed a file of ours, and one that a reviewer changed on the branch too: joined, the
    /// base's version of the latter stays and is named, what the branch alone has is kept.
    async fn joined(&mut self) -> Result<Subject> {
        let mut subject = self.subject("open: true").await?;
        self.lands(&subject, "merge", false).await?;
        self.write(&mut subject, "two").await?;
        self.written(&subject, "two").await?;
        let forge = &self.landscape.forge;
        let reviewed: &[(&str, Option<&[u8]>)] =
            &[("others/both.txt", Some(b"branch")), ("others/alone.txt", Some(b"branch"))];
        forge.commit_files(TEAM, CONFIG, &subject.branch, reviewed, "reviewer's work").await?;
        self.third_party(&subject.base, "both").await?;
        let base = self.edit(&subject.base, &subject, "hot fix").await?;
        let says = format!("Joins {}, which changed a.yaml.", subject.base);
        until("the branch to be joined with its base", DEADLINE, async || {
            self.message(&subject.branch).await.ok()?.contains(&says).then_some(())
        })
        .await?;
        self.request_says(&subject, &says).await?;
        let commits = forge.commits(TEAM, CONFIG, &subject.branch).await?;
        let join = &commits[1];
        ensure!(join["parents"][0]["sha"] == base.as_str(), "the base comes first: {join}");
        let message = join["commit"]["message"].as_str().unwrap_or_default();
        let named = "Both sides changed others/both.txt: the base's version stays.";
        ensure!(message.contains(named), "{message}");
        for (path, text) in [("others/both.txt", "both"), ("others/alone.txt", "branch")] {
            let found = forge.read_file(TEAM, CONFIG, &subject.branch, path).await?;
            ensure!(found.as_deref() == Some(text.as_bytes()), "{path}: {found:?}");
        }
        ensure!(self.record(&subject.branch, &subject).await?.sequence == 3);
        self.ready(&subject, "True", "Written").await?;
        Ok(subject)
    }

    /// Content that goes A, B, A while its request is open: written three times, one request.
    async fn there_and_back_unmerged(&mut self) -> Result<Subject> {
        let mut subject = self.subject("open: true").await?;
        let (number, _) = self.opened(&subject).await?;
        for text in ["two", "one"] {
            self.write(&mut subject, text).await?;
            self.written(&subject, text).await?;
            self.ready(&subject, "True", "Written").await?;
        }
        let record = self.record(&subject.branch, &subject).await?;
        ensure!(record.sequence == 3, "{record:?}");
        self.request_says(&subject, &record.passage).await?;
        ensure!(self.opened(&subject).await?.0 == number, "it is the same request");
        Ok(subject)
    }

    /// The same, merged each time.
    async fn there_and_back_merged(&mut self) -> Result<Subject> {
        let mut subject = self.subject("open: true").await?;
        for text in ["one", "two", "one"] {
            self.write(&mut subject, text).await?;
            self.lands(&subject, "squash", true).await?;
        }
        let record = self.record(&subject.base, &subject).await?;
        ensure!(record.sequence == 3, "{record:?}");
        let forge = &self.landscape.forge;
        let all = requests(forge, &subject.branch, &subject.base).await?;
        ensure!(all.len() == 3 && all.iter().all(|request| request["merged"] == true), "{all:?}");
        Ok(subject)
    }

    /// A branch that is kept after a rebase merge is not in its base: the next content lands all the same.
    pub(crate) async fn kept_after_a_rebase(&mut self) -> Result<()> {
        let mut subject = self.subject("open: true").await?;
        self.opened(&subject).await?;
        self.third_party(&subject.base, "meanwhile").await?;
        self.lands(&subject, "rebase", false).await?;
        self.after_a_restart(&mut subject, "True", "Succeeded").await?;
        for (text, style) in [("two", "squash"), ("three", "merge")] {
            self.write(&mut subject, text).await?;
            self.written(&subject, text).await?;
            self.lands(&subject, style, false).await?;
        }
        Ok(())
    }
}
