//! Pull requests on a real forge: opened by us or by people, merged in every way, declined, overtaken;
//! each looked at once more by a program that remembers nothing.

#[path = "requests/hands.rs"]
mod hands;
#[path = "requests/lab.rs"]
mod lab;
#[path = "requests/reviews.rs"]
mod reviews;

use anyhow::{Context as _, Result, ensure};
use http::Method;
use lab::{Lab, Subject};
use portolan_testbed::landscape::{CONFIG, TEAM};
use portolan_testbed::wait::until;
use portolan_tests::forge::{call, close, merge, open, open_request, requests};
use portolan_tests::world::DEADLINE;
use serde_json::{Value, json};

/// Ways to merge, and whether the branch is deleted then. A branch that is kept after a rebase has a test of
/// its own: the forge may refuse another rebase.
const WAYS: [(&str, bool); 6] = [
    ("merge", false),
    ("merge", true),
    ("squash", false),
    ("squash", true),
    ("rebase", true),
    ("fast-forward-only", false),
];

#[tokio::test]
async fn requests_are_opened_merged_declined_and_overtaken() {
    let mut lab = Lab::start().await.expect("it starts");
    lab.travels().await.expect("requests are merged in every way");
    lab.people_open_it().await.expect("people open requests");
    lab.declined().await.expect("a declined request stays declined");
    lab.changes_nothing().await.expect("a request that changes nothing is closed");
    lab.follows_the_content().await.expect("a request follows the content");
    lab.reverted().await.expect("a revert of a merged request stays");
    lab.merged_when_ready().await.expect("it is merged once it is ready");
    lab.nothing_guards().await.expect("an unguarded merge is refused");
    lab.kept_after_a_rebase().await.expect("a branch that a rebase left behind goes on");
    lab.hands().await.expect("what people did on base and branch stays");
    lab.reviews().await.expect("drafts, checks and stale approvals are respected");
    lab.two_applications().await.expect("two applications share a base");
    lab.the_forge_is_away().await.expect("a forge that is away is told");
}

impl Lab {
    /// Opened, merged by a maintainer in each of the ways, and again with new content.
    async fn travels(&mut self) -> Result<()> {
        let mut subjects = Vec::new();
        for _ in WAYS {
            subjects.push(self.subject("open: true").await?);
        }
        let mut numbers = Vec::new();
        for subject in &subjects {
            numbers.push(self.offered(subject).await?);
        }
        self.restarted(&mut subjects, "Written").await?;
        for ((subject, number), way) in subjects.iter_mut().zip(numbers).zip(WAYS) {
            self.arrives(subject, number, way).await.with_context(|| format!("{way:?}"))?;
            self.write(subject, "two").await?;
            let number = self.offered(subject).await?;
            self.arrives(subject, number, way).await.with_context(|| format!("{way:?} again"))?;
        }
        self.restarted(&mut subjects, "Succeeded").await
    }

    async fn restarted(&mut self, subjects: &mut [Subject], reason: &str) -> Result<()> {
        let mut all: Vec<_> = subjects.iter_mut().map(|s| (s, "True", reason)).collect();
        self.all_after_a_restart(&mut all).await
    }

    /// Waits for the request, which says what it is; returns its number.
    async fn offered(&self, subject: &Subject) -> Result<i64> {
        self.written(subject, &subject.text).await?;
        let request = open_request(&self.landscape.forge, &subject.branch, &subject.base).await?;
        let body = request["body"].as_str().unwrap_or_default();
        ensure!(body.contains(&format!("build/dev/{}", subject.name)), "{body}");
        ensure!(body.contains("a.yaml"), "{body}");
        let message = self.ready(subject, "True", "Written").await?;
        ensure!(message.contains(&subject.branch), "{message}");
        self.merged_says(subject, "False", "AwaitingMerge").await?;
        request["number"].as_i64().context("it has a number")
    }

