//! Packing: one more reading of the archive, from which a layer takes its files.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use super::plan::{Member, plan};
use super::tarball::Tarball;
use super::{Layer, LayerRule};
use crate::archive::{Archive, Limits};
use crate::error::Error;
use crate::image::{Blob, LAYER};
use crate::text::shown;

impl<R: Read + Seek> Archive<R> {
    /// Packs what `rule` takes into a layer. Its entries are as old as `mtime`, in seconds since the epoch; with 0 a
    /// layer whose files do not change stays the same layer from commit to commit.
    pub fn pack(&mut self, rule: &LayerRule, mtime: u64) -> Result<Layer, Error> {
        let limits = *self.limits();
        let members = plan(rule, self.entries())?;
        self.take(members.values().map(Member::size).sum())?;
        let wanted: BTreeMap<usize, usize> = members
            .values()
            .enumerate()
            .filter_map(|(at, member)| match member {
                Member::File { place, .. } => Some((*place, at)),
                _ => None,
            })
            .collect();
        let mut writing = Writing {
            members: members.iter().collect(),
            next: 0,
            held: BTreeMap::new(),
            held_bytes: 0,
            tarball: Tarball::new(self.packed_left(), mtime),
            limits,
        };
        writing.drain()?;
        if !wanted.is_empty() {
            self.contents(|place, content| match wanted.get(&place) {
                Some(at) => writing.take(*at, content),
                None => Ok(()),
            })?;
        }
        if writing.next < writing.members.len() {
            return Err(changed());
        }
        let (data, digest, diff_id) =
            writing.tarball.finish().map_err(|error| failed(&limits, &error))?;
        self.add_packed(data.len() as u64);
        let blob = Blob { media_type: LAYER.into(), digest, data };
        Ok(Layer { blob, diff_id, created_by: rule.to_string() })
    }
}

/// A layer under way: all members before `next` are written, some after it are held.
struct Writing<'m> {
    members: Vec<(&'m String, &'m Member)>,
    next: usize,
    held: BTreeMap<usize, Vec<u8>>,
    held_bytes: u64,
    tarball: Tarball,
    limits: Limits,
}

impl Writing<'_> {
    /// A file's content has come: writes it where it is next, holds it where it is early.
    fn take(&mut self, at: usize, content: &mut dyn Read) -> Result<(), Error> {
        if at == self.next {
            self.write(content)?;
            return self.drain();
        }
        self.held_bytes += self.members[at].1.size();
        if self.held_bytes > self.limits.held_bytes {
            let unit = "bytes that are not in order in the archive";
            return Err(Error::SourceTooLarge { limit: self.limits.held_bytes, unit });
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(|error| failed(&self.limits, &error))?;
        self.held.insert(at, bytes);
        Ok(())
    }

    /// Writes what needs no content or has been held.
    fn drain(&mut self) -> Result<(), Error> {
        while let Some((_, member)) = self.members.get(self.next) {
            if !matches!(member, Member::File { .. }) {
                self.write(&mut io::empty())?;
            } else if let Some(bytes) = self.held.remove(&self.next) {
                self.held_bytes -= bytes.len() as u64;
                self.write(&mut bytes.as_slice())?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn write(&mut self, content: &mut dyn Read) -> Result<(), Error> {
        let (name, member) = self.members[self.next];
        let whole = self.tarball.append(name, member, content);
        if !whole.map_err(|error| failed(&self.limits, &error))? {
            return Err(changed());
        }
        self.next += 1;
        Ok(())
    }
}

fn changed() -> Error {
    Error::ArchiveInvalid { problem: "it changed while it was read".into() }
}

fn failed(limits: &Limits, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Error::SourceTooLarge {
            limit: limits.image_bytes,
            unit: "packed bytes in all layers together",
        },
        _ => Error::ArchiveInvalid { problem: shown(&error.to_string()) },
    }
}
