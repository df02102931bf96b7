//! The way of a change, told from git alone.
//!
//! Whoever holds the repository gathers [`Evidence`]: the commits at which a record appears, changes or
//! disappears. [`find`] says which change is meant by what a person wrote, [`tell`] tells its
//! [`Story`].
//!
//! **Invariants:** What is read from records and commits was written by others: it is compared as it
//! is, and whatever is told of it has gone through [`clean`] first. A record informs; nothing here
//! takes it for proof.

mod clean;
mod evidence;
mod family;
mod fate;
mod find;
mod lines;
mod message;
mod query;
mod story;
mod tell;

pub use clean::{clean, short};
pub use evidence::{Branch, Change, Commit, Evidence, Point, Seek, What};
pub use find::{Candidate, Found, find};
pub use message::{Notes, notes};
pub use query::{Query, QueryError};
pub use story::{
    Arrival, Edit, Fate, How, Link, Role, Source, SourceChange, Story, Unreadable, Verdict,
};
pub use tell::tell;

#[cfg(test)]
mod tests;
