//! Where Workloads and Deliverables stand, and the one cause that holds each of them, told from what a
//! cluster shows.
//!
//! Whoever reads the cluster hands in an owner as it is stored and asks [`wanted`] which objects belong
//! to it; [`tell`] walks from the owner's conditions over `status.resources` to the conditions of these
//! objects.
//!
//! **Invariants:** Nothing is told that no object says. All text of objects has gone through
//! [`clean`](crate::trace::clean) before it is told.

mod cause;
mod condition;
mod facts;
mod foreign;
mod hint;
mod owner;
mod report;
mod steps;
mod tell;

pub use owner::{Wanted, wanted};
pub use report::{Cause, Object, Request, Standing, State, Step, StepState};
pub use tell::{Evidence, Seen, needs_blueprints, tell};

#[cfg(test)]
mod tests;
