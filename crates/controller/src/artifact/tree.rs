//! Reading files out of a tarball, within bounds, without putting anything on disk.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use portolan_api::native::reasons::stalled;
use tar::EntryType;

use super::store::storage;
use crate::trouble::Trouble;

/// Most bytes all entries may have when unpacked.
const MAX_BYTES: u64 = 512 << 20;
/// Most bytes the wanted files may have.
const MAX_WANTED: usize = 64 << 20;
/// Most entries.
const MAX_ENTRIES: usize = 100_000;

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeFile {
    /// git file mode: `100644`, `100755` or `120000`.
    pub(crate) mode: &'static str,
    /// Content, or the target of a symlink.
    pub(crate) content: Vec<u8>,
}

/// The files below a directory of a tarball, by path relative to it; `.` is all of it.
pub(crate) fn read_tree(file: &Path, dir: &str) -> Result<BTreeMap<String, TreeFile>, Trouble> {
    let reader = std::fs::File::open(file).map_err(|error| storage(&error))?;
    let unpacked = GzDecoder::new(std::io::BufReader::new(reader)).take(MAX_BYTES + 1);
    let mut archive = tar::Archive::new(unpacked);
    let mut files = BTreeMap::new();
    let (mut entries, mut bytes) = (0, 0);
    for entry in archive.entries().map_err(|error| unreadable(&error))? {
        let mut entry = entry.map_err(|error| unreadable(&error))?;
        entries += 1;
        if entries > MAX_ENTRIES {
            return Err(too_large(format!("more than {MAX_ENTRIES} entries")));
        }
        let mode = match entry.header().entry_type() {
            EntryType::Regular if entry.header().mode().unwrap_or_default() & 0o111 != 0 => {
                "100755"
            }
            EntryType::Regular => "100644",
            EntryType::Symlink => "120000",
            _ => continue,
        };
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(relative) = below(&path, dir) else { continue };
        let mut content = Vec::new();
        if mode == "120000" {
            content = entry.link_name_bytes().unwrap_or_default().into_owned();
        } else {
            entry.read_to_end(&mut content).map_err(|error| unreadable(&error))?;
        }
        bytes += content.len();
        if bytes > MAX_WANTED {
            return Err(too_large(format!("more than {MAX_WANTED} bytes below {dir}")));
        }
        files.insert(relative.to_owned(), TreeFile { mode, content });
    }
    if archive.into_inner().limit() == 0 {
        return Err(too_large(format!("more than {MAX_BYTES} bytes")));
    }
    Ok(files)
}

fn below<'p>(path: &'p str, dir: &str) -> Option<&'p str> {
    if dir == "." {
        return Some(path);
    }
    path.strip_prefix(dir)?.strip_prefix('/')
}

fn unreadable(error: &std::io::Error) -> Trouble {
    let message = format!("the artifact does not read as a tar.gz: {error}");
    Trouble::stalled(stalled::ARTIFACT_INVALID, message)
}

fn too_large(what: String) -> Trouble {
    Trouble::stalled(stalled::TOO_LARGE, format!("the artifact has {what}"))
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn archive(entries: &[(&str, u32, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut builder =
            tar::Builder::new(GzEncoder::new(file.reopen().unwrap(), Compression::fast()));
        for (path, mode, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(*mode);
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, *content).unwrap();
        }
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(EntryType::Symlink);
        link.set_size(0);
        builder.append_link(&mut link, "apps/link", "../../etc/passwd").unwrap();
        builder.into_inner().unwrap().finish().unwrap();
        file
    }

    #[test]
    fn files_below_a_directory_with_their_modes() {
        let file = archive(&[
            ("apps/run", 0o755, b"x"),
            ("apps/a/b", 0o644, b"y"),
            ("other", 0o644, b"z"),
        ]);
        let files = read_tree(file.path(), "apps").unwrap();
        let found: Vec<_> = files.iter().map(|(path, file)| (path.as_str(), file.mode)).collect();
        assert_eq!(found, [("a/b", "100644"), ("link", "120000"), ("run", "100755")]);
        assert_eq!(files["link"].content, b"../../etc/passwd", "an entry, never followed");
        assert_eq!(read_tree(file.path(), ".").unwrap().len(), 4);
        assert!(read_tree(file.path(), "app").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_archive_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"no archive").unwrap();
        assert_eq!(read_tree(file.path(), ".").unwrap_err().reason, stalled::ARTIFACT_INVALID);
    }
}
