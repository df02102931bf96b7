//! What a person asks for.

use std::str::FromStr;

use portolan_plan::choreography::OwnerKind;

/// One owner by its name, of one kind or of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct What {
    /// The kind, where it is named.
    pub(super) kind: Option<OwnerKind>,
    /// The name.
    pub(super) name: String,
}

/// Both kinds of owners, in the order of the way.
pub(super) const KINDS: [OwnerKind; 2] = [OwnerKind::Workload, OwnerKind::Deliverable];

impl FromStr for What {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = match text.split_once('/') {
            None => (None, text),
            Some((kind, name)) => (Some(read_kind(kind)?), name),
        };
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if name.is_empty() || !name.chars().all(fits) {
            return Err(format!(
                "{name:?} is not the name of an object: write NAME, workload/NAME or deliverable/NAME"
            ));
        }
        Ok(Self { kind, name: name.into() })
    }
}

fn read_kind(text: &str) -> Result<OwnerKind, String> {
    let kind = text.to_ascii_lowercase();
    match kind.strip_suffix(".carto.run").unwrap_or(&kind) {
        "workload" | "workloads" | "wld" => Ok(OwnerKind::Workload),
        "deliverable" | "deliverables" | "dlv" => Ok(OwnerKind::Deliverable),
        _ => Err(format!("{text:?} is neither workload nor deliverable")),
    }
}

impl What {
    /// The kinds that are meant.
    pub(super) fn kinds(what: Option<&Self>) -> Vec<OwnerKind> {
        let one = what.and_then(|what| what.kind);
        one.map_or_else(|| KINDS.to_vec(), |kind| vec![kind])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_kinds_read_as_kubectl_reads_them() {
        for (text, kind) in [
            ("shop", None),
            ("workload/shop", Some(OwnerKind::Workload)),
            ("Workloads.carto.run/shop", Some(OwnerKind::Workload)),
            ("dlv/shop", Some(OwnerKind::Deliverable)),
        ] {
            assert_eq!(text.parse(), Ok(What { kind, name: "shop".into() }), "{text}");
        }
        for text in ["", "workload/", "pod/shop", "a/b/c", "Shop", "shop,metadata.name!=shop"] {
            assert!(text.parse::<What>().is_err(), "{text}");
        }
    }
}
