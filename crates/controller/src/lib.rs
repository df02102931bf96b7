//! The shell around the plan: gather, plan, execute, report.
//!
//! [`run`] is a program from start to stop. Each kind has its rounds (`owner`, `blueprint`,
//! `git_source`, …) in a [`queue`]; `router` and `polls` wake them; `artifact` holds source trees;
//! `http` serves what others read.
//!
//! **Invariant:** decisions are the plan's. What is here reads, writes, waits and reports.

mod artifact;
mod blueprint;
mod context;
mod dependencies;
mod egress;
mod failpoint;
mod git_deployment;
mod git_source;
mod git_writer;
mod http;
mod jitter;
mod kinds;
mod metrics;
mod native;
mod owner;
mod polls;
mod program;
mod pulse;
mod queue;
mod router;
mod settings;
mod source_image;
mod start;
mod trouble;
mod verification;

pub use program::{Role, StartError, run};
pub use settings::{Listen, Settings};
pub use start::{git_worker, start};
