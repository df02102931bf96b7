//! What is to be done, decided without doing anything.
//!
//! `choreography` plans Workloads and Deliverables: which blueprint serves an owner, what each
//! resource stamps, which outputs it offers, the whole new status. `writer` decides what a GitWriter
//! does, from what git shows. `deployment` and `verification` hold the decisions of the kinds of the
//! same name. `health` reads any object's status. `trace` tells the way of a change from what git shows,
//! `standing` where owners stand from what a cluster shows.
//!
//! **Invariant:** every function here is total and deterministic: the same input gives the same
//! bytes. Time is an argument; there is no client, file, environment or clock.

pub mod choreography;
pub mod deployment;
pub mod diagnostic;
pub mod equal;
mod field;
mod golang;
pub mod health;
pub mod object;
pub mod outcome;
pub mod standing;
pub mod trace;
pub mod verification;
pub mod writer;
