//! What the compiler does not check of the design: who may use whom, what the pure crates stay
//! away from, how large files grow.

use std::path::Path;

use anyhow::ensure;
use portolan_tests::workspace::{Edge, Member, Workspace, closure, root, sources};

/// Our crates and which of our crates each may use (design, section 4).
const PERMITTED: [(&str, &[&str]); 12] = [
    ("expr", &[]),
    ("api", &["expr"]),
    ("plan", &["api", "expr"]),
    ("git", &["api", "plan"]),
    ("oci", &["api", "plan"]),
    ("cluster", &["api", "plan"]),
    ("controller", &["api", "cluster", "expr", "git", "oci", "plan"]),
    ("supply-chain", &["controller"]),
    ("delivery", &["controller"]),
    ("cli", &["api", "expr", "git", "plan"]),
    ("testbed", &["api", "oci"]),
    ("tests", &[ANY]),
];

/// All of them.
const ANY: &str = "any";

/// Crates that decide and do nothing.
const PURE: [&str; 3] = ["expr", "api", "plan"];

/// Packages that talk to somebody, wait, or throw dice.
const NOT_PURE: [&str; 24] = [
    "async-std",
    "axum",
    "crossbeam-channel",
    "curl",
    "futures-executor",
    "getrandom",
    "git2",
    "h2",
    "hyper",
    "hyper-util",
    "kube-client",
    "kube-runtime",
    "libgit2-sys",
    "mio",
    "native-tls",
    "openssl",
    "rand",
    "reqwest",
    "rustls",
    "socket2",
    "tempfile",
    "tokio",
    "tonic",
    "tower",
];

