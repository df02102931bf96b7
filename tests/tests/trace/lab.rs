//! A configuration repository on disk, and the command that is asked about it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use portolan_api::native::git_writer::{ProvenanceSource, WriterProvenance};
use portolan_api::record::{Hop, Record, SourceCommit};
use portolan_testbed::{git, output};
use tempfile::TempDir;

/// When the first source commit was made.
const START: i64 = 1_790_000_000;
const SHOP: &str = "apps/shop";

/// A source commit's id.
pub(crate) fn long(number: u64) -> String {
    number.to_string().repeat(40)
}

/// A passage's id.
pub(crate) fn passage(number: u64) -> String {
    format!("{number}fa{}", "e0".repeat(31)).chars().take(64).collect()
}

/// The record of a change.
pub(crate) fn record(number: u64, sequence: u64) -> Record {
    let source =
        ProvenanceSource { url: "https://git.example/team/shop".into(), revision: long(number) };
    let commit = |number: u64| SourceCommit {
        id: long(number),
        author: "Bo".into(),
        subject: format!("version {number}"),
        time: time(1000 * (i64::try_from(number).unwrap_or(0) - 1)),
    };
    Record {
        writer: "build/demo/shop".into(),
        sequence,
        passage: passage(number),
        provenance: WriterProvenance {
            workload: Some("demo/shop".into()),
            source: Some(source),
            image: Some(format!("registry.example/demo/shop@sha256:{}", "d".repeat(64))),
            supply_chain: Some("web".into()),
        },
        commits: (1..=number).rev().map(commit).collect(),
        digest: format!("sha256:{number}"),
        ..Record::default()
    }
}

fn time(after: i64) -> String {
    jiff::Timestamp::from_second(START + after).map(|time| time.to_string()).unwrap_or_default()
}

/// What the command said.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Told {
    pub(crate) fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.out).with_context(|| format!("{self:?}"))
    }
}

/// A repository with two changes: the first came to staging by request 7, then to production, where
/// it was taken back; the second is in staging.
pub(crate) struct Lab {
    scratch: TempDir,
    tree: PathBuf,
    commits: RefCell<BTreeMap<String, String>>,
}

