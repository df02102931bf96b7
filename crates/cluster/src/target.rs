//! What a request's path names, as far as it may be counted by: never an object.

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// API group; empty for the core group.
    pub(crate) group: &'a str,
    /// Plural of the kind; `discovery` and `other` for what is no resource.
    pub(crate) resource: &'a str,
    /// Empty for the object itself.
    pub(crate) subresource: &'a str,
    /// Whether it names one object.
    pub(crate) is_one: bool,
}

/// Reads a path of the Kubernetes API.
pub(crate) fn target(path: &str) -> Target<'_> {
    let no_resource = |resource| Target { group: "", resource, subresource: "", is_one: true };
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (group, rest) = match (parts.next(), parts.next()) {
        (Some("api"), Some(_)) => ("", parts),
        (Some("apis"), Some(group)) => match parts.next() {
            Some(_) => (group, parts),
            None => return no_resource("discovery"),
        },
        (Some("api" | "apis"), None) => return no_resource("discovery"),
        _ => return no_resource("other"),
    };
    let rest: Vec<&str> = rest.collect();
    // A namespace is a resource of its own where nothing but its subresources follows.
    let of_namespace = ["status", "finalize"];
    let within = match rest.as_slice() {
        ["namespaces", _, resource, rest @ ..] if !of_namespace.contains(resource) => {
            Some((*resource, rest))
        }
        [resource, rest @ ..] => Some((*resource, rest)),
        [] => None,
    };
    match within {
        Some((resource, rest)) => Target {
            group,
            resource,
            subresource: rest.get(1).copied().unwrap_or_default(),
            is_one: !rest.is_empty(),
        },
        None => no_resource("discovery"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, group, resource, subresource, is_one) in [
            ("/api/v1/namespaces/dev/configmaps/a", "", "configmaps", "", true),
            ("/api/v1/namespaces/dev/configmaps", "", "configmaps", "", false),
            ("/api/v1/namespaces/dev", "", "namespaces", "", true),
            ("/api/v1/namespaces/dev/status", "", "namespaces", "status", true),
            ("/api/v1/pods", "", "pods", "", false),
            (
                "/apis/apps/v1/namespaces/dev/deployments/a/scale",
                "apps",
                "deployments",
                "scale",
                true,
            ),
            ("/apis/carto.run/v1alpha1/workloads", "carto.run", "workloads", "", false),
            (
                "/apis/carto.run/v1alpha1/clustertemplates/a",
                "carto.run",
                "clustertemplates",
                "",
                true,
            ),
            ("/apis", "", "discovery", "", true),
            ("/api/v1", "", "discovery", "", true),
            ("/apis/apps", "", "discovery", "", true),
            ("/apis/apps/v1", "", "discovery", "", true),
            ("/version", "", "other", "", true),
            ("", "", "other", "", true),
        ] {
            let expected = Target { group, resource, subresource, is_one };
            assert_eq!(target(path), expected, "{path}");
        }
    }
}
