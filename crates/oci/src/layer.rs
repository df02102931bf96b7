//! Layers: files of a source archive at their places in an image, the same bytes on every machine.
//!
//! **Invariants:** entries are in byte order of their names, belong to user and group 0 without names, and are as old as the
//! epoch. The gzip header holds no time and no system. Symlinks are entries, never followed.

mod files;
mod pack;
mod plan;
mod rule;
mod tarball;

pub use files::LayerFile;
pub use rule::LayerRule;

use crate::digest::Digest;
use crate::image::Blob;

/// A packed layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The tar.gz.
    pub blob: Blob,
    /// Digest of the tar before it is packed.
    pub diff_id: Digest,
    /// How it was made, for the history of the image.
    pub created_by: String,
}

#[cfg(test)]
mod tests;