    /// Merges a request, after which others go on in the base.
    async fn arrives(&self, subject: &Subject, number: i64, way: (&str, bool)) -> Result<()> {
        let (style, delete) = way;
        merge(&self.landscape.forge, number, style, delete).await?;
        self.ready(subject, "True", "Succeeded").await?;
        self.merged_says(subject, "True", "Merged").await?;
        // The forge says so a moment after git has it.
        until("the request to be told as merged", DEADLINE, async || {
            let told = self.status(subject).await.ok()?["pullRequest"].clone();
            (told["number"] == number && told["state"] == "merged").then_some(())
        })
        .await?;
        ensure!(self.file(&subject.base, subject).await?.as_ref() == Some(&subject.text));
        // Nobody is disturbed by others, and nothing of ours moves.
        self.third_party(&subject.base, &format!("after-{}", subject.text)).await?;
        let tip = self.landscape.forge.branch_tip(TEAM, CONFIG, &subject.branch).await?;
        ensure!(tip.is_some() != delete, "the branch is as the maintainer left it");
        Ok(())
    }

    async fn people_open_it(&mut self) -> Result<()> {
        let mut subject = self.subject("open: false").await?;
        self.ready(&subject, "True", "Written").await?;
        let forge = &self.landscape.forge;
        ensure!(requests(forge, &subject.branch, &subject.base).await?.is_empty());
        ensure!(self.status(&subject).await?["pullRequest"].is_null(), "there is none yet");
        let number = open(forge, &subject.branch, &subject.base, "by hand").await?;
        let message = self.merged_says(&subject, "False", "AwaitingMerge").await?;
        ensure!(message.contains(&format!("#{number}")), "{message}");
        // A person's text stays, also when the content changes.
        self.write(&mut subject, "two").await?;
        until("the new content on the branch", DEADLINE, async || {
            let text = self.file(&subject.branch, &subject).await.ok()?;
            (text.as_deref() == Some("two")).then_some(())
        })
        .await?;
        self.ready(&subject, "True", "Written").await?;
        let request = open_request(&self.landscape.forge, &subject.branch, &subject.base).await?;
        ensure!(request["title"] == "by hand" && request["number"] == number, "{request}");
        merge(&self.landscape.forge, number, "squash", true).await?;
        self.ready(&subject, "True", "Succeeded").await?;
        self.after_a_restart(&mut subject, "True", "Succeeded").await
    }

    async fn declined(&mut self) -> Result<()> {
        let (mut kept, first) = self.declines(false).await?;
        let (mut gone, second) = self.declines(true).await?;
        self.all_after_a_restart(&mut [
            (&mut kept, "False", "Declined"),
            (&mut gone, "False", "Declined"),
        ])
        .await?;
        let forge = &self.landscape.forge;
        for (mut subject, number) in [(kept, first), (gone, second)] {
            // Somebody asks for it once more.
            self.request(&subject).await?;
            let (again, _) = self.opened(&subject).await?;
            ensure!(again > number, "{again} is not after {number}");
            self.ready(&subject, "True", "Written").await?;
            // Declined again; new content is another matter.
            close(forge, again).await?;
            self.ready(&subject, "False", "Declined").await?;
            self.write(&mut subject, "two").await?;
            let (third, _) = self.opened(&subject).await?;
            merge(forge, third, "squash", true).await?;
            self.ready(&subject, "True", "Succeeded").await?;
            ensure!(requests(forge, &subject.branch, &subject.base).await?.len() == 3);
        }
        Ok(())
    }

    /// A request that is closed unmerged, with its branch or without; returns its number.
    async fn declines(&mut self, branch_goes: bool) -> Result<(Subject, i64)> {
        let subject = self.subject("open: true").await?;
        let (number, _) = self.opened(&subject).await?;
        self.ready(&subject, "True", "Written").await?;
        close(&self.landscape.forge, number).await?;
        if branch_goes {
            self.delete_branch(&subject).await?;
        }
        let message = self.ready(&subject, "False", "Declined").await?;
        ensure!(message.contains(&format!("#{number}")), "{message}");
        Ok((subject, number))
    }

