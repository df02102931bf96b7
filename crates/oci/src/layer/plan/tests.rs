use rstest::rstest;

use super::*;

/// `path`, `path/` for a folder, `path -> target` for a symlink, `path !` for what cannot be packed, `path *` for a program.
fn entries(lines: &[&str]) -> Vec<Entry> {
    let entry = |line: &&str| {
        let (path, kind) = if let Some((path, target)) = line.split_once(" -> ") {
            (path, Kind::Symlink { target: target.into() })
        } else if let Some(path) = line.strip_suffix('/') {
            (path, Kind::Directory)
        } else if let Some(path) = line.strip_suffix(" !") {
            (path, Kind::Unusable("it is a hard link"))
        } else {
            let path = line.trim_end_matches(" *");
            (path, Kind::File { size: 1, executable: path != *line })
        };
        Entry { path: path.into(), kind }
    };
    lines.iter().map(entry).collect()
}

fn planned(rule: (&str, &str, Option<&str>), lines: &[&str]) -> Result<Vec<String>, Error> {
    let rule = LayerRule::new(rule.0, rule.1, rule.2).unwrap();
    let shown = |(name, member): (&String, &Member)| match member {
        Member::Directory(mode) | Member::File { mode, .. } => format!("{name} {mode:o}"),
        Member::Symlink(target) => format!("{name} -> {target}"),
    };
    Ok(plan(&rule, &entries(lines))?.iter().map(shown).collect())
}

const TREE: [&str; 9] = [
    "/",
    ".portolan/record.yaml",
    "README.md",
    "target/",
    "target/app *",
    "target/lib/a.so",
    "target/lib/b.so -> a.so",
    "target-old/app",
    "tool -> target/app",
];

#[rstest]
#[case(("target/app", "/app", None), &["app 755"])]
#[case(("target/app", "/app/", None), &["app/ 755", "app/app 755"])]
#[case(("target/app", "/", None), &["app 755"])]
#[case(("README.md", "/usr/share/x.md", None), &["usr/ 755", "usr/share/ 755", "usr/share/x.md 644"])]
#[case(("target", "/opt", None), &["opt/ 755", "opt/app 755", "opt/lib/ 755", "opt/lib/a.so 644", "opt/lib/b.so -> a.so"])]
#[case(("target/lib/", "/", Some("0600")), &["a.so 600", "b.so -> a.so"])]
#[case(("tool", "/bin/", None), &["bin/ 755", "bin/tool -> target/app"])]
#[case(("README.md", "/tmp/x", None), &["tmp/ 1777", "tmp/x 644"])]
#[case((".", "/", None), &[
    "README.md 644", "target-old/ 755", "target-old/app 644", "target/ 755", "target/app 755", "target/lib/ 755",
    "target/lib/a.so 644", "target/lib/b.so -> a.so", "tool -> target/app",
])]
#[case((".portolan", "/p", None), &["p/ 755", "p/record.yaml 644"])]
fn rules_take_what_they_say(#[case] rule: (&str, &str, Option<&str>), #[case] members: &[&str]) {
    assert_eq!(planned(rule, &TREE).unwrap(), members);
}

#[rstest]
#[case("target/apq", "did you mean `target/app`, `target/lib`?")]
#[case("targets/app", "did you mean `target`, `target-old`, `tool`")]
#[case("target/lib/c/d", "did you mean `target/lib/a.so` or `target/lib/b.so`?")]
#[case("tool/x", "did you mean `tool`")]
fn what_is_missing_names_what_is_there(#[case] from: &str, #[case] hint: &str) {
    let error = planned((from, "/x", None), &TREE).unwrap_err();
    assert_eq!(error.to_string(), format!("packing `{from}`: it is not in the source"));
    let hint = hint.replace("`, `target/lib`?", "` or `target/lib`?");
    assert!(error.hint().unwrap().starts_with(&hint), "{:?}", error.hint());
    assert_eq!((error.reason(), error.class()), ("LayerSourceNotFound", crate::Class::Stalled));
}

#[test]
fn an_empty_source_has_nothing() {
    let error = planned((".", "/x", None), &[".portolan/record.yaml"]).unwrap_err();
    assert_eq!(error.reason(), "LayerSourceNotFound");
    assert_eq!(planned(("d", "/", None), &["d/"]).unwrap(), [""; 0]);
}

#[rstest]
#[case(&["d/a", "d/a"], "twice")]
#[case(&["d/a", "d/a -> x"], "twice")]
#[case(&["d/a -> /etc", "d/a/passwd"], "a folder and something else")]
#[case(&["d/a", "d/a/"], "a folder and something else")]
#[case(&["d/a !"], "hard link")]
#[case(&["d/.wh.passwd"], ".wh.")]
#[case(&["d/.wh..wh..opq"], ".wh.")]
#[case(&["d/.wh.x/y"], ".wh.")]
fn what_cannot_stand_in_a_layer_is_refused(#[case] lines: &[&str], #[case] problem: &str) {
    let error = planned(("d", "/", None), lines).unwrap_err();
    assert!(error.to_string().contains(problem), "{error}");
    assert_eq!(error.reason(), "InvalidSpec");
    assert!(planned(("other", "/", None), &[lines, &["other/x"]].concat()).is_ok());
}
