//! A reproducible tarball of a tree: same tree and path, same bytes, on any machine.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use git2::Oid;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::ignored::{Ignored, below};
use super::look::{check, ensure, tree_of};
use super::objects::{Objects, empty_tree};
use super::remote::Server;
use super::store::Store;
use super::tree::{Entry, Kind};
use crate::error::Error;
use crate::names;
use crate::options::Limits;
use crate::reads::{Archive, Archived};
use crate::text;
use crate::wire::Failure;

/// Compression: the same in every version, or digests change.
const LEVEL: u32 = 6;
/// Deepest directory.
const MAX_DEPTH: usize = 128;

/// Makes a tarball, first under the name of a draft.
pub(super) fn archive(
    server: &Server,
    store: &mut Store,
    archive: &Archive,
    draft: &Path,
) -> Result<Archived, Failure> {
    let commit = check(&archive.reference, &archive.commit, &archive.path)?;
    let mut ignored = Ignored::new(&archive.ignore)?;
    ensure(server, store, &archive.reference, commit, None)?;
    let objects = Objects::of(store.repo()?)?;
    let path = names::parts(&archive.path);
    let missing =
        || Error::PathNotFound { path: archive.path.clone(), commit: archive.commit.clone() };
    let tree = tree_of(&objects, &mut ignored, commit, &path)?.ok_or_else(missing)?;
    let whole = objects.directory(objects.commit(commit)?.tree_id(), &path)?.ok_or_else(missing)?;
    let file = File::options()
        .write(true)
        .create_new(true)
        .open(draft)
        .map_err(|error| storage(&error))?;
    let (digest, size) = {
        let gzip = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(Digested::new(file), Compression::new(LEVEL));
        let mut tarball = Tarball {
            objects: &objects,
            ignored: &ignored,
            limits: &server.limits,
            out: Builder::new(gzip),
            entries: 0,
            bytes: 0,
        };
        if tree != empty_tree() {
            tarball.add_tree(whole, &path.join(&b'/'), 0)?;
        }
        let gzip = tarball.out.into_inner().map_err(|error| storage(&error))?;
        gzip.finish().and_then(Digested::finish).map_err(|error| storage(&error))?
    };
    fs::rename(draft, &archive.to).map_err(|error| storage(&error))?;
    Ok(Archived { digest, size, tree: tree.to_string() })
}

struct Tarball<'a, W: Write> {
    objects: &'a Objects<'a>,
    ignored: &'a Ignored,
    limits: &'a Limits,
    out: Builder<W>,
    entries: usize,
    bytes: u64,
}

impl<W: Write> Tarball<'_, W> {
    fn add_tree(&mut self, id: Oid, path: &[u8], depth: usize) -> Result<(), Failure> {
        if depth > MAX_DEPTH {
            let what = "the depth of directories".to_owned();
            return Err(Error::TooLarge { what, limit: MAX_DEPTH.to_string() }.into());
        }
        let mut entries = self.objects.tree(id)?;
        entries.sort_by(super::tree::order);
        for entry in &entries {
            if String::from_utf8_lossy(&entry.name).eq_ignore_ascii_case(".git") {
                continue;
            }
            check_name(&entry.name)?;
            let path = below(path, &entry.name);
            if self.ignored.is_out(&path, entry.is_tree()) {
                continue;
            }
            if entry.is_tree() {
                self.add_tree(entry.id, &path, depth + 1)?;
            } else {
                self.add(entry, &path)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: &Entry, path: &[u8]) -> Result<(), Failure> {
        self.entries += 1;
        if self.entries > self.limits.archive_entries {
            let limit = self.limits.archive_entries.to_string();
            return Err(Error::TooLarge { what: "the number of files".into(), limit }.into());
        }
        let path = Path::new(OsStr::from_bytes(path));
        let mut header = Header::new_gnu();
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        match entry.kind() {
            Kind::Commit | Kind::Tree => {
                // The empty directory that a checkout without submodules has there.
                header.set_entry_type(EntryType::Directory);
                header.set_mode(0o755);
                let path = [path.as_os_str().as_bytes(), b"/"].concat();
                let path = Path::new(OsStr::from_bytes(&path));
                self.out
                    .append_data(&mut header, path, io::empty())
                    .map_err(|error| storage(&error))?;
            }
            Kind::Link => {
                let target = self.content(entry)?;
                header.set_entry_type(EntryType::Symlink);
                header.set_mode(0o777);
                let target = Path::new(OsStr::from_bytes(&target));
                self.out.append_link(&mut header, path, target).map_err(|error| storage(&error))?;
            }
            kind @ (Kind::File | Kind::Program) => {
                let content = self.content(entry)?;
                header.set_entry_type(EntryType::Regular);
                header.set_mode(if kind == Kind::Program { 0o755 } else { 0o644 });
                header.set_size(content.len() as u64);
                self.out
                    .append_data(&mut header, path, content.as_slice())
                    .map_err(|error| storage(&error))?;
            }
        }
        Ok(())
    }

    fn content(&mut self, entry: &Entry) -> Result<Vec<u8>, Failure> {
        self.bytes += self.objects.size(entry.id)?;
        if self.bytes > self.limits.archive_bytes {
            let limit = format!("{} MiB", self.limits.archive_bytes >> 20);
            return Err(Error::TooLarge { what: "the source".into(), limit }.into());
        }
        self.objects.blob(entry.id)
    }
}

/// Refuses names that only an attack puts into a tree (threat T-01).
fn check_name(name: &[u8]) -> Result<(), Error> {
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
        let problem = "the repository is broken, or somebody means harm";
        return Err(Error::invalid(format!("a file named {:?}", text::name(name)), problem));
    }
    Ok(())
}

/// A file, and the digest of what is written to it.
struct Digested {
    file: BufWriter<File>,
    hasher: Sha256,
    size: u64,
}

impl Digested {
    fn new(file: File) -> Self {
        Self { file: BufWriter::new(file), hasher: Sha256::new(), size: 0 }
    }

    fn finish(self) -> io::Result<(String, u64)> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let digest = self.hasher.finalize();
        let hex =
            digest.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"));
        Ok((hex, self.size))
    }
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn storage(error: &io::Error) -> Failure {
    Error::storage(format!("writing an archive: {error}")).into()
}
