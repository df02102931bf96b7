use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use rstest::rstest;

use super::*;
use crate::Class;

/// An entry of a test archive, written without the checks that honest packers make.
pub(crate) struct Item {
    pub(crate) path: String,
    pub(crate) kind: tar::EntryType,
    pub(crate) mode: u32,
    pub(crate) content: Vec<u8>,
    pub(crate) link: &'static str,
}

pub(crate) fn file(path: &str, content: &str) -> Item {
    let (path, content) = (path.to_owned(), content.as_bytes().to_vec());
    Item { path, kind: tar::EntryType::Regular, mode: 0o664, content, link: "" }
}

pub(crate) fn program(path: &str, content: &str) -> Item {
    Item { mode: 0o700, ..file(path, content) }
}

pub(crate) fn folder(path: &str) -> Item {
    special(path, tar::EntryType::Directory, "")
}

pub(crate) fn link(path: &str, target: &'static str) -> Item {
    special(path, tar::EntryType::Symlink, target)
}

pub(crate) fn special(path: &str, kind: tar::EntryType, link: &'static str) -> Item {
    Item { kind, link, ..file(path, "") }
}

pub(crate) fn tgz(items: &[Item]) -> Cursor<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for item in items {
        let mut header = tar::Header::new_gnu();
        let gnu = header.as_gnu_mut().unwrap();
        let short = item.path.as_bytes().get(..100).unwrap_or(item.path.as_bytes());
        gnu.name[..short.len()].copy_from_slice(short);
        gnu.linkname[..item.link.len()].copy_from_slice(item.link.as_bytes());
        header.set_entry_type(item.kind);
        header.set_mode(item.mode);
        header.set_uid(1000);
        header.set_gid(1000);
        header.set_mtime(1_700_000_000);
        header.set_size(item.content.len() as u64);
        header.set_cksum();
        if item.path.len() > 100 {
            let mut long = header.clone();
            long.set_entry_type(tar::EntryType::GNULongName);
            long.set_size(item.path.len() as u64);
            long.set_cksum();
            tar.append(&long, item.path.as_bytes()).unwrap();
        }
        tar.append(&header, item.content.as_slice()).unwrap();
    }
    Cursor::new(tar.into_inner().unwrap().finish().unwrap())
}

fn open(items: &[Item]) -> Result<Archive<Cursor<Vec<u8>>>, Error> {
    Archive::open(tgz(items), Limits::default())
}

fn paths(archive: &Archive<Cursor<Vec<u8>>>) -> Vec<&str> {
    archive.entries().iter().map(|entry| entry.path.as_str()).collect()
}

/// A few bytes that say they are an exabyte of zeros (T-04).
#[test]
fn a_sparse_file_without_end_is_passed_over() {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_path("hole").unwrap();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_mode(0o644);
    header.set_size(1);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.realsize.copy_from_slice(b"77777777777\0");
    gnu.sparse[0].offset.copy_from_slice(b"77777777776\0");
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000001\0");
    header.set_cksum();
    tar.append(&header, &b"x"[..]).unwrap();
    let mut after = tar::Header::new_gnu();
    after.set_path("after").unwrap();
    after.set_mode(0o644);
    after.set_size(1);
    after.set_cksum();
    tar.append(&after, &b"y"[..]).unwrap();
    let packed = Cursor::new(tar.into_inner().unwrap().finish().unwrap());
    let archive = Archive::open(packed, Limits::default()).unwrap();
    assert!(paths(&archive).contains(&"after"));
}

#[test]
fn an_archive_is_listed() {
    let long = format!("{}/x", "d".repeat(150));
    let archive = open(&[
        folder("./"),
        file("./a//b.txt", "hello"),
        program("bin/run", "#!"),
        link("bin/alias", "/etc/passwd"),
        file(&long, ""),
        file("unit\\x2d.swap", ""),
    ])
    .unwrap();
    assert_eq!(paths(&archive), ["", "a/b.txt", "bin/run", "bin/alias", &long, "unit\\x2d.swap"]);
    let kinds: Vec<&Kind> = archive.entries().iter().map(|entry| &entry.kind).collect();
    assert_eq!(*kinds[1], Kind::File { size: 5, executable: false });
    assert_eq!(*kinds[2], Kind::File { size: 2, executable: true });
    assert_eq!(*kinds[3], Kind::Symlink { target: "/etc/passwd".into() });
}

