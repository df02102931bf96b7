//! Planted duplicates and losses, each found; and a history without any.

use portolan_api::labels;
use portolan_api::native::git_writer::ProvenanceSource;
use portolan_api::record::{Hop, Record, RecordedFile, SourceCommit, content_digest};
use serde_json::{Value, json};

use super::*;
use crate::forge::{Request, RequestState};

const DIRECTORY: &str = "apps/shop";
const BUILD: &str = "build/dev/shop";

/// The content of a version with its record.
fn directory(sequence: u64, version: &str) -> Directory {
    let file = RecordedFile { mode: "100644".into(), blob: version.into() };
    let files = [("deployment.yaml".to_owned(), file)].into();
    let mut record = Record {
        writer: BUILD.into(),
        sequence,
        passage: format!("passage-{version}"),
        digest: content_digest(&files),
        files: files.clone(),
        ..Record::default()
    };
    record.provenance.source =
        Some(ProvenanceSource { url: "u".into(), revision: format!("source-{version}") });
    record.provenance.image = Some(format!("r/shop@sha256:{version}"));
    Directory { files, record: Some(record) }
}

struct History(Evidence);

impl History {
    /// A branch with nothing in it.
    fn new() -> Self {
        let mut this = Self(Evidence::default());
        this.commit("begin", &[], "Begin staging", None);
        this.0
            .environments
            .push(Environment { branch: "staging".into(), ..Environment::default() });
        this.tip("begin");
        this.0.sources.push(Source { directory: DIRECTORY.into(), ..Source::default() });
        this
    }

    fn commit(&mut self, id: &str, parents: &[&str], message: &str, content: Option<Directory>) {
        let inherited = || {
            let parent = self.0.commits.get(*parents.first()?)?;
            parent.directories.get(DIRECTORY).cloned()
        };
        let content = content.or_else(inherited);
        let directories = content.map(|content| (DIRECTORY.to_owned(), content)).into_iter();
        let commit = Commit {
            id: id.into(),
            parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
            message: message.into(),
            directories: directories.collect(),
        };
        self.0.commits.insert(id.into(), commit);
    }

    /// A write of a version on a branch.
    fn write(&mut self, id: &str, parent: &str, sequence: u64, version: &str) {
        let message =
            format!("Write\n\nPortolan-Passage: passage-{version}\nPortolan-Writer: {BUILD}\n");
        self.commit(id, &[parent], &message, Some(directory(sequence, version)));
    }

    /// A write of the promoter.
    fn promote(&mut self, id: &str, parent: &str, content: Directory) {
        let passage = &content.record.as_ref().unwrap().passage;
        let message =
            format!("Promote\n\nPortolan-Passage: {passage}\nPortolan-Writer: {PROMOTER}\n");
        self.commit(id, &[parent], &message, Some(content));
    }

    fn tip(&mut self, id: &str) {
        self.0.environments[0].tip = id.into();
    }

    fn source(&mut self, version: &str) {
        self.0.sources[0].commits.push(format!("source-{version}"));
    }

    fn request(&mut self, head: &str, merged_as: Option<&str>) -> &mut Request {
        let number = self.0.requests.len() as u64 + 1;
        let at = |minute: u64| format!("2026-01-01T00:{minute:02}:00Z").parse().unwrap();
        self.0.requests.push(Request {
            number,
            title: "shop to staging".into(),
            body: String::new(),
            author: "build-cluster".into(),
            branch: "staging-shop".into(),
            head: head.into(),
            base: "staging".into(),
            state: merged_as.map_or(RequestState::Open, |_| RequestState::Merged),
            merged_by: None,
            merged_as: merged_as.map(str::to_owned),
            opened: at(number * 2),
            closed: merged_as.map(|_| at(number * 2 + 1)),
        });
        self.0.requests.last_mut().unwrap()
    }

    /// A version through a request that is squashed.
    fn squashed(&mut self, sequence: u64, version: &str) {
        let tip = self.0.environments[0].tip.clone();
        let (head, merged) = (format!("write-{sequence}"), format!("squash-{sequence}"));
        self.write(&head, &tip, sequence, version);
        self.commit(&merged, &[&tip], "shop to staging (#1)", Some(directory(sequence, version)));
        self.request(&head, Some(&merged));
        self.tip(&merged);
        self.source(version);
    }

    fn deployed(&mut self, revision: &str, version: &str) {
        let image = format!("r/shop@sha256:{version}");
        let deployed = Deployed { revision: revision.into(), image };
        self.0.environments[0].deployed.insert(DIRECTORY.into(), deployed);
    }

