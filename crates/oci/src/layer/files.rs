//! Layers of files that are at hand, without a source archive.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Layer;
use super::plan::{Member, directory};
use super::tarball::Tarball;
use crate::error::Error;
use crate::image::{Blob, LAYER};
use crate::text::shown;

/// Set-user-id, set-group-id and sticky bit.
const SPECIAL: u32 = 0o7000;

/// A file of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFile {
    /// Absolute path in the image.
    pub path: String,
    /// Permission bits; no set-user-id and the like.
    pub mode: u32,
    /// Content.
    pub data: Bytes,
}

impl Layer {
    /// Packs files at their paths, whatever order they come in; every folder on the way is an entry with mode 0755.
    /// `created_by` tells the image's history what the layer is; entries are as old as `mtime`, in seconds since the
    /// epoch.
    ///
    /// # Errors
    ///
    /// [`Error::LayerInvalid`] for a path that is not absolute and plain, stands there twice or is a folder of
    /// another, and for a mode with more than permission bits.
    pub fn of_files(
        files: Vec<LayerFile>,
        created_by: impl Into<String>,
        mtime: u64,
    ) -> Result<Self, Error> {
        let mut members: BTreeMap<String, (Member, Bytes)> = BTreeMap::new();
        for LayerFile { path, mode, data } in files {
            let name = plain(&path)?.to_owned();
            if mode & SPECIAL != 0 || mode > 0o7777 {
                return Err(invalid(&path, &format!("mode {mode:04o} is more than permissions")));
            }
            for (slash, _) in name.match_indices('/') {
                let folder = (directory(&name[..slash]), Bytes::new());
                members.insert(name[..=slash].to_owned(), folder);
            }
            let member = Member::File { place: 0, size: data.len() as u64, mode };
            if members.insert(name, (member, data)).is_some() {
                return Err(invalid(&path, "it is there twice"));
            }
        }
        if let Some(name) = members.keys().find(|name| members.contains_key(&format!("{name}/"))) {
            return Err(invalid(&format!("/{name}"), "it would be a file and a folder"));
        }
        let mut tarball = Tarball::new(u64::MAX, mtime);
        for (name, (member, data)) in &members {
            // Memory neither fails nor ends early.
            tarball.append(name, member, &mut data.as_ref()).map_err(Error::ArchiveUnreadable)?;
        }
        let (data, digest, diff_id) = tarball.finish().map_err(Error::ArchiveUnreadable)?;
        let blob = Blob { media_type: LAYER.into(), digest, data };
        Ok(Self { blob, diff_id, created_by: created_by.into() })
    }
}

/// The path without its first slash.
fn plain(path: &str) -> Result<&str, Error> {
    let name = path.strip_prefix('/').ok_or_else(|| invalid(path, "it must be absolute"))?;
    let odd = |part: &str| matches!(part, "" | "." | "..") || part.starts_with(".wh.");
    if name.contains('\0') || name.split('/').any(odd) {
        return Err(invalid(path, "it must be plain, without `.`, `..`, `//` and `.wh.`"));
    }
    Ok(name)
}

fn invalid(path: &str, problem: &str) -> Error {
    Error::LayerInvalid { path: shown(path), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use rstest::rstest;

    fn layer_file(path: &str, mode: u32, data: &'static str) -> LayerFile {
        LayerFile { path: path.into(), mode, data: Bytes::from(data) }
    }

    fn listed(layer: &Layer) -> Vec<(String, u32, u64, String)> {
        let gunzip = flate2::read::GzDecoder::new(layer.blob.data.as_ref());
        let mut archive = tar::Archive::new(gunzip);
        let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            (path, header.mode().unwrap(), header.mtime().unwrap(), content)
        };
        archive.entries().unwrap().map(read).collect()
    }

    #[test]
    fn files_stand_at_their_paths_in_order() {
        let files = vec![layer_file("/usr/bin/b", 0o755, "b"), layer_file("/a", 0o644, "a")];
        let layer = Layer::of_files(files.clone(), "files", 7).unwrap();
        let entry =
            |path: &str, mode, content: &str| (path.to_owned(), mode, 7, content.to_owned());
        let expected = [
            entry("a", 0o644, "a"),
            entry("usr/", 0o755, ""),
            entry("usr/bin/", 0o755, ""),
            entry("usr/bin/b", 0o755, "b"),
        ];
        assert_eq!(listed(&layer), expected);
        let again = Layer::of_files(files.into_iter().rev().collect(), "files", 7).unwrap();
        assert_eq!(again.blob, layer.blob);
        assert_eq!(again.diff_id, layer.diff_id);
    }

    #[rstest]
    #[case(&["a"], 0o644, "absolute")]
    #[case(&["/"], 0o644, "plain")]
    #[case(&["/a/../b"], 0o644, "plain")]
    #[case(&["/a//b"], 0o644, "plain")]
    #[case(&["/a/.wh.b"], 0o644, "plain")]
    #[case(&["/a", "/a"], 0o644, "twice")]
    #[case(&["/a", "/a/b"], 0o644, "a file and a folder")]
    #[case(&["/a/b", "/a"], 0o644, "a file and a folder")]
    #[case(&["/a"], 0o4755, "mode 4755")]
    #[case(&["/a"], 0o100_755, "permissions")]
    fn others_are_refused(#[case] paths: &[&str], #[case] mode: u32, #[case] problem: &str) {
        let files = paths.iter().map(|path| layer_file(path, mode, "")).collect();
        let error = Layer::of_files(files, "files", 0).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}
