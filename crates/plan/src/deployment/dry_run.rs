//! Dry runs: what it means when one does not succeed.

/// Why an object with a definition of the same revision is not asked about.
pub const DEFINITION_COMES: &str = "its definition comes with this revision";
/// How an API server ends its answer when a webhook does not take dry runs.
const NO_DRY_RUN: &str = "does not support dry run";
/// Most objects that status lists, and most characters it gives to one of them.
const LISTED: (usize, usize) = (20, 300);

/// What an unsuccessful dry run means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// The server could not be asked; the real write may succeed.
    Unchecked(String),
    /// The real write would be refused too.
    Refused(String),
}

impl DryRun {
    /// Reads a refusal. `namespace` is where the object goes, `comes` whether the same revision
    /// brings it.
    pub fn read(refusal: &str, namespace: &str, comes: bool) -> Self {
        if refusal.contains(NO_DRY_RUN) {
            return Self::Unchecked(refusal.into());
        }
        if !refusal.contains(&format!("namespaces {namespace:?} not found")) {
            return Self::Refused(refusal.into());
        }
        if comes {
            return Self::Unchecked("its namespace comes with this revision".into());
        }
        let message =
            format!("namespace {namespace:?} does not exist, and is not in this revision");
        Self::Refused(message)
    }
}

/// What status lists of the objects that could not be asked about.
pub fn listed(unchecked: impl IntoIterator<Item = String>) -> Vec<String> {
    let (most, longest) = LISTED;
    unchecked.into_iter().take(most).map(|text| text.chars().take(longest).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_asked_is_let_through() {
        let webhook = "admission webhook \"w.x.io\" does not support dry run";
        let missing = "namespaces \"shop\" not found";
        let unchecked = |why: &str| DryRun::Unchecked(why.into());
        let refused = |why: &str| DryRun::Refused(why.into());
        let comes = "its namespace comes with this revision";
        let absent = "namespace \"shop\" does not exist, and is not in this revision";
        for (refusal, comes_along, read) in [
            (webhook, false, unchecked(webhook)),
            (missing, true, unchecked(comes)),
            (missing, false, refused(absent)),
            ("namespaces \"other\" not found", true, refused("namespaces \"other\" not found")),
            ("spec.x: Required value", true, refused("spec.x: Required value")),
        ] {
            assert_eq!(DryRun::read(refusal, "shop", comes_along), read, "{refusal}");
        }
    }

    #[test]
    fn the_list_is_bounded() {
        let found = listed((0..100).map(|_| "x".repeat(1000)));
        assert_eq!((found.len(), found[0].len()), (20, 300));
    }
}