/// Files, the environment, the network, other programs, clocks.
const NOT_PURE_PATHS: [&str; 9] = [
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

/// Lines of a file beyond which it is two files.
const HARD: usize = 600;

/// Lines of a file beyond which one looks for the second noun in it.
const SOFT: usize = 300;

#[test]
fn crates_use_only_what_they_may() -> anyhow::Result<()> {
    let refused = refused(&Workspace::read()?.members);
    ensure!(refused.is_empty(), "{}", refused.join("\n"));
    Ok(())
}

fn refused(members: &[Member]) -> Vec<String> {
    let mut refused = Vec::new();
    for member in members {
        let name = &member.name;
        let Some((_, permitted)) = PERMITTED.iter().find(|(known, _)| known == name) else {
            refused.push(format!(
                "portolan-{name} is a new crate: say in PERMITTED and in ARCHITECTURE.md what it may use"
            ));
            continue;
        };
        for Edge { to, dev } in &member.edges {
            let listed = permitted.contains(&to.as_str()) || permitted.contains(&ANY);
            if listed || (*dev && to == "testbed") {
                continue;
            }
            refused.push(format!(
                "portolan-{name} may not use portolan-{to}, only [{}]{}: pass plain data types down \
                 from portolan-api or portolan-plan, or put the code where both meet \
                 (portolan-controller). A new edge is a design decision: it gets a row in PERMITTED \
                 and a sentence in ARCHITECTURE.md",
                permitted.join(", "),
                if *dev { " and, in tests, testbed" } else { "" }
            ));
        }
    }
    refused
}

#[test]
fn a_wrong_edge_is_refused() {
    let member = |name: &str, to: &str, dev: bool| Member {
        name: name.into(),
        folder: Path::new("").into(),
        description: None,
        edges: vec![Edge { to: to.into(), dev }],
    };
    for (name, to, dev, wrong) in [
        ("plan", "api", false, false),
        ("plan", "cluster", false, true),
        ("plan", "testbed", true, false),
        ("plan", "testbed", false, true),
        ("oci", "expr", true, true),
        ("delivery", "git", false, true),
        ("unheard-of", "api", false, true),
    ] {
        let found = refused(&[member(name, to, dev)]);
        assert_eq!(!found.is_empty(), wrong, "{name} -> {to}: {found:?}");
    }
}

#[test]
fn pure_crates_are_built_of_pure_crates() -> anyhow::Result<()> {
    for name in PURE {
        let closure = closure(name)?;
        ensure!(closure.contains("serde_json"), "cargo tree tells nothing of portolan-{name}");
        let found: Vec<String> =
            closure.into_iter().filter(|package| NOT_PURE.contains(&package.as_str())).collect();
        ensure!(
            found.is_empty(),
            "portolan-{name} is built with {}: switch off the feature that brings it (`cargo tree \
             -p portolan-{name} -i {}` tells which), or do that part in an io crate and hand the \
             result in as an argument",
            found.join(", "),
            found[0]
        );
    }
    Ok(())
}

#[test]
fn json_keeps_its_order_and_its_numbers() -> anyhow::Result<()> {
    let workspace = Workspace::read()?;
    let features = workspace.features.get("serde_json").cloned().unwrap_or_default();
    for (feature, reason) in [
        ("preserve_order", "maps are sorted, so that equal objects give equal bytes and digests"),
        ("arbitrary_precision", "numbers are compared and printed as numbers"),
    ] {
        ensure!(
            !features.contains(feature),
            "serde_json has the feature {feature}, but {reason}: `cargo tree -e features -i \
             serde_json` tells who switched it on; use another version of that package, or none"
        );
    }
    Ok(())
}

#[test]
fn pure_crates_touch_no_file_environment_network_or_clock() -> anyhow::Result<()> {
    let workspace = Workspace::read()?;
    let mut uses = Vec::new();
    for name in PURE {
        for (path, text) in sources(&workspace.member(name)?.folder.join("src"))? {
            if is_test(&path) {
                continue;
            }
            for found in not_pure(&text) {
                uses.push(format!("{}: {found}", path.display()));
            }
        }
    }
    ensure!(
        uses.is_empty(),
        "pure crates take what they need as arguments (`now: Timestamp`, bytes, maps); let the \
         controller or a program read it:\n{}",
        uses.join("\n")
    );
    Ok(())
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

/// What code names that pure code may not; comments and unit tests do not count.
fn not_pure(text: &str) -> Vec<&'static str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.flat_map(|line| [line, "\n"]).collect();
    // `use std::{env, fs};` names them too.
    let grouped: Vec<&str> = code
        .split("std::{")
        .skip(1)
        .filter_map(|rest| rest.split(';').next())
        .flat_map(|group| group.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .collect();
    NOT_PURE_PATHS
        .into_iter()
        .filter(|path| {
            let module = path.strip_prefix("std::");
            code.contains(path) || module.is_some_and(|module| grouped.contains(&module))
        })
        .collect()
}

#[test]
fn impure_code_is_found() {
    for (code, expected) in [
        ("use std::fs;\n", vec!["std::fs"]),
        ("use std::{\n    collections::BTreeMap,\n    env, fs,\n};\n", vec!["std::fs", "std::env"]),
        ("let now = jiff::Timestamp::now();\n", vec!["Timestamp::now"]),
        ("// std::fs would be wrong here\n#[cfg(test)]\nmod tests { use std::fs; }\n", vec![]),
        ("use std::collections::{BTreeMap, BTreeSet};\nlet fs = 1;\n", vec![]),
    ] {
        assert_eq!(not_pure(code), expected, "{code}");
    }
}

#[test]
fn files_hold_one_noun() -> anyhow::Result<()> {
    let mut long = Vec::new();
    for member in Workspace::read()?.members {
        for folder in ["src", "tests"] {
            let folder = member.folder.join(folder);
            if folder.is_dir() {
                let files = sources(&folder)?;
                long.extend(files.into_iter().map(|(path, text)| (text.lines().count(), path)));
            }
        }
    }
    long.retain(|(lines, _)| *lines > SOFT);
    long.sort();
    long.reverse();
    let listed = |limit: usize| -> Vec<String> {
        let over = long.iter().filter(|(lines, _)| *lines > limit);
        over.map(|(lines, path)| {
            format!("{lines:>5} {}", path.strip_prefix(root()).unwrap_or(path).display())
        })
        .collect()
    };
    println!("files of more than {SOFT} lines:\n{}", listed(SOFT).join("\n"));
    ensure!(
        listed(HARD).is_empty(),
        "a file holds one noun and at most {HARD} lines; move the other nouns to files of their own, \
         and unit tests to <file>/tests.rs:\n{}",
        listed(HARD).join("\n")
    );
    Ok(())
}

#[test]
fn crates_introduce_themselves() -> anyhow::Result<()> {
    let mut silent = Vec::new();
    for member in Workspace::read()?.members {
        if member.description.as_deref().unwrap_or_default().is_empty() {
            silent.push(format!("{}: write a description into Cargo.toml", member.name));
        }
        for file in ["lib.rs", "main.rs"] {
            let path = member.folder.join("src").join(file);
            if let Ok(text) = std::fs::read_to_string(&path)
                && !begins_with_a_sentence(&text)
            {
                let place = path.strip_prefix(root()).unwrap_or(&path).display();
                silent.push(format!(
                    "{place}: begin with a `//!` sentence that a newcomer understands"
                ));
            }
        }
    }
    ensure!(silent.is_empty(), "{}", silent.join("\n"));
    Ok(())
}

fn begins_with_a_sentence(text: &str) -> bool {
    let paragraph: Vec<&str> =
        text.lines().map_while(|line| line.strip_prefix("//! ")).map(str::trim_end).collect();
    paragraph.last().is_some_and(|line| line.ends_with('.'))
}