    async fn changes_nothing(&mut self) -> Result<()> {
        let mut subject = self.subject("open: true").await?;
        let forge = &self.landscape.forge;
        let request = open_request(forge, &subject.branch, &subject.base).await?;
        let number = request["number"].as_i64().context("it has a number")?;
        self.ready(&subject, "True", "Written").await?;
        // Somebody brings the same content by another way, record and all.
        let other = open(forge, &subject.branch, &subject.base, "again").await;
        ensure!(other.is_err(), "the forge has one request for two branches");
        for path in ["a.yaml", ".portolan/passage"] {
            let path = format!("apps/{}/{path}", subject.name);
            let content = forge.read_file(TEAM, CONFIG, &subject.branch, &path).await?;
            let files: &[(&str, Option<&[u8]>)] = &[(&path, content.as_deref())];
            forge.commit_files(TEAM, CONFIG, &subject.base, files, "by hand").await?;
        }
        self.ready(&subject, "True", "Succeeded").await?;
        until("the request to be closed", DEADLINE, async || {
            let path = format!("/pulls/{number}");
            let request = call(forge, Method::GET, &path, Value::Null).await.ok()?;
            (request["state"] == "closed" && request["comments"] == 1).then_some(())
        })
        .await?;
        self.after_a_restart(&mut subject, "True", "Succeeded").await
    }

    async fn follows_the_content(&mut self) -> Result<()> {
        let mut subject = self.subject("open: true, title: 'Take %', labels: [portolan]").await?;
        let first = open_request(&self.landscape.forge, &subject.branch, &subject.base).await?;
        ensure!(first["title"] == "Take %", "{first}");
        ensure!(first["labels"][0]["name"] == "portolan", "{first}");
        self.ready(&subject, "True", "Written").await?;
        let before = self.status(&subject).await?["passage"].clone();
        self.write(&mut subject, "two").await?;
        let forge = &self.landscape.forge;
        until("the request to tell of the new passage", DEADLINE, async || {
            let status = self.status(&subject).await.ok()?;
            let passage = status["passage"].as_str()?.to_owned();
            let request = open_request(forge, &subject.branch, &subject.base).await.ok()?;
            let told = request["body"].as_str()?.contains(&passage);
            let text = self.file(&subject.branch, &subject).await.ok()?;
            (told && text.as_deref() == Some("two") && before != passage).then_some(())
        })
        .await?;
        let all = requests(forge, &subject.branch, &subject.base).await?;
        ensure!(all.len() == 1, "it is the same request: {all:?}");
        Ok(())
    }

    async fn reverted(&mut self) -> Result<()> {
        let mut subject = self.subject("open: true").await?;
        let forge = &self.landscape.forge;
        let request = open_request(forge, &subject.branch, &subject.base).await?;
        let number = request["number"].as_i64().context("it has a number")?;
        merge(forge, number, "squash", true).await?;
        self.ready(&subject, "True", "Succeeded").await?;
        self.take_back(&subject).await?;
        self.ready(&subject, "False", "Reverted").await?;
        self.after_a_restart(&mut subject, "False", "Reverted").await?;
        self.write(&mut subject, "two").await?;
        let forge = &self.landscape.forge;
        let request = open_request(forge, &subject.branch, &subject.base).await?;
        merge(forge, request["number"].as_i64().unwrap_or_default(), "merge", false).await?;
        self.ready(&subject, "True", "Succeeded").await?;
        Ok(())
    }

