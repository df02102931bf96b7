//! How content comes to branches, and what becomes of it.

use super::*;

#[test]
fn plain() {
    let mut world = World::new(&["staging", "production"]);
    let staging = world.write("staging", &record(1));
    world.write("production", &promoted(1, &staging));
    assert_eq!(
        world.way("1abc1abc"),
        ["staging Direct here: current", "production Direct here: current"]
    );
    let story = world.story("1abc1abc");
    assert_eq!(story.workload.as_deref(), Some("demo/shop"));
    assert_eq!(story.arrivals[0].after, Some(1));
    let verdict = story.arrivals[0].verdict.clone().unwrap();
    assert_eq!(verdict.verification.as_deref(), Some("demo/checks"));
    assert_eq!(story.arrivals[1].verdict, None);
    assert_eq!(story.chain.len(), 1);
}

#[test]
fn merged_by_a_merge_commit() {
    let mut world = World::new(&["staging", "staging-shop"]);
    world.write("staging-shop", &record(1));
    let written = world.last().commit.clone();
    let subject = "Merge pull request 'x' (#7) from staging-shop into staging";
    world.bring("staging", &record(1), subject);
    world.last().commit.is_merge = true;
    world.last().changes[0].merged = Some(written);
    let expected = ["staging-shop Direct offer: merged", "staging Merge #7 here: current"];
    assert_eq!(world.way("latest"), expected);
    // The merge tells of its branch also where that is gone.
    world.0.branches.truncate(1);
    assert_eq!(world.way("latest"), expected);
    world.0.points[1].commit.notes.merged_branch = None;
    assert_eq!(world.way("latest")[0], "? Direct offer: merged");
}

#[test]
fn squashed_and_the_branch_deleted() {
    let mut world = World::new(&["staging"]);
    world.bring("staging", &record(1), "Write apps/shop for shop (#12)");
    assert_eq!(world.way("shop"), ["staging Squash #12 here: current"]);
    // Its author is who wrote the commits, its committer who merged them.
    world.last().commit.author = "build".into();
    world.last().commit.committer = "Mia".into();
    assert_eq!(world.story("shop").arrivals[0].author, "Mia");
}

#[test]
fn what_an_environment_did_not_carry_on() {
    let mut world = World::new(&["staging", "production"]);
    world.write("staging", &record(1));
    let carried = world.write("staging", &record(2));
    world.write("production", &promoted(2, &carried));
    let ends = |world: &World, what: &str| {
        let arrivals = world.story(what).arrivals;
        arrivals.iter().map(|arrival| arrival.went_no_further).collect::<Vec<_>>()
    };
    assert_eq!(ends(&world, &passage(1)), [true], "staging carries on, and not this");
    assert_eq!(ends(&world, &passage(2)), [false, false], "production carries nothing on");
}

#[test]
fn squashed_and_the_branch_kept() {
    let mut world = World::new(&["staging", "offers/of/build"]);
    world.write("offers/of/build", &record(1));
    world.bring("staging", &record(1), "a copy");
    assert_eq!(
        world.way("shop"),
        ["offers/of/build Direct offer: merged", "staging Squash here: current"]
    );
}

#[test]
fn rebased() {
    let mut world = World::new(&["staging", "staging-shop"]);
    world.write("staging-shop", &record(1));
    world.write("staging", &record(1));
    world.last().commit.is_copy = true;
    assert_eq!(
        world.way("shop"),
        ["staging-shop Direct offer: merged", "staging Rebase here: current"]
    );
}

#[test]
fn a_commit_on_several_branches_is_told_once() {
    let mut world = World::new(&["staging-shop", "staging", "release"]);
    world.write("staging", &record(1));
    world.start("staging-shop", "staging");
    world.start("release", "staging");
    world.write("staging-shop", &record(2));
    assert_eq!(world.way("1abc1abc"), ["release Direct here: current"]);
    assert_eq!(world.story("1abc1abc").arrivals[0].also_on, ["staging"]);
    assert_eq!(world.way("2abc2abc"), ["staging-shop Direct offer: waits"]);
}

