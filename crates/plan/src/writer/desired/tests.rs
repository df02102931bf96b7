use super::*;

fn tree(files: &[(&str, &str)]) -> BTreeMap<String, DesiredFile> {
    files
        .iter()
        .map(|(path, text)| {
            ((*path).to_owned(), DesiredFile::new("100644", text.as_bytes().to_vec()))
        })
        .collect()
}

fn origin() -> Origin {
    Origin {
        environment: "staging".into(),
        cluster: "stage".into(),
        revision: "main@sha1:abc".into(),
        verification: Some("dev/app".into()),
    }
}

fn first() -> (Desired, Record) {
    let provenance = WriterProvenance { image: Some("r/a@sha256:1".into()), ..Default::default() };
    let desired =
        from_files(&[("a.yaml".to_owned(), "a: 1".to_owned())].into(), &provenance).unwrap();
    let record = Record {
        writer: "build/dev/app".into(),
        sequence: 4,
        passage: desired.carried.passage.clone(),
        provenance,
        digest: desired.digest.clone(),
        files: recorded(&desired.files),
        ..Record::default()
    };
    (desired, record)
}

fn promote(mut files: BTreeMap<String, DesiredFile>, record: &Record) -> Desired {
    files.insert(record::FILE.into(), DesiredFile::new("100644", record.write()));
    from_tree(files, "apps/app", &[], &WriterProvenance::default(), &origin()).unwrap()
}

#[test]
fn a_promotion_carries_the_passage_and_appends_a_hop() {
    let (desired, record) = first();
    let promoted = promote(tree(&[("a.yaml", "a: 1")]), &record);
    assert_eq!(promoted.digest, desired.digest);
    assert_eq!(promoted.carried.passage, desired.carried.passage);
    assert_eq!(promoted.carried.parent, None);
    assert_eq!(promoted.carried.provenance, record.provenance);
    let hop = &promoted.carried.hops[0];
    assert_eq!((hop.environment.as_str(), hop.revision.as_str()), ("staging", "main@sha1:abc"));
    assert_eq!(hop.verification.as_deref(), Some("dev/app"));
    assert!(!promoted.files.contains_key(record::FILE), "the record belongs to the branch");
}

#[test]
fn an_edit_on_the_way_begins_a_passage_that_names_its_parent_and_the_files() {
    let (desired, record) = first();
    let promoted = promote(tree(&[("a.yaml", "a: 2"), ("new.yaml", "n")]), &record);
    assert_ne!(promoted.carried.passage, desired.carried.passage);
    assert_eq!(promoted.carried.parent, Some(desired.carried.passage));
    let edited = promoted.carried.hops[0].edited.clone().unwrap();
    assert_eq!(
        (edited.files, edited.commit.as_str()),
        (vec!["a.yaml".into(), "new.yaml".into()], "abc")
    );
}

#[test]
fn a_tree_without_a_record_begins_a_passage_of_its_own() {
    let own = WriterProvenance { workload: Some("dev/app".into()), ..Default::default() };
    let desired = from_tree(tree(&[("a", "1")]), ".", &[], &own, &origin()).unwrap();
    assert_eq!(desired.carried.passage, record::passage_id(&own, &desired.digest));
    assert_eq!(desired.carried.hops.len(), 1);
}

#[test]
fn what_is_below_the_records_folder_comes_along_only_where_it_is_included() {
    let files = tree(&[("a", "1"), (".portolan/sbom", "s"), (".portolan/other", "o")]);
    let none = WriterProvenance::default();
    let include = ["sbom".to_owned(), "passage".to_owned()];
    let desired = from_tree(files, ".", &include, &none, &origin()).unwrap();
    assert_eq!(desired.extra.keys().collect::<Vec<_>>(), [".portolan/sbom"]);
    assert_eq!(desired.files.keys().collect::<Vec<_>>(), ["a"]);
}

/// T-01.
#[test]
fn paths_that_leave_the_directory_are_refused() {
    for path in [
        "../x",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        ".",
        "",
        "C:\\x",
        "a\\..\\b",
        "nul\0",
        "a/.git/config",
        ".GIT/hooks/x",
        "git~1/x",
        ".g\u{200c}it/x",
        ".git./x",
        ".git ",
        "a\nb",
        "x/.portolan/passage",
        "c:x",
        &"a".repeat(1025),
    ] {
        let files = [(path.to_owned(), String::new())].into();
        let error = from_files(&files, &WriterProvenance::default()).unwrap_err();
        assert!(matches!(error, DesiredError::Path { .. }), "{path:?}: {error}");
    }
    for path in ["a", "a/b.yaml", ".gitignore", "a/.gitkeep", "weird name", "ünï"] {
        let files = [(path.to_owned(), String::new())].into();
        assert!(from_files(&files, &WriterProvenance::default()).is_ok(), "{path:?}");
    }
}

#[test]
fn a_path_is_a_file_or_a_directory() {
    let files = [("a".to_owned(), String::new()), ("a/b".to_owned(), String::new())].into();
    let error = from_files(&files, &WriterProvenance::default()).unwrap_err();
    assert_eq!(error, DesiredError::FileAndDirectory { path: "a".into() });
}

#[test]
fn nothing_to_write_is_an_error_not_a_removal() {
    let none = WriterProvenance::default();
    let error =
        from_tree(tree(&[(".portolan/x", "")]), "apps/app", &[], &none, &origin()).unwrap_err();
    assert_eq!(error, DesiredError::Empty { place: "apps/app".into() });
}

#[test]
fn a_record_that_does_not_read_stops_the_promotion() {
    let files = tree(&[("a", "1"), (".portolan/passage", "nonsense")]);
    let error =
        from_tree(files, "apps/app", &[], &WriterProvenance::default(), &origin()).unwrap_err();
    assert!(error.to_string().starts_with("apps/app/.portolan/passage: the record does not read"));
}
