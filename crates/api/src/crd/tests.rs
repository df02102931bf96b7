use super::*;

/// Section 1 of the API reference, and native-kinds section 1.
const KINDS: [(&str, &str, &str, &str); 16] = [
    ("clusterconfigtemplates", "ClusterConfigTemplate", "cct", "Cluster"),
    ("clusterdeliveries", "ClusterDelivery", "cd", "Cluster"),
    ("clusterdeploymenttemplates", "ClusterDeploymentTemplate", "cdt", "Cluster"),
    ("clusterimagetemplates", "ClusterImageTemplate", "cit", "Cluster"),
    ("clusterruntemplates", "ClusterRunTemplate", "crt", "Cluster"),
    ("clustersourcetemplates", "ClusterSourceTemplate", "cst", "Cluster"),
    ("clustersupplychains", "ClusterSupplyChain", "csc", "Cluster"),
    ("clustertemplates", "ClusterTemplate", "ct", "Cluster"),
    ("deliverables", "Deliverable", "dlv", "Namespaced"),
    ("gitdeployments", "GitDeployment", "gd", "Namespaced"),
    ("gitsources", "GitSource", "gs", "Namespaced"),
    ("gitwriters", "GitWriter", "gw", "Namespaced"),
    ("runnables", "Runnable", "run", "Namespaced"),
    ("sourceimages", "SourceImage", "si", "Namespaced"),
    ("verifications", "Verification", "vf", "Namespaced"),
    ("workloads", "Workload", "wld", "Namespaced"),
];

fn schema(crd: &Value) -> &Value {
    &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

fn named(plural: &str) -> Value {
    all().into_iter().find(|crd| crd["spec"]["names"]["plural"] == plural).unwrap()
}

#[test]
fn names_and_scopes_are_those_of_the_reference() {
    let found: Vec<_> = all()
        .iter()
        .map(|crd| {
            let names = &crd["spec"]["names"];
            (
                names["plural"].as_str().unwrap().to_owned(),
                names["kind"].as_str().unwrap().to_owned(),
                names["shortNames"][0].as_str().unwrap().to_owned(),
                crd["spec"]["scope"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let expected =
        KINDS.map(|(p, k, s, c)| (p.to_owned(), k.to_owned(), s.to_owned(), c.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn templates_have_no_status_and_owners_and_blueprints_do() {
    for crd in all() {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        let has_status = crd["spec"]["versions"][0]["subresources"]["status"].is_object();
        assert_eq!(has_status, !kind.ends_with("Template"), "{kind}");
        assert_eq!(schema(&crd)["required"], json!(["metadata", "spec"]), "{kind}");
    }
}

#[test]
fn printer_columns_are_those_of_the_reference() {
    let columns = |plural: &str| -> Vec<String> {
        named(plural)["spec"]["versions"][0]["additionalPrinterColumns"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|column| {
                format!(
                    "{} {}",
                    column["name"].as_str().unwrap(),
                    column["jsonPath"].as_str().unwrap()
                )
            })
            .collect()
    };
    let ready = [
        "Ready .status.conditions[?(@.type=='Ready')].status",
        "Reason .status.conditions[?(@.type=='Ready')].reason",
    ];
    let age = "Age .metadata.creationTimestamp";
    let source = "Source .spec.source['git.url','image']";
    for plural in ["clustersupplychains", "clusterdeliveries", "runnables"] {
        assert_eq!(columns(plural), [ready[0], ready[1], age], "{plural}");
    }
    let chain = "SupplyChain .status.supplyChainRef.name";
    assert_eq!(columns("workloads"), [source, chain, ready[0], ready[1], age]);
    let delivery = "Delivery .status.deliveryRef.name";
    assert_eq!(columns("deliverables"), [source, delivery, ready[0], ready[1], age]);
    assert_eq!(columns("clustertemplates"), Vec::<String>::new());
    assert_eq!(columns("gitsources").len(), 4);
}

#[test]
fn defaults_are_stated_where_the_reference_has_them_and_nowhere_else() {
    let mut defaults = Vec::new();
    for crd in all() {
        collect_defaults(
            schema(&crd),
            crd["spec"]["names"]["kind"].as_str().unwrap(),
            &mut defaults,
        );
    }
    defaults.retain(|default| {
        let kind = default.split('.').next().unwrap_or_default();
        !["GitSource", "SourceImage", "GitWriter", "GitDeployment", "Verification"].contains(&kind)
    });
    let lifecycle = |kind: &str| format!("{kind}.spec.lifecycle = \"mutable\"");
    let retention = json!({"maxFailedRuns": 10, "maxSuccessfulRuns": 10});
    assert_eq!(
        defaults,
        [
            lifecycle("ClusterConfigTemplate"),
            lifecycle("ClusterDeploymentTemplate"),
            lifecycle("ClusterImageTemplate"),
            lifecycle("ClusterSourceTemplate"),
            lifecycle("ClusterTemplate"),
            format!("Runnable.spec.retentionPolicy = {retention}"),
        ]
    );
}

#[test]
fn every_field_of_every_kind_is_explained() {
    let mut silent = Vec::new();
    for crd in all() {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap();
        for part in ["spec", "status"] {
            collect_silent(
                &schema(&crd)["properties"][part],
                &format!("{kind}.{part}"),
                &mut silent,
            );
        }
    }
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn nothing_is_nullable_and_formats_are_kubernetes_own() {
    for crd in all() {
        let text = crd.to_string();
        for unwanted in ["nullable", "\"uint", "$ref", "\"default\":null"] {
            assert!(!text.contains(unwanted), "{}: {unwanted}", name(&crd));
        }
    }
}

#[test]
fn the_file_of_a_kind_reads_back() {
    for crd in all() {
        let read: Value = serde_saphyr::from_str(&yaml(&crd).unwrap()).unwrap();
        assert_eq!(read, crd);
    }
}

fn collect_defaults(schema: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(default) = schema.get("default") {
        found.push(format!("{path} = {default}"));
    }
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        collect_defaults(inner, &format!("{path}.{key}"), found);
    }
    if schema["items"].is_object() {
        collect_defaults(&schema["items"], &format!("{path}[]"), found);
    }
}

fn collect_silent(schema: &Value, path: &str, found: &mut Vec<String>) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        if inner.get("description").is_none() {
            found.push(path.clone());
        }
        collect_silent(inner, &path, found);
    }
    if schema["items"].is_object() {
        collect_silent(&schema["items"], &format!("{path}[]"), found);
    }
}