#[test]
fn edited_on_the_way() {
    let mut world = World::new(&["staging", "production"]);
    world.write("staging", &record(1));
    let edit = What::Edited(vec!["service.yaml".into()]);
    let commit = world.commit("staging", "Ann", "another port", edit);
    let edited = EditedFiles { files: vec!["service.yaml".into()], commit: commit.clone() };
    let hop = Hop { edited: Some(edited), ..hop(&commit) };
    let child = Record { passage: passage(9), parent: Some(passage(1)), ..promoted(1, &commit) };
    world.write("production", &Record { hops: vec![hop], ..child });
    // The same story, whichever of the two passages is asked for.
    for what in ["1abc1abc", "9abc9abc", "latest", commit.as_str()] {
        let story = world.story(what);
        assert_eq!(
            world.way(what),
            ["staging Direct here: current, edited by Ann", "production Direct here: current"]
        );
        assert_eq!(story.chain.len(), 2);
        assert_eq!(story.chain[1].parent, Some(passage(1)));
        assert_eq!(story.chain[1].edited_files, ["service.yaml"]);
        assert_eq!(story.chain[1].edited_commit.as_ref(), Some(&commit));
        // The verdict is about a commit after the one that brought it.
        assert!(story.arrivals[0].verdict.is_some() && story.elsewhere.is_empty());
    }
}

#[test]
fn reverted_and_brought_back() {
    let mut world = World::new(&["staging"]);
    world.write("staging", &record(1));
    world.write("staging", &record(2));
    let revert = world.bring("staging", &record(1), "Revert \"Write\"");
    assert_eq!(world.way("2abc2abc"), ["staging Direct here: reverted by Ann to 1abc"]);
    assert_eq!(
        world.way("1abc1abc"),
        ["staging Direct here: replaced by 2abc", "staging Restored here: current"]
    );
    assert_eq!(world.story(&revert).passage, passage(1));
    world.commit("staging", "Cyd", "remove it", What::Removed);
    assert_eq!(world.way("1abc1abc")[1], "staging Restored here: reverted by Cyd");
}

#[test]
fn replaced_and_the_commits_since() {
    let mut world = World::new(&["staging"]);
    world.write("staging", &record(1));
    world.write("staging", &record(3));
    assert_eq!(world.way("1abc1abc"), ["staging Direct here: replaced by 3abc"]);
    let source = world.story("3abc3abc").source.unwrap();
    let subjects: Vec<&str> = source.commits.iter().map(|commit| commit.subject.as_str()).collect();
    assert_eq!(subjects, ["version 3", "version 2"]);
    assert!(!source.more);
}

#[test]
fn a_record_that_does_not_read() {
    let mut world = World::new(&["staging"]);
    world.write("staging", &record(1));
    world.commit("staging", "Ann", "oops", What::Unreadable("bad\u{1b}[2J".into()));
    world.commit_at("staging", "Ann", "oops", "apps/other", What::Unreadable("bad".into()));
    assert_eq!(world.way("shop"), ["staging Direct here: lost by Ann"]);
    let story = world.story("shop");
    assert_eq!(story.unreadable.len(), 1);
    assert_eq!(story.unreadable[0].problem, "bad [2J");
}

#[test]
fn what_was_there_all_along() {
    let mut world = World::new(&["staging"]);
    world.write("staging", &record(1));
    world.last().is_oldest = true;
    assert_eq!(world.way("shop"), ["staging Before here: current"]);
}

#[test]
fn a_verdict_on_a_commit_that_is_gone() {
    let mut world = World::new(&["production"]);
    world.write("production", &promoted(1, &id(0xff)));
    let story = world.story("shop");
    assert_eq!(story.elsewhere.len(), 1);
    assert_eq!(story.elsewhere[0].revision, id(0xff));
}

#[test]
fn odd_evidence_does_no_harm() {
    let mut world = World::new(&["staging", "other"]);
    let looped = Record { parent: Some(passage(2)), ..record(1) };
    world.write("staging", &looped);
    world.write("staging", &Record { parent: Some(passage(1)), ..record(2) });
    world.0.points[0].before = Some(1);
    world.0.points[1].commit.time = i64::MAX;
    world.0.points[0].commit.time = i64::MIN;
    world.0.branches[1].head = Some(99);
    world.bring("staging", &record(3), "later");
    world.last().changes[0].what = What::Written(99);
    assert!(!world.way("1abc1abc").is_empty());
    assert!(matches!(world.find("latest"), Found::One(_)));
}
