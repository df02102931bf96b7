//! The byte budget of one reading of an archive.

use std::cell::Cell;
use std::io::{self, Read};

use crate::error::Error;

/// Bytes that the headers before one entry may take: a long name and its extensions fit, a long name as a bomb does not.
const HEADER_BYTES: u64 = 64 << 10;

/// What may still be read, and whether someone tried to read more.
pub(super) struct Budget {
    limit: u64,
    left: Cell<u64>,
    header_left: Cell<Option<u64>>,
    exceeded: Cell<Option<(u64, &'static str)>>,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            left: Cell::new(limit),
            header_left: Cell::new(None),
            exceeded: Cell::new(None),
        }
    }

    /// From here on headers are read.
    pub(super) fn expect_header(&self) {
        self.header_left.set(Some(HEADER_BYTES));
    }

    /// From here on the content of an entry is read.
    pub(super) fn expect_content(&self) {
        self.header_left.set(None);
    }

    /// The cap that was hit, if one was.
    pub(super) fn exceeded(&self) -> Option<Error> {
        self.exceeded.get().map(|(limit, unit)| Error::SourceTooLarge { limit, unit })
    }

    fn spend(&self, bytes: u64) -> io::Result<()> {
        let (Some(left), Some(header_left)) = (
            self.left.get().checked_sub(bytes),
            self.header_left.get().unwrap_or(u64::MAX).checked_sub(bytes),
        ) else {
            self.exceeded.set(Some(if self.left.get() < bytes {
                (self.limit, "bytes when unpacked")
            } else {
                (HEADER_BYTES, "bytes of headers before one entry")
            }));
            return Err(io::Error::other("over the byte budget"));
        };
        self.left.set(left);
        self.header_left.set(self.header_left.get().and(Some(header_left)));
        Ok(())
    }
}

/// A reader that spends a budget.
pub(super) struct Metered<'b, R> {
    inner: R,
    budget: &'b Budget,
}

impl<'b, R: Read> Metered<'b, R> {
    pub(super) fn new(inner: R, budget: &'b Budget) -> Self {
        Self { inner, budget }
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.budget.spend(read as u64)?;
        Ok(read)
    }
}