    /// Protected, with an approval and a check: merged once both are there, and the branch deleted.
    async fn merged_when_ready(&mut self) -> Result<()> {
        let next = format!("env{}", self.count + 1);
        let rule = json!({
            "rule_name": next, "enable_push": false, "enable_status_check": true,
            "status_check_contexts": ["ci/check"], "required_approvals": 1,
            "dismiss_stale_approvals": true, "block_on_rejected_reviews": true,
        });
        let mut subject = self.subject("open: true, merge: whenReady, deleteBranch: true").await?;
        let forge = &self.landscape.forge;
        forge.protect_branch(TEAM, CONFIG, rule).await?;
        let request = open_request(forge, &subject.branch, &subject.base).await?;
        let number = request["number"].as_i64().context("it has a number")?;
        let message = self.awaits(&subject, "0 of 1 approvals").await?;
        ensure!(message.contains("ci/check has not run"), "{message}");
        let head = request["head"]["sha"].as_str().context("it has a head")?.to_owned();
        let status = |state: &str| json!({"context": "ci/check", "state": state});
        let path = format!("/statuses/{head}");
        call(forge, Method::POST, &path, status("failure")).await?;
        self.awaits(&subject, "ci/check failed").await?;
        let review = json!({"event": "APPROVED", "body": "fine", "commit_id": head});
        let path_of_reviews = format!("/pulls/{number}/reviews");
        call(forge, Method::POST, &path_of_reviews, review).await?;
        call(forge, Method::POST, &path, status("success")).await?;
        self.ready(&subject, "True", "Succeeded").await?;
        until("the branch to be deleted", DEADLINE, async || {
            let tip = forge.branch_tip(TEAM, CONFIG, &subject.branch).await.ok()?;
            tip.is_none().then_some(())
        })
        .await?;
        let request = call(forge, Method::GET, &format!("/pulls/{number}"), Value::Null).await?;
        ensure!(request["merged"] == true && request["head"]["sha"] == head.as_str(), "{request}");
        self.after_a_restart(&mut subject, "True", "Succeeded").await
    }

    async fn nothing_guards(&mut self) -> Result<()> {
        let mut subject = self.subject("open: true, merge: whenReady").await?;
        let message = self.ready(&subject, "False", "NothingGuardsThisMerge").await?;
        ensure!(message.contains(&subject.base) && message.contains("Protect"), "{message}");
        self.after_a_restart(&mut subject, "False", "NothingGuardsThisMerge").await?;
        let forge = &self.landscape.forge;
        ensure!(self.file(&subject.base, &subject).await?.is_none(), "nothing is merged");
        // Required in the spec alone: enforced by us.
        subject.more =
            "pullRequest: {open: true, merge: whenReady, required: {approvals: 1}}".into();
        self.apply(&subject).await?;
        self.awaits(&subject, "0 of 1 approvals").await?;
        let request = open_request(forge, &subject.branch, &subject.base).await?;
        let review = json!({"event": "APPROVED", "body": "fine"});
        let path = format!("/pulls/{}/reviews", request["number"]);
        call(forge, Method::POST, &path, review).await?;
        self.ready(&subject, "True", "Succeeded").await?;
        Ok(())
    }

    /// Two writers, one base, others in between: each merged on its own, neither touches the other.
    async fn two_applications(&mut self) -> Result<()> {
        let mut first = self.subject("open: true").await?;
        self.count += 1;
        let name = format!("app{}", self.count);
        let mut second = Subject {
            branch: format!("{}-{name}", first.branch),
            base: first.base.clone(),
            path: format!("apps/{name}"),
            name,
            more: first.more.clone(),
            text: "one".into(),
            seconds: 1,
        };
        self.apply(&second).await?;
        for round in ["one", "two", "three"] {
            self.write(&mut first, round).await?;
            self.write(&mut second, round).await?;
            let forge = &self.landscape.forge;
            let one = open_request(forge, &first.branch, &first.base).await?;
            let other = open_request(forge, &second.branch, &second.base).await?;
            self.third_party(&first.base, &format!("between-{round}")).await?;
            merge(forge, one["number"].as_i64().unwrap_or_default(), "squash", false).await?;
            merge(forge, other["number"].as_i64().unwrap_or_default(), "merge", false).await?;
            for subject in [&first, &second] {
                self.ready(subject, "True", "Succeeded").await?;
                ensure!(self.file(&subject.base, subject).await?.as_deref() == Some(round));
            }
        }
        self.after_a_restart(&mut first, "True", "Succeeded").await?;
        self.after_a_restart(&mut second, "True", "Succeeded").await
    }

    async fn the_forge_is_away(&mut self) -> Result<()> {
        let subject = self.subject("open: true").await?;
        self.ready(&subject, "True", "Written").await?;
        self.landscape.forge.stop_server().await;
        self.ready(&subject, "Unknown", "GitUnreachable").await?;
        self.landscape.forge.start_server().await?;
        self.ready(&subject, "True", "Written").await?;
        Ok(())
    }
}
