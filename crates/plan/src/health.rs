//! Health of objects: by rules that people write, and by what well-behaved kinds report.

mod kstatus;
mod rule;

pub use kstatus::{Health, Standing, standing};
pub use rule::{Rule, Verdict};
