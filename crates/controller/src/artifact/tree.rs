//! Reading files out of a tarball, within bounds, without putting anything on disk.
//!
//! **Invariant:** nothing is held in memory that was not counted before: neither a file, nor a name, nor
//! the extended headers that the reader of the format collects by itself (T-04, T-19).

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use portolan_api::native::reasons::stalled;
use tar::{Entry, EntryType};

use super::metered::{Budget, Metered};
use super::store::storage;
use crate::trouble::Trouble;

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeFile {
    /// git file mode: `100644`, `100755` or `120000`.
    pub(crate) mode: &'static str,
    /// Content, or the target of a symlink.
    pub(crate) content: Vec<u8>,
}

/// How much a tarball may hold.
#[derive(Clone, Copy, Debug)]
struct Caps {
    /// Bytes of all entries when unpacked.
    unpacked: u64,
    /// Bytes of the wanted files with their names.
    wanted: u64,
    /// Entries.
    entries: usize,
    /// Bytes of the headers before one entry: the longest names fit.
    header: u64,
}

const CAPS: Caps =
    Caps { unpacked: 512 << 20, wanted: 64 << 20, entries: 100_000, header: 64 << 10 };

/// The files below a directory of a tarball, by path relative to it; `.` is all of it. It works as long
/// as unpacking takes: not for a thread that others wait for.
pub(crate) fn read_tree(file: &Path, dir: &str) -> Result<BTreeMap<String, TreeFile>, Trouble> {
    let reader = std::fs::File::open(file).map_err(|error| storage(&error))?;
    read(GzDecoder::new(std::io::BufReader::new(reader)), dir, CAPS)
}

fn read(reader: impl Read, dir: &str, caps: Caps) -> Result<BTreeMap<String, TreeFile>, Trouble> {
    let budget = Budget::default();
    let mut archive = tar::Archive::new(Metered::new(reader, &budget, caps.unpacked));
    let mut files = BTreeMap::new();
    let (mut count, mut left) = (0, caps.wanted);
    let unreadable = |error: &std::io::Error| match error.kind() {
        ErrorKind::FileTooLarge => too_large(format!(
            "more than {} bytes, or more than {} bytes of headers before an entry",
            caps.unpacked, caps.header
        )),
        _ => invalid(&format!("it does not read as a tar.gz: {error}")),
    };
    let mut entries = archive.entries().map_err(|error| unreadable(&error))?;
    loop {
        budget.set(caps.header);
        let Some(entry) = entries.next() else { return Ok(files) };
        let mut entry = entry.map_err(|error| unreadable(&error))?;
        count += 1;
        if count > caps.entries {
            return Err(too_large(format!("more than {} entries", caps.entries)));
        }
        let kind = entry.header().entry_type();
        if kind == EntryType::GNUSparse {
            // A few bytes that unpack to any size, and nobody who packs source makes them.
            return Err(invalid("it holds a sparse file"));
        }
        budget.set(entry.size());
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mode = mode(&entry, kind);
        if let (Some(mode), Some(relative)) = (mode, below(&path, dir)) {
            let over = || too_large(format!("more than {} bytes below {dir}", caps.wanted));
            left = left.checked_sub(relative.len() as u64).ok_or_else(over)?;
            let content = content(&mut entry, mode, left).map_err(|error| unreadable(&error))?;
            left = left.checked_sub(content.len() as u64).ok_or_else(over)?;
            files.insert(relative.to_owned(), TreeFile { mode, content });
        }
        // What is left of it is gone through here, or the next header's budget would pay for it.
        std::io::copy(&mut entry, &mut std::io::sink()).map_err(|error| unreadable(&error))?;
    }
}

/// git file mode of an entry; none for what is no file.
fn mode(entry: &Entry<'_, impl Read>, kind: EntryType) -> Option<&'static str> {
    match kind {
        EntryType::Regular if entry.header().mode().unwrap_or_default() & 0o111 != 0 => {
            Some("100755")
        }
        EntryType::Regular => Some("100644"),
        EntryType::Symlink => Some("120000"),
        _ => None,
    }
}

/// The content of a file, or one byte more than may be.
fn content(
    entry: &mut Entry<'_, impl Read>,
    mode: &str,
    left: u64,
) -> Result<Vec<u8>, std::io::Error> {
    if mode == "120000" {
        return Ok(entry.link_name_bytes().unwrap_or_default().into_owned());
    }
    let mut content = Vec::new();
    entry.take(left + 1).read_to_end(&mut content)?;
    Ok(content)
}

fn below<'p>(path: &'p str, dir: &str) -> Option<&'p str> {
    if dir == "." {
        return Some(path);
    }
    path.strip_prefix(dir)?.strip_prefix('/')
}

fn invalid(why: &str) -> Trouble {
    Trouble::stalled(stalled::ARTIFACT_INVALID, format!("the artifact cannot be read: {why}"))
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

    /// T-04, T-19.
    #[test]
    fn reading_stops_at_each_cap() {
        let caps = Caps { unpacked: 64 << 10, wanted: 100, entries: 4, header: 4 << 10 };
        let read = |entries: &[(&str, u32, &[u8])], dir: &str| {
            let file = archive(entries);
            let reader = GzDecoder::new(std::fs::File::open(file.path()).unwrap());
            super::read(reader, dir, caps).map_err(|trouble| (trouble.reason, trouble.message))
        };
        let refusal = |entries: &[(&str, u32, &[u8])], dir: &str| {
            let (reason, message) = read(entries, dir).unwrap_err();
            assert_eq!(reason, stalled::TOO_LARGE, "{message}");
            message
        };
        let file = |size: usize| vec![b'x'; size];
        assert!(read(&[("a", 0o644, &file(50)), ("b", 0o644, &file(20))], ".").is_ok());
        // One file, several together, and names, which are held too.
        assert!(refusal(&[("a", 0o644, &file(101))], ".").contains("100 bytes below ."));
        refusal(&[("a", 0o644, &file(60)), ("b", 0o644, &file(60))], ".");
        refusal(&[(&"n".repeat(101), 0o644, b"")], ".");
        // What is not wanted costs time alone, and that has an end as well.
        assert!(read(&[("other/a", 0o644, &file(30 << 10))], "apps").is_ok());
        assert!(refusal(&[("other/a", 0o644, &file(80 << 10))], "apps").contains("65536 bytes"));
        let many: [(&str, u32, &[u8]); 5] = [("o", 0o644, b""); 5];
        assert!(refusal(&many, "apps").contains("4 entries"));
        // A name as a bomb: the format's reader would collect it.
        assert!(refusal(&[(&"n/".repeat(4 << 10), 0o644, b"")], "apps").contains("headers"));
    }

    #[test]
    fn a_header_that_lies_about_its_size_reserves_nothing() {
        let mut header = tar::Header::new_gnu();
        header.set_path("a").unwrap();
        header.set_mode(0o644);
        header.set_size(1 << 60);
        header.set_cksum();
        let trouble = super::read(header.as_bytes().as_slice(), ".", CAPS).unwrap_err();
        assert_eq!(trouble.reason, stalled::ARTIFACT_INVALID, "{}", trouble.message);
        header.set_entry_type(EntryType::GNUSparse);
        header.set_cksum();
        let trouble = super::read(header.as_bytes().as_slice(), ".", CAPS).unwrap_err();
        assert_eq!(trouble.reason, stalled::ARTIFACT_INVALID, "{}", trouble.message);
    }

    #[test]
    fn what_is_no_archive_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"no archive").unwrap();
        assert_eq!(read_tree(file.path(), ".").unwrap_err().reason, stalled::ARTIFACT_INVALID);
    }
}
