//! Stories told from small histories.

use portolan_api::native::git_writer::{ProvenanceSource, WriterProvenance};
use portolan_api::record::{EditedFiles, Hop, Record, SourceCommit};

use super::*;

mod finding;
mod ways;

const START: i64 = 1_790_000_000;
const SHOP: &str = "apps/shop";

/// An id of 40 digits.
fn id(number: usize) -> String {
    format!("{number:02x}").repeat(20)
}

/// A passage's id.
fn passage(number: usize) -> String {
    format!("{number:01x}abc").repeat(16)
}

/// The record that the build cluster writes of a change.
fn record(number: usize) -> Record {
    let commit = |number: usize| SourceCommit {
        id: id(0xa0 + number),
        author: "Bo".into(),
        subject: format!("version {number}"),
        time: jiff::Timestamp::from_second(START).unwrap().to_string(),
    };
    let source = ProvenanceSource { url: "https://g/shop".into(), revision: id(0xa0 + number) };
    Record {
        writer: "build/demo/shop".into(),
        sequence: number as u64,
        passage: passage(number),
        provenance: WriterProvenance {
            workload: Some("demo/shop".into()),
            source: Some(source),
            ..WriterProvenance::default()
        },
        commits: (1..=number).rev().map(commit).collect(),
        digest: format!("sha256:{number}"),
        ..Record::default()
    }
}

/// A hop out of staging.
fn hop(revision: &str) -> Hop {
    Hop {
        environment: "staging".into(),
        cluster: "staging".into(),
        revision: revision.into(),
        verification: Some("demo/checks".into()),
        edited: None,
    }
}

/// The record that staging writes to production.
fn promoted(number: usize, revision: &str) -> Record {
    Record { writer: "staging/demo/promote".into(), hops: vec![hop(revision)], ..record(number) }
}

/// A history in the making; each commit is a second after the one before.
#[derive(Default)]
struct World(Evidence);

impl World {
    fn new(branches: &[&str]) -> Self {
        let branch = |name: &&str| Branch { name: (*name).into(), head: None };
        let branches = branches.iter().map(branch).collect();
        Self(Evidence { branches, ..Evidence::default() })
    }

    fn branch(&mut self, name: &str) -> &mut Branch {
        self.0.branches.iter_mut().find(|branch| branch.name == name).unwrap()
    }

    /// Lets a branch start where another is.
    fn start(&mut self, name: &str, at: &str) {
        let head = self.branch(at).head;
        self.branch(name).head = head;
    }

    fn commit(&mut self, branch: &str, author: &str, message: &str, what: What) -> String {
        self.commit_at(branch, author, message, SHOP, what)
    }

    fn commit_at(
        &mut self,
        branch: &str,
        author: &str,
        message: &str,
        path: &str,
        what: What,
    ) -> String {
        let number = self.0.points.len() + 1;
        let commit = Commit {
            id: id(number),
            time: START + i64::try_from(number).unwrap(),
            author: author.into(),
            committer: author.into(),
            subject: message.lines().next().unwrap_or_default().into(),
            notes: notes(message),
            ..Commit::default()
        };
        let changes = vec![Change { path: path.into(), what, merged: None }];
        let before = self.branch(branch).head;
        let point = Point { commit, before, changes, ..Point::default() };
        self.0.points.push(point);
        self.branch(branch).head = Some(number - 1);
        id(number)
    }

    fn put(&mut self, record: &Record) -> What {
        let known = self.0.records.iter().position(|other| other == record);
        What::Written(known.unwrap_or_else(|| {
            self.0.records.push(record.clone());
            self.0.records.len() - 1
        }))
    }

    /// The writer's own commit.
    fn write(&mut self, branch: &str, record: &Record) -> String {
        self.write_at(branch, SHOP, record)
    }

    fn write_at(&mut self, branch: &str, path: &str, record: &Record) -> String {
        let message = format!(
            "Write\n\nPortolan-Passage: {}\nPortolan-Writer: {}\n",
            record.passage, record.writer
        );
        let what = self.put(record);
        self.commit_at(branch, "Portolan", &message, path, what)
    }

    /// A commit of a person that brings a record.
    fn bring(&mut self, branch: &str, record: &Record, message: &str) -> String {
        let what = self.put(record);
        self.commit(branch, "Ann", message, what)
    }

    fn last(&mut self) -> &mut Point {
        self.0.points.last_mut().unwrap()
    }

    fn find(&self, what: &str) -> Found {
        find(&self.0, &Query::read(what).unwrap(), None)
    }

    fn story(&self, what: &str) -> Story {
        let Found::One(candidate) = self.find(what) else {
            panic!("{what}: {:?}", self.find(what))
        };
        tell(&self.0, &candidate)
    }

    /// The way of a change, one line for each arrival.
    fn way(&self, what: &str) -> Vec<String> {
        let story = self.story(what);
        story.arrivals.iter().map(line).collect()
    }
}

fn line(arrival: &Arrival) -> String {
    let branch = arrival.branch.as_deref().unwrap_or("?");
    let role = if arrival.role == Role::Writer { "offer" } else { "here" };
    let request = arrival.request.map(|number| format!(" #{number}")).unwrap_or_default();
    let fate = match &arrival.fate {
        None => "-".into(),
        Some(Fate::Current) => "current".into(),
        Some(Fate::Waiting) => "waits".into(),
        Some(Fate::Merged) => "merged".into(),
        Some(Fate::Replaced { passage, .. }) => format!("replaced by {}", &passage[..4]),
        Some(Fate::Reverted { author, passage, .. }) => {
            let to = passage.as_ref().map(|passage| format!(" to {}", &passage[..4]));
            format!("reverted by {author}{}", to.unwrap_or_default())
        }
        Some(Fate::Lost { author, .. }) => format!("lost by {author}"),
    };
    let edits = arrival.edits.iter().map(|edit| format!(", edited by {}", edit.author));
    let edits: String = edits.collect();
    format!("{branch} {:?}{request} {role}: {fate}{edits}", arrival.how)
}
