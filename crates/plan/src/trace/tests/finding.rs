//! Which change is meant.

use super::*;

fn passages(found: &Found) -> Vec<String> {
    match found {
        Found::Nothing => Vec::new(),
        Found::One(one) => vec![one.passage[..4].to_owned()],
        Found::Many(many) => many.iter().map(|one| one.passage[..4].to_owned()).collect(),
    }
}

#[test]
fn an_application_by_path_name_or_workload() {
    let mut world = World::new(&["staging"]);
    world.write("staging", &record(1));
    world.write_at("staging", "apps/till", &record(2));
    world.write("staging", &record(3));
    for what in ["shop", "apps/shop", "./apps/shop/", "latest"] {
        assert_eq!(passages(&world.find(what)), ["3abc"], "{what}");
    }
    assert_eq!(passages(&world.find("till")), ["2abc"]);
    assert_eq!(world.find("sho"), Found::Nothing);
    // The workload of both is demo/shop.
    assert_eq!(passages(&world.find("demo/shop")), ["3abc", "2abc"]);
}

#[test]
fn one_name_in_two_folders_is_not_clear_unless_one_came_from_the_other() {
    let mut world = World::new(&["main"]);
    let staging = world.write_at("main", "staging/shop", &record(1));
    world.write_at("main", "production/shop", &promoted(1, &staging));
    assert_eq!(passages(&world.find("shop")), ["1abc"]);
    assert_eq!(world.way("shop"), ["main Direct here: current", "main Direct here: current"]);
    world.write_at("main", "other/shop", &record(2));
    assert_eq!(passages(&world.find("shop")), ["2abc", "1abc"]);
    assert_eq!(passages(&world.find("other/shop")), ["2abc"]);
}

#[test]
fn two_applications_with_one_passage_are_told_apart_by_their_path() {
    let mut world = World::new(&["staging"]);
    world.write_at("staging", "apps/a", &record(1));
    world.write_at("staging", "apps/b", &record(1));
    let query = Query::read("1abc1abc").unwrap();
    assert_eq!(passages(&find(&world.0, &query, None)), ["1abc", "1abc"]);
    let Found::One(found) = find(&world.0, &query, Some("apps/b")) else { panic!("not clear") };
    assert_eq!(found.path, "apps/b");
    let story = tell(&world.0, &found);
    assert_eq!(story.arrivals.len(), 1);
    assert_eq!(story.arrivals[0].path, "apps/b");
    // The commit says which of the two.
    assert_eq!(world.story(&id(2)).path, "apps/b");
    assert!(matches!(world.find("latest"), Found::One(_)));
}

#[test]
fn the_beginning_of_several_ids() {
    let mut world = World::new(&["staging"]);
    world.write("staging", &Record { passage: format!("abcdef1{}", "0".repeat(57)), ..record(1) });
    world.write("staging", &Record { passage: format!("abcdef2{}", "0".repeat(57)), ..record(2) });
    assert_eq!(passages(&world.find("abcdef")).len(), 2);
    assert_eq!(passages(&world.find("ABCDEF2")).len(), 1);
    assert_eq!(world.find("abcdef3"), Found::Nothing);
}

#[test]
fn commits_of_source_and_configuration() {
    let mut world = World::new(&["staging"]);
    world.write("staging", &record(1));
    world.write_at("staging", "apps/till", &Record { commits: Vec::new(), ..record(5) });
    world.write("staging", &record(3));
    // A commit that changed nothing of ours, and one that a person made.
    world.commit("staging", "Ann", "quiet", What::Removed);
    world.last().changes.clear();
    assert_eq!(passages(&world.find(&id(1)[..10])), ["1abc"]);
    assert_eq!(passages(&world.find(&id(4))), ["3abc", "5abc"]);
    // Version 2 was never built by itself: it came with version 3.
    for (source, passage) in [(0xa1, "1abc"), (0xa2, "3abc"), (0xa3, "3abc")] {
        assert_eq!(passages(&world.find(&id(source)[..8])), [passage], "{source:x}");
    }
}

#[test]
fn an_application_may_have_the_name_of_an_id() {
    let mut world = World::new(&["staging"]);
    world.write_at("staging", "apps/facade", &record(1));
    assert_eq!(passages(&world.find("facade")), ["1abc"]);
}

#[test]
fn nothing_in_an_empty_repository() {
    let world = World::new(&[]);
    for what in ["latest", "shop", "abcdef"] {
        assert_eq!(world.find(what), Found::Nothing);
    }
}