impl Lab {
    pub(crate) fn new() -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let tree = scratch.path().join("tree");
        std::fs::create_dir(&tree)?;
        let lab = Self { scratch, tree, commits: RefCell::default() };
        lab.git(&["init", "--quiet", "--initial-branch=staging"])?;
        lab.write("README.md", b"configuration\n")?;
        lab.commit_as("start", ("Ann", -100), "begin")?;
        let merge = |number: u64, after: i64| {
            lab.checkout("staging")?;
            let request = 6 + number;
            let subject = format!(
                "Merge pull request 'Write apps/shop' (#{request}) from staging-shop into staging"
            );
            let merge = ["merge", "--quiet", "--no-ff", "-m", &subject, "staging-shop"];
            lab.git_as(&merge, ("Ann", after), None)?;
            lab.remember(&format!("merge {number}"))
        };
        lab.git(&["checkout", "--quiet", "-b", "staging-shop"])?;
        lab.write_change("write 1", &record(1, 1), 10)?;
        merge(1, 300)?;
        lab.git(&["checkout", "--quiet", "--orphan", "production"])?;
        lab.git(&["rm", "-rfq", "."])?;
        lab.write("README.md", b"production\n")?;
        lab.commit_as("production", ("Ann", 301), "begin")?;
        let hop = Hop {
            environment: "staging".into(),
            cluster: "staging".into(),
            revision: lab.commit("merge 1")?.to_owned(),
            verification: Some("demo/checks".into()),
            edited: None,
        };
        let promoted =
            Record { writer: "staging/demo/promote".into(), hops: vec![hop], ..record(1, 1) };
        lab.write_change("promote 1", &promoted, 600)?;
        lab.git_as(&["revert", "--no-edit", "HEAD"], ("Ann", 700), None)?;
        lab.remember("revert")?;
        lab.checkout("staging-shop")?;
        lab.git(&["reset", "--quiet", "--hard", "staging"])?;
        lab.write_change("write 2", &record(2, 2), 1010)?;
        merge(2, 1100)?;
        Ok(lab)
    }

    pub(crate) fn home(&self) -> &Path {
        self.scratch.path()
    }

    pub(crate) fn tree(&self) -> &Path {
        &self.tree
    }

    pub(crate) fn tree_text(&self) -> Result<&str> {
        self.tree.to_str().context("odd path")
    }

    /// The id of a commit by the name it was remembered under.
    pub(crate) fn commit(&self, name: &str) -> Result<&'static str> {
        let commits = self.commits.borrow();
        let id = commits.get(name).with_context(|| format!("no commit {name}"))?;
        Ok(id.clone().leak())
    }

    fn remember(&self, name: &str) -> Result<()> {
        let id = self.git(&["rev-parse", "HEAD"])?.trim().to_owned();
        self.commits.borrow_mut().insert(name.into(), id);
        Ok(())
    }

    pub(crate) fn git_in(&self, folder: &Path, args: &[&str]) -> Result<String> {
        output(git(self.home()).arg("-C").arg(folder).args(args))
    }

    pub(crate) fn git(&self, args: &[&str]) -> Result<String> {
        self.git_in(&self.tree, args)
    }

    fn git_as(&self, args: &[&str], who: (&str, i64), input: Option<&Path>) -> Result<String> {
        let (name, after) = who;
        let mut command = git(self.home());
        command.arg("-C").arg(&self.tree).args(args).args(input);
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), name);
            command.env(format!("GIT_{role}_DATE"), format!("{} +0000", START + after));
        }
        output(&mut command)
    }

    pub(crate) fn checkout(&self, branch: &str) -> Result<()> {
        self.git(&["checkout", "--quiet", branch]).map(|_| ())
    }

    pub(crate) fn write(&self, path: &str, content: &[u8]) -> Result<()> {
        let path = self.tree.join(path);
        std::fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        Ok(std::fs::write(path, content)?)
    }

    pub(crate) fn commit_as(&self, name: &str, who: (&str, i64), message: &str) -> Result<()> {
        self.git(&["add", "--all"])?;
        let file = self.home().join("message");
        std::fs::write(&file, message)?;
        self.git_as(&["commit", "--quiet", "-F"], who, Some(&file))?;
        self.remember(name)
    }

    /// Commits as a writer does.
    pub(crate) fn write_change(&self, name: &str, record: &Record, after: i64) -> Result<()> {
        self.write(&format!("{SHOP}/deployment.yaml"), record.digest.as_bytes())?;
        self.write(&format!("{SHOP}/.portolan/passage"), &record.write())?;
        let message = format!(
            "Write {SHOP} for shop\n\nPortolan-Passage: {}\nPortolan-Writer: {}\n",
            record.passage, record.writer
        );
        self.commit_as(name, ("Portolan", after), &message)
    }

    pub(crate) fn trace(&self, folder: &Path, args: &[&str]) -> Result<Told> {
        self.trace_with(folder, args, None)
    }

    pub(crate) fn trace_with(
        &self,
        folder: &Path,
        args: &[&str],
        password: Option<&str>,
    ) -> Result<Told> {
        self.run(folder, &[&["trace"], args].concat(), password)
    }

    pub(crate) fn run(&self, folder: &Path, args: &[&str], password: Option<&str>) -> Result<Told> {
        self.program("portolan", folder, args, password)
    }

    /// Runs a program with nothing in its environment but a home and a password.
    pub(crate) fn program(
        &self,
        name: &str,
        folder: &Path,
        args: &[&str],
        password: Option<&str>,
    ) -> Result<Told> {
        let mut command = Command::new(binary(name)?);
        command.args(args).current_dir(folder).env_clear().env("HOME", self.home());
        command.envs(password.map(|password| ("PORTOLAN_GIT_PASSWORD", password)));
        let out = command.output()?;
        Ok(Told {
            code: out.status.code().context("the program was ended")?,
            out: String::from_utf8(out.stdout)?,
            err: String::from_utf8(out.stderr)?,
        })
    }
}

/// The program that was built beside this test.
fn binary(name: &str) -> Result<PathBuf> {
    let exe = std::env::current_exe()?;
    for folder in exe.ancestors().skip(1).take(2) {
        let path = folder.join(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!("{name} is not built: run `cargo build -p portolan-cli`, or use make")
}
