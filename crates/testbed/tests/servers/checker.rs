//! The checker against a real forge: a write that is planted twice and a merge that is taken away are
//! found, in what git and the forge show.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use portolan_api::native::git_writer::ProvenanceSource;
use portolan_api::record::{FILE, Record, RecordedFile, blob_id, content_digest};
use portolan_testbed::checker::{
    Environment, Evidence, Fault, Repository, Source, Verdict, check, first_parents,
};
use portolan_testbed::forge::{ADMIN, ADMIN_PASSWORD, Merge, Request};
use portolan_testbed::wait::eventually;
use portolan_testbed::{Forge, tools};

/// Longest time the forge may take; it only ends what would hang.
const DEADLINE: Duration = Duration::from_mins(1);
const OWNER: &str = "team";
const CONFIG: &str = "config";
const APP: &str = "app";
const BASE: &str = "main";
const BRANCH: &str = "main-app";
const DIRECTORY: &str = "apps/app";

struct Lab {
    forge: Forge,
    home: tempfile::TempDir,
}

#[tokio::test]
async fn a_planted_duplicate_and_a_planted_loss_are_found() {
    let lab = Lab::start().await.unwrap();
    for version in 1..=2 {
        lab.travels(version).await.unwrap();
    }
    let verdict = lab.checked().await.unwrap();
    assert!(verdict.holds(), "{verdict}");
    assert_eq!((verdict.sources, verdict.writes, verdict.requests), (2, 2, 2), "{verdict}");

    // The second write once more, as a writer that forgot everything would make it.
    lab.write(2, &lab.source_of(2).await.unwrap()).await.unwrap();
    let verdict = lab.checked().await.unwrap();
    let [finding] = verdict.findings.as_slice() else { panic!("{verdict}") };
    assert_eq!(finding.fault, Fault::Twice, "{verdict}");
    assert!(finding.what.starts_with("write 2 of build/dev/app: "), "{verdict}");
    lab.forge.delete_branch(&lab.forge.admin(), OWNER, CONFIG, BRANCH).await.unwrap();

    // A third change arrives; then somebody puts the branch back to where it was.
    let before = lab.tip().await.unwrap();
    lab.travels(3).await.unwrap();
    assert!(lab.checked().await.unwrap().holds(), "the third arrived");
    lab.put_back(&before).await.unwrap();
    let verdict = lab.checked().await.unwrap();
    assert!(verdict.findings.iter().all(|finding| finding.fault == Fault::Lost), "{verdict}");
    let told = verdict.to_string();
    for lost in [
        "request 3 was merged as",
        "write 3 of build/dev/app is in no environment's branch",
        "of apps/app is told by no record in main",
    ] {
        assert!(told.contains(lost), "{told}");
    }
}

impl Lab {
    async fn start() -> Result<Self> {
        let lab = Self { forge: Forge::start().await?, home: tempfile::tempdir()? };
        lab.forge.create_org(OWNER).await?;
        for repository in [CONFIG, APP] {
            lab.forge.create_repo(OWNER, repository, false).await?;
        }
        let files: &[(&str, Option<&[u8]>)] = &[("README.md", Some(b"what runs\n"))];
        lab.forge.commit_files(OWNER, CONFIG, BASE, files, "Begin").await?;
        Ok(lab)
    }

    /// A source commit, its write, and the request that brings it.
    async fn travels(&self, version: u64) -> Result<()> {
        let page = format!("version {version}\n");
        let files: &[(&str, Option<&[u8]>)] = &[("page", Some(page.as_bytes()))];
        let source = self.forge.commit_files(OWNER, APP, "main", files, "a version").await?;
        let admin = self.forge.admin();
        let text = ["app to main", ""];
        // The forge learns of branches a moment after git has them.
        let head = eventually("the write", DEADLINE, async || {
            self.write(version, &source).await.map(Some)
        })
        .await?;
        let number = eventually("the request", DEADLINE, async || {
            let opened = self.forge.open_request(&admin, OWNER, CONFIG, [BRANCH, BASE], text);
            opened.await.map(Some)
        })
        .await?;
        let how = Merge { style: "squash", delete_branch: true, head: Some(&head) };
        self.forge.merge(&admin, OWNER, CONFIG, number, &how).await?;
        Ok(())
    }

