//! The tar.gz of a layer, written so that the same entries are the same bytes.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::plan::Member;
use crate::digest::{Digest, Hashing};

/// Fixed: another level is another digest.
const LEVEL: u32 = 6;
/// Gzip's word for an unknown system.
const UNKNOWN_SYSTEM: u8 = 255;
const NAME_BYTES: usize = 100;
const PREFIX_BYTES: usize = 155;

type Packed = Hashing<Capped>;

/// A tar.gz under way.
pub(super) struct Tarball {
    tar: tar::Builder<Hashing<GzEncoder<Packed>>>,
    mtime: u64,
}

impl Tarball {
    /// An empty one; writing fails beyond `limit` packed bytes. Every entry is as old as `mtime` says.
    pub(super) fn new(limit: u64, mtime: u64) -> Self {
        let packed = Hashing::new(Capped { bytes: Vec::new(), limit });
        let gzip = GzBuilder::new()
            .mtime(0)
            .operating_system(UNKNOWN_SYSTEM)
            .write(packed, Compression::new(LEVEL));
        Self { tar: tar::Builder::new(Hashing::new(gzip)), mtime }
    }

    /// Appends one entry; `content` is read for a file only. Whether it was as long as it should be.
    pub(super) fn append(
        &mut self,
        name: &str,
        member: &Member,
        content: &mut dyn Read,
    ) -> io::Result<bool> {
        let (kind, mode, size, link) = match member {
            Member::Directory(mode) => (tar::EntryType::Directory, *mode, 0, ""),
            Member::Symlink(target) => (tar::EntryType::Symlink, 0o777, 0, target.as_str()),
            Member::File { mode, size, .. } => (tar::EntryType::Regular, *mode, *size, ""),
        };
        let mut header = self.header(kind, mode, size);
        let mut extensions = Vec::new();
        if !set_name(&mut header, name) {
            extensions.extend(pax_record("path", name));
        }
        if !set_link(&mut header, link) {
            extensions.extend(pax_record("linkpath", link));
        }
        if !extensions.is_empty() {
            let mut pax = self.header(tar::EntryType::XHeader, 0o644, extensions.len() as u64);
            set_name(&mut pax, "pax");
            pax.set_cksum();
            self.tar.append(&pax, extensions.as_slice())?;
        }
        header.set_cksum();
        let mut content = content.take(size);
        self.tar.append(&header, &mut content)?;
        Ok(content.limit() == 0)
    }

    /// The packed bytes, their digest, and the digest of the tar.
    pub(super) fn finish(self) -> io::Result<(Bytes, Digest, Digest)> {
        let (gzip, diff_id) = self.tar.into_inner()?.finish();
        let (packed, digest) = gzip.finish()?.finish();
        Ok((packed.bytes.into(), digest, diff_id))
    }

    fn header(&self, kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime);
        header
    }
}

/// Puts `name` into the header, cut when it does not fit; whether it fits.
fn set_name(header: &mut tar::Header, name: &str) -> bool {
    let Some(ustar) = header.as_ustar_mut() else {
        return false;
    };
    let bytes = name.as_bytes();
    let split = bytes.iter().enumerate().find(|(at, byte)| {
        **byte == b'/'
            && (1..=PREFIX_BYTES).contains(at)
            && (1..=NAME_BYTES).contains(&(bytes.len() - at - 1))
    });
    let (prefix, rest) = match split {
        Some((at, _)) if bytes.len() > NAME_BYTES => (&bytes[..at], &bytes[at + 1..]),
        _ => (&[][..], &bytes[..bytes.len().min(NAME_BYTES)]),
    };
    ustar.prefix[..prefix.len()].copy_from_slice(prefix);
    ustar.name[..rest.len()].copy_from_slice(rest);
    bytes.len() <= NAME_BYTES || !prefix.is_empty()
}

/// Puts a link's target into the header, cut when it does not fit; whether it fits.
fn set_link(header: &mut tar::Header, target: &str) -> bool {
    let Some(ustar) = header.as_ustar_mut() else {
        return false;
    };
    let bytes = &target.as_bytes()[..target.len().min(NAME_BYTES)];
    ustar.linkname[..bytes.len()].copy_from_slice(bytes);
    target.len() <= NAME_BYTES
}

/// A pax record begins with its own length.
fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n").into_bytes()
}

/// Bytes in memory, up to a limit.
struct Capped {
    bytes: Vec<u8>,
    limit: u64,
}

impl Write for Capped {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + buf.len()) as u64 > self.limit {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
