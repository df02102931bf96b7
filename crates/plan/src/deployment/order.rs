//! The order in which objects are applied; they are pruned the other way round.

use crate::object::Gvk;

/// What has to be there before the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Namespaces.
    Namespaces,
    /// Definitions of kinds; they have to be established before their objects come.
    Definitions,
    /// Accounts, roles, quotas and configuration, which others need at once.
    Foundations,
    /// Everything else.
    Rest,
}

/// The stage of a kind.
pub fn stage(gvk: &Gvk) -> Stage {
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "Namespace") => Stage::Namespaces,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Stage::Definitions,
        ("" | "rbac.authorization.k8s.io" | "scheduling.k8s.io" | "storage.k8s.io", kind)
            if kind != "Pod" && kind != "Service" && kind != "ReplicationController" =>
        {
            Stage::Foundations
        }
        _ => Stage::Rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_need_comes_first() {
        let at = |api_version: &str, kind: &str| stage(&Gvk::new(api_version, kind));
        assert_eq!(at("v1", "Namespace"), Stage::Namespaces);
        assert_eq!(at("apiextensions.k8s.io/v1", "CustomResourceDefinition"), Stage::Definitions);
        assert_eq!(at("v1", "ConfigMap"), Stage::Foundations);
        assert_eq!(at("rbac.authorization.k8s.io/v1", "RoleBinding"), Stage::Foundations);
        assert_eq!(at("apps/v1", "Deployment"), Stage::Rest);
        assert_eq!(at("v1", "Pod"), Stage::Rest);
    }
}