    /// What a GitWriter writes on its branch, which begins at the base's tip.
    async fn write(&self, version: u64, source: &str) -> Result<String> {
        let content = format!("version: {version}\n");
        let blob = blob_id(content.as_bytes());
        let files = [("a.yaml".to_owned(), RecordedFile { mode: "100644".into(), blob })].into();
        let mut record = Record {
            writer: "build/dev/app".into(),
            sequence: version,
            passage: format!("passage-{version}"),
            digest: content_digest(&files),
            files,
            ..Record::default()
        };
        record.provenance.source =
            Some(ProvenanceSource { url: "u".into(), revision: source.into() });
        let message = format!(
            "Write {DIRECTORY} for app\n\nPortolan-Passage: {}\nPortolan-Writer: {}\n",
            record.passage, record.writer
        );
        let (manifest, told) = (format!("{DIRECTORY}/a.yaml"), format!("{DIRECTORY}/{FILE}"));
        let record = record.write();
        // A second write of the same needs something to differ in, or the forge makes no commit.
        let note = self.tip().await?;
        let note = format!("on {note}\n");
        let files: &[(&str, Option<&[u8]>)] = &[
            (&manifest, Some(content.as_bytes())),
            (&told, Some(&record)),
            ("note", Some(note.as_bytes())),
        ];
        self.forge.commit_files(OWNER, CONFIG, BRANCH, files, &message).await
    }

    async fn source_of(&self, version: usize) -> Result<String> {
        let repository = self.clone(APP, "source").await?;
        Ok(first_parents(&repository, "main").await?[version - 1].clone())
    }

    async fn tip(&self) -> Result<String> {
        Ok(self.forge.branch_tip(OWNER, CONFIG, BASE).await?.unwrap_or_default())
    }

    /// Puts the base back to a commit, by force.
    async fn put_back(&self, commit: &str) -> Result<()> {
        let url = self.forge.http_url(OWNER, CONFIG);
        let folder = self.home.path().join("put-back");
        let mut clone = self.git();
        clone.args(["clone", "-q", &url]).arg(&folder);
        tools::run(clone).await?;
        let mut push = self.git();
        push.arg("-C").arg(&folder);
        push.args(["push", "-q", "--force", "origin", &format!("{commit}:refs/heads/{BASE}")]);
        tools::run(push).await.map(|_| ())
    }

    fn git(&self) -> std::process::Command {
        let home: &Path = self.home.path();
        tools::git_as(home, &self.forge.base_url(), ADMIN, ADMIN_PASSWORD)
    }

    async fn clone(&self, repository: &str, name: &str) -> Result<Repository> {
        let folder = tempfile::tempdir_in(self.home.path())?.keep();
        let url = self.forge.http_url(OWNER, repository);
        Repository::clone(self.git(), &url, &folder, name).await
    }

    /// What the checker says of what git and the forge have now.
    async fn checked(&self) -> Result<Verdict> {
        let config = self.clone(CONFIG, CONFIG).await?;
        let requests = self.forge.requests(OWNER, CONFIG).await?;
        let source = self.clone(APP, APP).await?;
        let commits = first_parents(&source, "main").await?;
        let tip = config.branches().await?[BASE].clone();
        Ok(check(&Evidence {
            commits: config.commits().await?,
            environments: vec![Environment { branch: BASE.into(), tip, ..Environment::default() }],
            requests: requests.iter().map(Request::read).collect::<Result<_>>()?,
            sources: vec![Source { directory: DIRECTORY.into(), commits, ..Source::default() }],
            ..Evidence::default()
        }))
    }
}
