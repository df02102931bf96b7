//! The checker: what git, the forge, the registry and the clusters hold proves that nothing was lost and
//! nothing was done twice, whatever happened on the way.
//!
//! [`check`] is pure: it looks at [`Evidence`], plain data, and says what is wrong. [`gather`] reads the
//! evidence of a landscape.

mod clusters;
mod evidence;
mod gather;
mod history;
mod landings;
mod promotions;
mod repository;
mod requests;
mod sources;
mod verdict;

pub use evidence::{Commit, Deployed, Directory, Environment, Evidence, Source};
pub use gather::gather;
pub use repository::{Repository, first_parents};
pub use verdict::{Fault, Finding, Verdict};

/// Says what the evidence proves: nothing lost, nothing twice, or what was.
pub fn check(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::default();
    for environment in &evidence.environments {
        landings::check(evidence, environment, &mut verdict);
        clusters::check_running(evidence, environment, &mut verdict);
    }
    promotions::check(evidence, &mut verdict);
    history::check(evidence, &mut verdict);
    requests::check(evidence, &mut verdict);
    sources::check(evidence, &mut verdict);
    clusters::check_objects(evidence, &mut verdict);
    verdict
}

#[cfg(test)]
mod tests;
