//! Decisions of a GitDeployment: which objects a tree holds, in what order they go, what is pruned,
//! how they stand together.

mod attempt;
mod claim;
mod dry_run;
mod fight;
mod inventory;
mod manifest;
mod order;
mod standing;

pub use attempt::Asked;
pub use claim::{Claim, Moment};
pub use dry_run::{DEFINITION_COMES, DryRun, listed};
pub use fight::Repairs;
pub use inventory::{entry, key_of, prunable, shrinks_too_much, union};
pub use manifest::{Manifest, parse};
pub use order::{Stage, stage};
pub use standing::{Overall, Reported, all_healthy, overall, unhealthy_for};
