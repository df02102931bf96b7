use super::*;

fn commit(repo: &Repository) -> git2::Oid {
    let tree = repo.treebuilder(None).unwrap().write().unwrap();
    let tree = repo.find_tree(tree).unwrap();
    let author = git2::Signature::now("Ann", "ann@example.test").unwrap();
    repo.commit(None, &author, &author, "x", &tree, &[]).unwrap()
}

fn store(scratch: &Path) -> Store {
    Store::new(scratch.join("read.git"), false)
}

/// A store that has fetched something.
fn used(scratch: &Path) -> Store {
    let mut store = store(scratch);
    let repo = store.repo().unwrap();
    repo.reference(&kept("refs/heads/main"), commit(repo), true, "").unwrap();
    store.reopen();
    store
}

fn has_reference(store: &mut Store) -> bool {
    store.repo().unwrap().find_reference(&kept("refs/heads/main")).is_ok()
}

#[test]
fn what_is_sound_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let _ = used(scratch.path());
    assert!(has_reference(&mut store(scratch.path())));
}

#[test]
fn a_lock_of_a_dead_worker_costs_the_cache() {
    let scratch = tempfile::tempdir().unwrap();
    let _ = used(scratch.path());
    fs::write(scratch.path().join("read.git/refs/portolan/x.lock"), "").unwrap();
    assert!(!has_reference(&mut store(scratch.path())));
}

#[test]
fn a_reference_to_nothing_costs_the_cache() {
    let scratch = tempfile::tempdir().unwrap();
    let _ = used(scratch.path());
    fs::remove_dir_all(scratch.path().join("read.git/objects")).unwrap();
    fs::create_dir_all(scratch.path().join("read.git/objects")).unwrap();
    assert!(!has_reference(&mut store(scratch.path())));
}

#[test]
fn a_broken_folder_is_made_anew() {
    let scratch = tempfile::tempdir().unwrap();
    fs::create_dir_all(scratch.path().join("read.git")).unwrap();
    fs::write(scratch.path().join("read.git/HEAD"), [0xff; 100]).unwrap();
    assert!(store(scratch.path()).repo().unwrap().is_bare());
}

#[test]
fn a_crowded_cache_is_dropped_before_the_next_fetch() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = used(scratch.path());
    store.repo().unwrap();
    let packs = scratch.path().join("read.git/objects/pack");
    fs::create_dir_all(&packs).unwrap();
    for number in 0..=MAX_PACKS {
        fs::write(packs.join(format!("pack-{number}.pack")), "").unwrap();
    }
    store.tidy();
    assert!(!has_reference(&mut store));
}

#[test]
fn half_a_pack_is_removed() {
    let scratch = tempfile::tempdir().unwrap();
    let _ = used(scratch.path());
    let packs = scratch.path().join("read.git/objects/pack");
    fs::create_dir_all(&packs).unwrap();
    fs::write(packs.join("pack_git2_a1b2"), "half").unwrap();
    assert!(has_reference(&mut store(scratch.path())));
    assert_eq!(fs::read_dir(packs).unwrap().count(), 0);
}

#[test]
fn what_is_built_is_not_on_disk() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("write.git");
    let mut store = Store::new(path.clone(), true);
    let built = commit(store.repo().unwrap());
    assert!(store.repo().unwrap().find_commit(built).is_ok());
    store.reopen();
    assert!(store.repo().unwrap().find_commit(built).is_err());
    store.count_built(MAX_BUILT + 1);
    let built = commit(store.repo().unwrap());
    store.tidy();
    assert!(store.repo().unwrap().find_commit(built).is_err());
}

#[test]
fn names_below_names_are_kept_side_by_side() {
    assert_ne!(kept("refs/heads/a"), kept("refs/heads/a/b"));
    assert!(kept("refs/heads/a").starts_with("refs/portolan/"));
}
