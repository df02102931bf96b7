//! A reader that stops at a budget, which is set anew for each step of reading an archive.

use std::cell::Cell;
use std::io::{Error, ErrorKind, Read, Result};
use std::rc::Rc;

/// What may be read until the budget is set again. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Budget {
    /// So many bytes from here on.
    pub(super) fn set(&self, bytes: u64) {
        self.0.set(bytes);
    }
}

/// A reader with a budget for the step and one for all. What is over either is an error of kind
/// [`ErrorKind::FileTooLarge`].
#[derive(Debug)]
pub(super) struct Metered<R> {
    inner: R,
    budget: Budget,
    left: u64,
}

impl<R> Metered<R> {
    /// `total`: most bytes of all steps together.
    pub(super) fn new(inner: R, budget: &Budget, total: u64) -> Self {
        Self { inner, budget: budget.clone(), left: total }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let allowed = self.left.min(self.budget.0.get());
        if allowed == 0 && !buffer.is_empty() {
            return Err(Error::from(ErrorKind::FileTooLarge));
        }
        let end = buffer.len().min(usize::try_from(allowed).unwrap_or(usize::MAX));
        let count = self.inner.read(&mut buffer[..end])?;
        let spent = count as u64;
        self.left -= spent;
        self.budget.set(self.budget.0.get() - spent);
        Ok(count)
    }
}
