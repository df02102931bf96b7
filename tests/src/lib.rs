//! What tests that cross crates share: the harness of the scenarios, golden files, a look at the
//! workspace.

pub mod golden;
pub mod scenario;
pub mod workspace;
pub mod yaml;