    fn object(&mut self, object: Value) {
        self.0.objects.entry("staging".into()).or_default().push(object);
    }

    /// What is found, in one text.
    fn found(&self) -> String {
        check(&self.0).to_string()
    }
}

/// Squash, merge commit, a revert, a version over it, a write that nobody merged before the next.
fn story() -> History {
    let mut history = History::new();
    history.squashed(1, "a");
    history.write("write-2", "squash-1", 2, "b");
    history.commit("merge-2", &["squash-1", "write-2"], "Merge (#2)", Some(directory(2, "b")));
    history.request("write-2", Some("merge-2"));
    history.source("b");
    // A person takes it back, through a request.
    history.commit("revert", &["merge-2"], "Revert", Some(directory(1, "a")));
    history.commit("undone", &["merge-2"], "Take it back (#3)", Some(directory(1, "a")));
    history.request("revert", Some("undone")).branch = "take-back".into();
    history.write("write-3", "undone", 3, "c");
    history.source("c");
    history.write("write-4", "write-3", 4, "d");
    let mut last = directory(4, "d");
    let record = last.record.as_mut().unwrap();
    record.commits = vec![SourceCommit { id: "source-c".into(), ..SourceCommit::default() }];
    history
        .0
        .commits
        .get_mut("write-4")
        .unwrap()
        .directories
        .insert(DIRECTORY.into(), last.clone());
    history.commit("squash-4", &["undone"], "shop to staging (#4)", Some(last));
    history.request("write-4", Some("squash-4"));
    history.source("d");
    history.tip("squash-4");
    history.deployed("squash-4", "d");
    history
}

#[test]
fn a_story_without_a_fault_holds() {
    let verdict = check(&story().0);
    assert!(verdict.holds(), "{verdict}");
    assert_eq!((verdict.sources, verdict.writes, verdict.landings, verdict.requests), (4, 4, 4, 4));
}

#[test]
fn a_forge_that_merges_once_more_after_an_outage_is_no_fault() {
    let mut history = story();
    let last = history.0.commits["squash-4"].directories[DIRECTORY].clone();
    history.commit("squash-again", &["squash-4"], "shop to staging (#4)", Some(last));
    history.0.requests[3].merged_as = Some("squash-again".into());
    history.tip("squash-again");
    let verdict = check(&history.0);
    assert!(verdict.holds(), "{verdict}");
}

#[test]
fn a_write_that_is_made_twice_is_found() {
    let mut history = story();
    history.write("again", "undone", 4, "d");
    assert!(history.found().contains("twice: write 4 of build/dev/shop: again, write-4"));
    // Into the branch itself, where no request is asked for.
    let mut history = story();
    history.write("again", "squash-4", 4, "e");
    history.tip("again");
    assert!(
        history.found().contains("twice: again on staging brings write 4"),
        "{}",
        history.found()
    );
    let mut history = story();
    history.write("again", "squash-4", 5, "d");
    history.tip("again");
    let found = history.found();
    assert!(
        found.contains("write 5 of build/dev/shop, with the content that stood there"),
        "{found}"
    );
}

#[test]
fn requests_for_the_same_are_found() {
    let mut history = story();
    history.request("write-4", None);
    let found = history.found();
    let same =
        "twice: requests 4 and 5 from staging-shop into staging offer the same commit write-4";
    assert!(found.contains(same), "{found}");
    let mut history = story();
    history.write("write-5", "squash-4", 5, "e");
    history.write("write-6", "write-5", 6, "f");
    history.request("write-5", None);
    history.request("write-6", None);
    let found = history.found();
    assert!(found.contains("requests 5 and 6 from staging-shop into staging were open at once"));
}

#[test]
fn a_second_image_of_a_commit_is_found() {
    let mut history = story();
    history.0.sources[0].images.insert("source-d".into(), "sha256:other".into());
    let found = history.found();
    assert!(found.contains("twice: the image of source-d of apps/shop: sha256:d, sha256:other"));
}

