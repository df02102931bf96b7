//! What tests that cross crates share: the harness of the scenarios, golden files, a look at the
//! workspace, the landscape of real servers.

pub mod by_hand;
pub mod changes;
pub mod forge;
pub mod golden;
pub mod grants;
pub mod history;
pub mod metrics;
pub mod netns;
pub mod programs;
pub mod scenario;
pub mod workspace;
pub mod world;
pub mod yaml;
