//! Tarballs: reproducible, whole, and nothing in them that was not asked for.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use portolan_git::{Archive, Archived, Error};
use portolan_testbed::git_server::Change;
use tempfile::TempDir;

use crate::lab::{ANN, Lab, REPO};

/// What `every_kind_of_entry` packs, on any machine and in any version.
const GOLDEN: &str = "sha256:1d053bcaada5d7d429c777186f71f3c02ba4ee3bb2014414aaa33f0ecaf104b2";

struct Made {
    archived: Archived,
    bytes: Vec<u8>,
    _folder: TempDir,
}

async fn make(lab: &Lab, commit: &str, path: &str, ignore: &[&str]) -> Result<Made, Error> {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("tree.tar.gz");
    let archive = Archive {
        reference: "refs/heads/main".into(),
        commit: commit.into(),
        path: path.into(),
        ignore: ignore.iter().map(|pattern| (*pattern).to_owned()).collect(),
        to: to.clone(),
    };
    let archived = lab.service.archive(&lab.repo(), archive).await;
    let files: Vec<PathBuf> =
        std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path()).collect();
    let archived = match archived {
        Ok(archived) => archived,
        Err(error) => {
            assert_eq!(files, Vec::<PathBuf>::new(), "nothing is left behind");
            return Err(error);
        }
    };
    assert_eq!(files, [to.as_path()]);
    let bytes = std::fs::read(&to).unwrap();
    assert_eq!(bytes.len() as u64, archived.size);
    Ok(Made { archived, bytes, _folder: folder })
}

/// Path, kind and mode, content or target of each entry.
fn entries(bytes: &[u8]) -> Vec<(Vec<u8>, String, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let owner = (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap());
        assert_eq!(owner, (0, 0, 0));
        assert_eq!(
            (header.username_bytes(), header.groupname_bytes()),
            (Some(&b""[..]), Some(&b""[..]))
        );
        let kind = format!("{:?} {:o}", header.entry_type(), header.mode().unwrap());
        let mut content = entry.link_name_bytes().map(|name| name.to_vec()).unwrap_or_default();
        entry.read_to_end(&mut content).unwrap();
        (entry.path_bytes().to_vec(), kind, content)
    };
    archive.entries().unwrap().map(read).collect()
}

async fn every_kind(lab: &Lab) -> String {
    let sub = b"0123456789012345678901234567890123456789";
    let change = |path, mode, content| Change { path, mode, content: Some(content) };
    let long = "long/".repeat(30) + "name";
    let changes = [
        change("app/run.sh", "100755", b"#!/bin/sh\n".as_slice()),
        change("app/a.txt", "100644", b"text\r\n"),
        change("app/empty", "100644", b""),
        change("app/binary", "100644", b"\x00\xff\x00"),
        change("app/link", "120000", b"/etc/passwd"),
        change("app/sub", "160000", sub),
        change("app/.portolan/passage", "100644", b"{}"),
        change("app/.hidden", "100644", b"x"),
        change("app/docs/x.md", "100644", b"x"),
        change(&long, "100644", b"x"),
        change("other/b.txt", "100644", b"other"),
    ];
    lab.server.commit_changes(REPO, "main", &changes, "all", ANN).await.unwrap()
}

#[tokio::test]
async fn every_kind_of_entry() {
    let lab = Lab::new().await;
    let commit = every_kind(&lab).await;
    let made = make(&lab, &commit, ".", &[]).await.unwrap();
    let entries = entries(&made.bytes);
    let found: BTreeMap<String, (String, Vec<u8>)> = entries
        .iter()
        .map(|(path, kind, content)| {
            (String::from_utf8(path.clone()).unwrap(), (kind.clone(), content.clone()))
        })
        .collect();
    let is = |path: &str, kind: &str, content: &[u8]| {
        assert_eq!(found[path], (kind.to_owned(), content.to_vec()), "{path}");
    };
    is("app/run.sh", "Regular 755", b"#!/bin/sh\n");
    is("app/a.txt", "Regular 644", b"text\r\n");
    is("app/empty", "Regular 644", b"");
    is("app/binary", "Regular 644", b"\x00\xff\x00");
    is("app/link", "Symlink 777", b"/etc/passwd");
    is("app/sub/", "Directory 755", b"");
    is("app/.portolan/passage", "Regular 644", b"{}");
    is(&("long/".repeat(30) + "name"), "Regular 644", b"x");
    assert_eq!(found.len(), 11);
    let paths: Vec<&Vec<u8>> = entries.iter().map(|(path, ..)| path).collect();
    assert!(paths.is_sorted(), "{paths:?}");
    assert_eq!(made.archived.tree, lab.git(&["rev-parse", "main^{tree}"]).await);
    assert_eq!(made.archived.digest, GOLDEN);
}

