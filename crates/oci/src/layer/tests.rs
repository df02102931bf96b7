use std::io::Read as _;

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;
use crate::archive::tests::{Item, file, folder, link, program, tgz};
use crate::{Archive, Error, Limits};

fn pack(items: &[Item], from: &str, to: &str) -> Result<Layer, Error> {
    Archive::open(tgz(items), Limits::default())?.pack(&LayerRule::new(from, to, None)?, 0)
}

fn unpack(layer: &Layer) -> Vec<(String, u32, String)> {
    let mut tar = Vec::new();
    GzDecoder::new(layer.blob.data.as_ref()).read_to_end(&mut tar).unwrap();
    assert_eq!(Digest::of(&tar), layer.diff_id);
    assert_eq!(Digest::of(&layer.blob.data), layer.blob.digest);
    let mut archive = tar::Archive::new(tar.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(
            (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()),
            (0, 0, 0)
        );
        assert_eq!((header.username(), header.groupname()), (Ok(Some("")), Ok(Some(""))));
        let mode = header.mode().unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        if let Some(target) = entry.link_name_bytes() {
            content = format!("-> {}", String::from_utf8_lossy(&target));
        }
        (name, mode, content)
    });
    entries.collect()
}

fn tree() -> Vec<Item> {
    vec![
        folder("./"),
        file("README.md", "read me"),
        program("target/app", "#!/bin/app"),
        file("target/conf/app.toml", "port = 8080"),
        link("target/current", "conf/app.toml"),
    ]
}

/// Another digest here is another digest for everybody's image: change it only on purpose.
#[test]
fn the_same_input_is_the_same_layer_for_ever() {
    let layer = pack(&tree(), "target", "/opt/app").unwrap();
    assert_eq!(
        layer.diff_id.as_str(),
        "sha256:15200870fba4e7c07f3ca127c5a120cb0280155a8bf41cc509a3aea739613107"
    );
    assert_eq!(
        layer.blob.digest.as_str(),
        "sha256:3be8742cd0e5bd42a85197a4556339347b39df6732937fd5dd7b73f099e3e44d"
    );
    assert_eq!(layer.created_by, "COPY target /opt/app");
}

#[test]
fn a_layer_holds_files_parents_and_symlinks_in_order() {
    let layer = pack(&tree(), "target", "/opt/app").unwrap();
    let expected = [
        ("opt/", 0o755, ""),
        ("opt/app/", 0o755, ""),
        ("opt/app/app", 0o755, "#!/bin/app"),
        ("opt/app/conf/", 0o755, ""),
        ("opt/app/conf/app.toml", 0o644, "port = 8080"),
        ("opt/app/current", 0o777, "-> conf/app.toml"),
    ];
    assert_eq!(
        unpack(&layer),
        expected.map(|(name, mode, content)| (name.into(), mode, content.into()))
    );
}

#[test]
fn order_owner_time_and_packing_of_the_source_do_not_matter() {
    let mut other = tree();
    other.reverse();
    for item in &mut other {
        item.path = format!("./{}", item.path);
        item.mode |= 0o011;
    }
    other
        .iter_mut()
        .filter(|item| !item.path.ends_with("/app"))
        .for_each(|item| item.mode &= 0o666);
    let layers = [pack(&tree(), "target", "/x").unwrap(), pack(&other, "target", "/x").unwrap()];
    assert_eq!(layers[0].blob, layers[1].blob);
}

#[test]
fn long_names_and_targets_survive() {
    let deep = format!("d/{}/{}", "a".repeat(90), "b".repeat(90));
    let long = format!("d/{}", "ü".repeat(120));
    let layer = pack(&[file(&deep, "1"), file(&long, "2")], "d", "/").unwrap();
    let names: Vec<String> = unpack(&layer).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names[1..], [deep[2..].to_owned(), long[2..].to_owned()]);
}

#[test]
fn entries_out_of_order_are_held_up_to_a_limit() {
    let items = [file("d/b", &"b".repeat(2000)), file("d/a", "a")];
    let limits = Limits { held_bytes: 1000, ..Limits::default() };
    let rule = LayerRule::new("d", "/", None).unwrap();
    let error = Archive::open(tgz(&items), limits).unwrap().pack(&rule, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "packing the source: more than 1000 bytes that are not in order in the archive"
    );
}

#[test]
fn layers_share_their_limits() {
    let items = [file("d/b", &"0123456789abcdef".repeat(99))];
    let rule = LayerRule::new("d", "/", None).unwrap();
    let layer = pack(&items, "d", "/").unwrap();
    let packed = layer.blob.data.len() as u64;
    for (image_bytes, unpacked_bytes, message) in [
        (packed * 2 - 1, 1 << 20, "packed bytes in all layers together"),
        (1 << 20, 16 * 99 * 2 - 1, "bytes in all layers together"),
    ] {
        let limits = Limits { image_bytes, ..Limits::default() };
        let mut archive = Archive::open(tgz(&items), limits).unwrap();
        archive.limit_unpacked(unpacked_bytes);
        assert_eq!(archive.pack(&rule, 0).unwrap().blob, layer.blob);
        let error = archive.pack(&rule, 0).unwrap_err();
        assert!(error.to_string().ends_with(&format!(" {message}")), "{error}");
        assert_eq!(error.reason(), "SourceTooLarge");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_order_of_the_same_files_is_the_same_layer(
        mut files in proptest::collection::btree_map("[a-c]{1,2}(/[a-c.-]{1,3}x){0,2}", "[a-z]{0,40}", 1..12),
        seed in any::<u64>(),
    ) {
        let names: Vec<String> = files.keys().cloned().collect();
        files.retain(|name, _| !names.iter().any(|other| other.starts_with(&format!("{name}/"))));
        let mut items: Vec<Item> = files.iter().map(|(name, content)| file(name, content)).collect();
        let sorted = pack(&items, ".", "/x").unwrap();
        items.sort_by_key(|item| Digest::of(format!("{seed}{}", item.path).as_bytes()));
        prop_assert_eq!(&pack(&items, ".", "/x").unwrap().blob, &sorted.blob);
        let unpacked = unpack(&sorted).into_iter().filter(|(name, ..)| !name.ends_with('/'));
        let mut unpacked: Vec<(String, String)> = unpacked.map(|(name, _, content)| (name[2..].to_owned(), content)).collect();
        unpacked.sort();
        prop_assert_eq!(unpacked, files.into_iter().collect::<Vec<_>>());
    }
}