#[test]
fn a_second_object_is_found() {
    let object = |name: &str, uid: &str| {
        json!({
            "apiVersion": "carto.run/v1alpha1", "kind": "GitDeployment",
            "metadata": {"name": name, "namespace": "staging", "uid": uid,
                "ownerReferences": [{"uid": "owner"}],
                "labels": {labels::RESOURCE_NAME: "deploy", labels::TEMPLATE_LIFECYCLE: "mutable"}},
            "status": {"inventory": {"entries": [{"id": "staging_shop_apps_Deployment"}]}},
        })
    };
    let applied = |name: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": "staging", "labels": {labels::DEPLOYMENT: "1"}},
        })
    };
    let mut history = story();
    history.object(object("shop", "1"));
    history.object(applied("shop"));
    assert!(check(&history.0).holds(), "{}", history.found());
    history.object(applied("shop-2"));
    let found = history.found();
    assert!(found.contains("GitDeployment shop in staging has staging_shop-2_apps_Deployment"));
    let mut history = story();
    history.object(object("shop", "1"));
    let found = history.found();
    assert!(
        found.contains("lost: GitDeployment shop in staging lists staging_shop_apps_Deployment")
    );
    history.object(object("shop-2", "2"));
    let found = history.found();
    let twice = "twice: resource deploy in staging: GitDeployment shop, GitDeployment shop-2";
    assert!(found.contains(twice), "{found}");
}

#[test]
fn a_source_that_nothing_tells_is_found() {
    let mut history = story();
    history.source("e");
    let found = history.found();
    assert!(found.contains("lost: source commit source-e of apps/shop is told by no record"));
    // The last one has to be told by itself, also where a record lists it.
    history.0.sources[0].commits = vec!["source-d".into(), "source-c".into()];
    let found = history.found();
    assert!(found.contains("lost: source commit source-c of apps/shop"), "{found}");
}

#[test]
fn a_merge_that_is_gone_is_found() {
    let mut history = story();
    history.tip("undone");
    history.deployed("undone", "a");
    let found = history.found();
    assert!(found.contains("request 4 was merged as squash-4, which staging does not have"));
    assert!(found.contains("write 4 of build/dev/shop is in no environment's branch"), "{found}");
    let mut history = story();
    history.commit("squash-4", &["undone"], "shop to staging (#4)", None);
    let found = history.found();
    assert!(found.contains("squash-4, which has not what the request had in apps/shop"), "{found}");
}

#[test]
fn a_gap_in_the_writes_is_found() {
    let mut history = story();
    history.0.commits.get_mut("write-4").unwrap().parents = vec!["undone".into()];
    history.0.commits.remove("write-3");
    let found = history.found();
    assert!(found.contains("lost: write 3 of build/dev/shop, which wrote 4 times"), "{found}");
}

#[test]
fn an_older_write_over_a_newer_one_is_found() {
    let mut history = story();
    history.write("old", "squash-4", 2, "b");
    history.tip("old");
    let found = history.found();
    assert!(found.contains("lost: old on staging brings write 2 of build/dev/shop over write 4"));
}

#[test]
fn files_that_are_not_those_of_their_record_are_found() {
    let mut history = story();
    for id in ["write-4", "squash-4"] {
        let commit = history.0.commits.get_mut(id).unwrap();
        commit.directories.get_mut(DIRECTORY).unwrap().files.clear();
    }
    let found = history.found();
    assert!(found.contains("the files there are not those of its record"), "{found}");
}

#[test]
fn what_does_not_run_is_found() {
    let mut history = story();
    history.deployed("merge-2", "d");
    let found = history.found();
    assert!(found.contains("lost: apps/shop in staging: merge-2 is deployed, which is not what"));
    history.deployed("squash-4", "b");
    let found = history.found();
    assert!(found.contains("r/shop@sha256:b runs, the branch has r/shop@sha256:d"), "{found}");
}

/// The story, with write 5 made again of what write 4 had, on the branch that is offered, before the
/// request was squashed.
fn forgotten() -> History {
    let mut history = story();
    history.write("write-5", "write-4", 5, "d");
    history.commit("squash-4", &["undone"], "shop to staging (#4)", Some(directory(5, "d")));
    history.0.requests[3].head = "write-5".into();
    history
}

const REPEATED: &str = "twice: writes 4 and 5 of build/dev/shop have the same content";

#[test]
fn a_write_that_is_made_again_on_the_offered_branch_is_found() {
    let found = forgotten().found();
    assert!(found.contains(REPEATED), "{found}");
    // Writes of different content are none.
    assert!(!found.contains("writes 3 and 4"), "{found}");
}