#[tokio::test]
async fn same_tree_same_bytes() {
    let mut lab = Lab::new().await;
    let commit = every_kind(&lab).await;
    let first = make(&lab, &commit, "app", &["docs/"]).await.unwrap();
    // Another commit of the same tree, another machine, a worker without a cache.
    let again = lab.commit("main", &[("other/b.txt", Some("changed"))], "elsewhere").await;
    lab.restart();
    let second = make(&lab, &again, "app", &["docs/"]).await.unwrap();
    assert_eq!(first.archived, second.archived);
    assert_eq!(first.bytes, second.bytes);
    let paths =
        entries(&first.bytes).into_iter().map(|(path, ..)| String::from_utf8(path).unwrap());
    let paths: Vec<String> = paths.collect();
    assert!(
        paths.iter().all(|path| path.starts_with("app/") && !path.contains("docs")),
        "{paths:?}"
    );
    let looked = lab.look("main", "app", |look| look.ignore = vec!["docs/".into()]).await.unwrap();
    assert_eq!(looked.tree, first.archived.tree);
}

#[tokio::test]
async fn names_that_are_no_text_keep_their_bytes() {
    let lab = Lab::new().await;
    lab.commit("main", &[("a", Some("1"))], "first").await;
    let commit =
        raw_commit(&lab, &[("100644", b"caf\xe9"), ("100644", b"line\nbreak"), ("40000", b".git")])
            .await;
    let made = make(&lab, &commit, ".", &[]).await.unwrap();
    let paths: Vec<Vec<u8>> = entries(&made.bytes).into_iter().map(|(path, ..)| path).collect();
    assert_eq!(paths, [b"caf\xe9".to_vec(), b"line\nbreak".to_vec()]);
}

#[tokio::test]
async fn names_that_lead_out_are_refused() {
    let lab = Lab::new().await;
    for name in [b"..".as_slice(), b"a/../../b", b"."] {
        lab.commit("main", &[("a", Some("1"))], "first").await;
        let commit = raw_commit(&lab, &[("100644", name)]).await;
        let error = make(&lab, &commit, ".", &[]).await.err().unwrap();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
    }
}

/// A commit of entries that git itself would not make, on branch `main`.
async fn raw_commit(lab: &Lab, entries: &[(&str, &[u8])]) -> String {
    let blob = lab.git(&["rev-parse", "main:a"]).await;
    let empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    let mut bytes = Vec::new();
    for (mode, name) in entries {
        let id = if *mode == "40000" { empty } else { &blob };
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend((0..20).map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).unwrap()));
    }
    let file = lab.cache().join("tree");
    std::fs::write(&file, bytes).unwrap();
    let hash = ["hash-object", "-t", "tree", "-w", "--literally", file.to_str().unwrap()];
    let tree = lab.git(&hash).await;
    lab.git(&["hash-object", "-t", "tree", "-w", "/dev/null"]).await;
    let author = ["-c", "user.name=x", "-c", "user.email=x@example.test"];
    let commit = lab.git(&[&author[..], &["commit-tree", "-m", "raw", &tree]].concat()).await;
    lab.git(&["update-ref", "refs/heads/main", &commit]).await;
    commit
}

#[tokio::test]
async fn a_commit_that_the_branch_has_left_behind() {
    let mut lab = Lab::new().await;
    let old = lab.commit("main", &[("a", Some("1"))], "old").await;
    lab.commit("main", &[("a", Some("2"))], "new").await;
    let first = make(&lab, &old, ".", &[]).await.unwrap();
    lab.restart();
    // Where the server gives out references only, the history is fetched.
    assert_eq!(make(&lab, &old, ".", &[]).await.unwrap().bytes, first.bytes);
    lab.restart();
    lab.git(&["config", "uploadpack.allowReachableSHA1InWant", "true"]).await;
    assert_eq!(make(&lab, &old, ".", &[]).await.unwrap().bytes, first.bytes);
    let gone = make(&lab, &"12".repeat(20), ".", &[]).await.err().unwrap();
    assert!(matches!(gone, Error::CommitGone { .. }), "{gone}");
}

/// T-04: bombs.
#[tokio::test]
async fn caps_on_bytes_and_entries() {
    let lab = Lab::with(|options| {
        options.limits.archive_bytes = 1000;
        options.limits.archive_entries = 5;
    })
    .await;
    let big = lab.commit("main", &[("zeros", Some(&"0".repeat(1001)))], "big").await;
    assert!(matches!(make(&lab, &big, ".", &[]).await.err(), Some(Error::TooLarge { .. })));
    let names: Vec<String> = (0..6).map(|n| n.to_string()).collect();
    let files: Vec<(&str, Option<&str>)> =
        names.iter().map(|name| (name.as_str(), Some("x"))).collect();
    let many = lab.commit("main", &[&files[..], &[("zeros", None)]].concat(), "many").await;
    assert!(matches!(make(&lab, &many, ".", &[]).await.err(), Some(Error::TooLarge { .. })));
    assert!(make(&lab, &many, ".", &["5"]).await.is_ok());
}