#[rstest]
#[case(file("../x", ""), "leads out")]
#[case(file("a/../../x", ""), "leads out")]
#[case(file("/etc/passwd", ""), "absolute")]
#[case(file(&format!("{}/x", "d/".repeat(2050)), ""), "longer than 4096")]
#[case(file(&format!("{}/x", "d/".repeat(200)), ""), "128 folders deep")]
#[case(special("dev/sda", tar::EntryType::Block, ""), "device")]
#[case(special("dev/null", tar::EntryType::Char, ""), "device")]
#[case(special("pipe", tar::EntryType::Fifo, ""), "pipe")]
fn hostile_entries_refuse_the_archive(#[case] item: Item, #[case] problem: &str) {
    let error = open(&[file("ok", ""), item]).unwrap_err();
    assert!(error.to_string().contains(problem), "{error}");
    assert_eq!((error.reason(), error.class()), ("ArtifactInvalid", Class::Stalled));
}

#[rstest]
#[case(special("a", tar::EntryType::Link, "b"), "hard link")]
#[case(link("a", ""), "symlink")]
fn odd_entries_stay_unusable(#[case] item: Item, #[case] problem: &str) {
    let archive = open(&[item]).unwrap();
    let Kind::Unusable(why) = archive.entries()[0].kind else { panic!() };
    assert!(why.contains(problem), "{why}");
}

#[rstest]
#[case(b"".to_vec())]
#[case(b"hello, I am no archive".to_vec())]
#[case(tgz(&[file("a", "b")]).into_inner()[..60].to_vec())]
fn no_archive_is_an_error(#[case] bytes: Vec<u8>) {
    let error = Archive::open(Cursor::new(bytes), Limits::default()).unwrap_err();
    assert_eq!(error.reason(), "ArtifactInvalid");
}

/// 1 GiB of zeros in 1 MiB: as one file, as a long name, as many files.
#[rstest]
#[case(tar::EntryType::Regular, "when unpacked")]
#[case(tar::EntryType::GNULongName, "of headers")]
#[case(tar::EntryType::XHeader, "of headers")]
fn t_04_a_bomb_stops_at_the_budget(#[case] kind: tar::EntryType, #[case] unit: &str) {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut header = tar::Header::new_gnu();
    header.set_path("bomb").unwrap();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(1 << 30);
    header.set_cksum();
    gzip.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..64 {
        gzip.write_all(&zeros).unwrap();
    }
    let bytes = gzip.finish().unwrap();
    let packed = bytes.len() as u64;
    let error = Archive::open(Cursor::new(bytes), Limits::default()).unwrap_err();
    assert!(error.to_string().contains(unit), "{error}");
    let Error::SourceTooLarge { limit, .. } = error else { panic!() };
    assert!(limit <= Limits::RATIO_FREE.max(packed * 200), "{limit}");
    assert_eq!((error.reason(), error.class()), ("SourceTooLarge", Class::Stalled));
}

#[test]
fn t_04_names_are_counted() {
    let long = "x/".repeat(100) + &"y".repeat(3800);
    let items: Vec<Item> = (0..5000).map(|n| file(&format!("{long}{n}"), "")).collect();
    let roomy = Limits { ratio: 10_000, ..Limits::default() };
    let error = Archive::open(tgz(&items), roomy).unwrap_err();
    assert_eq!(error.to_string(), "packing the source: more than 16777216 bytes of names");
}

#[test]
fn t_04_entries_are_counted() {
    let items: Vec<Item> = (0..100_000).map(|n| file(&format!("d/{n}"), "")).collect();
    let error = Archive::open(tgz(&items), Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "packing the source: more than 50000 entries");
}
