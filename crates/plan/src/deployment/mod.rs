//! Decisions of a GitDeployment: which objects a tree holds, in what order they go, what is pruned,
//! how they stand together.

mod inventory;
mod manifest;
mod order;
mod standing;

pub use inventory::{entry, key_of, prunable, shrinks_too_much};
pub use manifest::{Manifest, parse};
pub use order::{Stage, stage};
pub use standing::{Overall, Reported, overall};
