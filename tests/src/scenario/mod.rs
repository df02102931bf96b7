//! Scenarios: a story of objects and events, and what the plan of Workloads and Deliverables makes
//! of it.
//!
//! A scenario is one YAML file. Its steps put objects into a cluster in memory, as people and other
//! controllers would, and after each step every owner is reconciled as the controller does it. What
//! was written, reported and told is the golden file beside it; `tests/scenarios/README.md`
//! describes both for those who write them.
//!
//! **Invariant:** the clock is the scenario's, UIDs and versions are counted: the same scenario
//! gives the same bytes everywhere.

mod api_server;
mod api_write;
mod check;
mod controller;
mod gather;
mod kinds;
mod merge;
mod record;
mod run;
mod script;

pub use run::run;