#[test]
fn the_same_content_after_a_no_or_another_content_is_no_second_write() {
    let mut declined = forgotten();
    declined.request("write-4", None).state = RequestState::Closed;
    assert!(!declined.found().contains(REPEATED), "{}", declined.found());
    let mut edited = forgotten();
    edited.commit("edit", &["write-4"], "Edit", Some(directory(4, "mine")));
    edited.write("write-5", "edit", 5, "d");
    assert!(!edited.found().contains(REPEATED), "{}", edited.found());
    let mut reverted = story();
    reverted.commit("back", &["squash-4"], "Take it back", Some(directory(3, "c")));
    reverted.write("write-5", "back", 5, "d");
    assert!(!reverted.found().contains(REPEATED), "{}", reverted.found());
    // The goal went on elsewhere: that is no reason.
    let mut elsewhere = story();
    elsewhere.commit("other", &["squash-4"], "Other", None);
    elsewhere.write("write-5", "other", 5, "d");
    assert!(elsewhere.found().contains(REPEATED), "{}", elsewhere.found());
}

#[test]
fn an_environment_that_is_gone_is_found() {
    let mut history = story();
    let branch = "production".to_owned();
    history.0.environments.push(Environment { branch, ..Environment::default() });
    let found = history.found();
    assert!(found.contains("lost: branch production"), "{found}");
    history.0.environments[1].tip = "nobody-knows".into();
    let found = history.found();
    assert!(found.contains("lost: commit nobody-knows, the tip of production"), "{found}");
}

const PROMOTER: &str = "staging/staging/shop-to-production";

/// A directory as the promoter of staging writes it.
fn carried(sequence: u64, version: &str, revision: &str) -> Directory {
    let mut directory = directory(1, version);
    let record = directory.record.as_mut().unwrap();
    record.writer = PROMOTER.into();
    record.sequence = sequence;
    record.hops = vec![Hop { revision: revision.into(), ..Hop::default() }];
    directory
}

/// The story with production, which has the first version; staging verified the last.
fn with_production() -> History {
    let mut history = story();
    history.commit("production-0", &[], "Begin production", None);
    history.promote("promote-1", "production-0", carried(1, "a", "squash-1"));
    history.0.environments.push(Environment {
        branch: "production".into(),
        tip: "promote-1".into(),
        ..Environment::default()
    });
    history.0.environments[0].verified.insert(DIRECTORY.into(), "squash-4".into());
    history
}

const NOT_PROMOTED: &str = "lost: apps/shop in staging: squash-4 was verified, but did not come to \
                            production, and no request has it";

#[test]
fn a_promotion_that_is_lost_is_found() {
    let history = with_production();
    let found = history.found();
    assert!(found.contains(NOT_PROMOTED), "{found}");
    let mut history = with_production();
    history.0.environments[0].verified.insert(DIRECTORY.into(), "nobody-knows".into());
    let found = history.found();
    assert!(found.contains("nobody-knows was verified, which staging does not have"), "{found}");
}

#[test]
fn what_never_passed_is_not_asked_for() {
    let mut history = with_production();
    history.0.environments[0].verified.insert(DIRECTORY.into(), "squash-1".into());
    let verdict = check(&history.0);
    assert!(verdict.holds(), "{verdict}");
}

#[test]
fn what_went_on_is_not_lost() {
    // Production has it, also where it was taken from a later commit, and where it was taken back.
    let mut history = with_production();
    history.commit("later", &["squash-4"], "Other", None);
    history.tip("later");
    history.promote("promote-2", "promote-1", carried(2, "d", "later"));
    history.0.environments[1].tip = "promote-2".into();
    assert!(check(&history.0).holds(), "{}", history.found());
    history.commit("back", &["promote-2"], "Take it back", Some(carried(1, "a", "squash-1")));
    history.0.environments[1].tip = "back".into();
    assert!(check(&history.0).holds(), "{}", history.found());
    // The same content once more in staging does not come again over the revert.
    history.commit("c-again", &["later"], "Revert", Some(directory(3, "c")));
    history.commit("d-again", &["c-again"], "Revert the revert", Some(directory(4, "d")));
    history.tip("d-again");
    history.0.environments[0].verified.insert(DIRECTORY.into(), "d-again".into());
    let found = history.found();
    assert!(!found.contains("was verified"), "{found}");
}

#[test]
fn what_is_with_people_is_not_lost() {
    for state in [RequestState::Open, RequestState::Closed] {
        let mut history = with_production();
        history.promote("promote-2", "promote-1", carried(2, "d", "squash-4"));
        let request = history.request("promote-2", None);
        (request.base, request.state) = ("production".into(), state);
        request.branch = "production-shop".into();
        assert!(check(&history.0).holds(), "{}", history.found());
    }
}
