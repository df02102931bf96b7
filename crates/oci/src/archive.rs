//! A source archive: a tar.gz of repository paths, read as a stream, never unpacked to disk.
//!
//! It is read twice: once to know what it holds, and once a layer to copy what the layer takes. So a layer is written in order
//! without its content being held in memory.
//!
//! **Invariant:** every reading stops at the byte budget, which is known before the first byte (T-04).

mod budget;
mod index;

use std::io::{Read, Seek, SeekFrom};

use flate2::read::MultiGzDecoder;

use crate::error::Error;
use crate::text::shown;
use budget::{Budget, Metered};
pub(crate) use index::{Entry, Kind};

/// Bytes of all names and link targets: they are held in memory.
const NAME_BYTES: usize = 16 << 20;

/// What an archive and its layers may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the archive when it is unpacked, and of all layers together before they are packed.
    pub unpacked_bytes: u64,
    /// Bytes unpacked for each byte packed, beyond the first 16 MiB.
    pub ratio: u64,
    /// Entries of the archive.
    pub entries: usize,
    /// Packed bytes of all layers together: they are held in memory.
    pub image_bytes: u64,
    /// Bytes held in memory when the archive's entries are not in order.
    pub held_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 1 << 30,
            ratio: 200,
            entries: 50_000,
            image_bytes: 256 << 20,
            held_bytes: 64 << 20,
        }
    }
}

impl Limits {
    /// Bytes that may be unpacked whatever the ratio: small archives of empty files pack very well.
    const RATIO_FREE: u64 = 16 << 20;

    fn budget(&self, packed: u64) -> u64 {
        self.unpacked_bytes.min(packed.saturating_mul(self.ratio).max(Self::RATIO_FREE))
    }
}

/// A source archive and the list of what it holds.
#[derive(Debug)]
pub struct Archive<R> {
    reader: R,
    limits: Limits,
    entries: Vec<Entry>,
    /// Bytes of the layers so far, before they were packed.
    taken: u64,
    /// Bytes of the layers so far.
    packed: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads through the tar.gz of `reader` once. Refused as a whole are paths that lead out of it and device nodes: no
    /// honest packer makes them.
    pub fn open(mut reader: R, limits: Limits) -> Result<Self, Error> {
        let mut entries = Vec::new();
        let mut names = 0;
        walk(&mut reader, &limits, |_, entry| {
            let entry = index::read(entry)?;
            names += entry.name_bytes();
            if names > NAME_BYTES {
                return Err(Error::SourceTooLarge {
                    limit: NAME_BYTES as u64,
                    unit: "bytes of names",
                });
            }
            entries.push(entry);
            Ok(())
        })?;
        Ok(Self { reader, limits, entries, taken: 0, packed: 0 })
    }

    /// What the archive holds, in its order.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Notes that a layer takes `bytes`, if all layers together may.
    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), Error> {
        self.taken = self.taken.saturating_add(bytes);
        let limit = self.limits.unpacked_bytes;
        let unit = "bytes in all layers together";
        (self.taken <= limit).then_some(()).ok_or(Error::SourceTooLarge { limit, unit })
    }

    #[cfg(test)]
    pub(crate) fn limit_unpacked(&mut self, bytes: u64) {
        self.limits.unpacked_bytes = bytes;
    }

    /// Notes that a layer has `bytes` when packed.
    pub(crate) fn add_packed(&mut self, bytes: u64) {
        self.packed += bytes;
    }

    /// What the next layer may have when packed.
    pub(crate) fn packed_left(&self) -> u64 {
        self.limits.image_bytes.saturating_sub(self.packed)
    }

    /// Reads through the archive again; `visit` gets the place in [`Self::entries`] and the content.
    pub(crate) fn contents(
        &mut self,
        mut visit: impl FnMut(usize, &mut dyn Read) -> Result<(), Error>,
    ) -> Result<(), Error> {
        walk(&mut self.reader, &self.limits, |place, entry| visit(place, entry))
    }
}

fn walk<R: Read + Seek>(
    reader: &mut R,
    limits: &Limits,
    mut visit: impl FnMut(usize, &mut tar::Entry<'_, &mut dyn Read>) -> Result<(), Error>,
) -> Result<(), Error> {
    let packed = reader.seek(SeekFrom::End(0)).map_err(Error::ArchiveUnreadable)?;
    reader.rewind().map_err(Error::ArchiveUnreadable)?;
    let budget = Budget::new(limits.budget(packed));
    let unreadable = |error: std::io::Error| match budget.exceeded() {
        Some(error) => error,
        None => {
            Error::ArchiveInvalid { problem: format!("no tar.gz: {}", shown(&error.to_string())) }
        }
    };
    let mut metered = Metered::new(MultiGzDecoder::new(reader), &budget);
    let mut archive = tar::Archive::new(&mut metered as &mut dyn Read);
    let mut entries = archive.entries().map_err(unreadable)?;
    let mut place = 0;
    loop {
        budget.expect_header();
        let Some(entry) = entries.next() else {
            return Ok(());
        };
        let mut entry = entry.map_err(unreadable)?;
        if place == limits.entries {
            return Err(Error::SourceTooLarge { limit: limits.entries as u64, unit: "entries" });
        }
        budget.expect_content();
        visit(place, &mut entry).map_err(|error| budget.exceeded().unwrap_or(error))?;
        // Of a sparse file the reader would make up zeros without end; what it holds is skipped with the
        // next header.
        if !entry.header().entry_type().is_gnu_sparse() {
            std::io::copy(&mut entry, &mut std::io::sink()).map_err(unreadable)?;
        }
        place += 1;
    }
}

#[cfg(test)]
pub(crate) mod tests;
