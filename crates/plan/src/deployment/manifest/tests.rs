use super::*;

fn parsed(files: &[(&str, &str)]) -> Result<Vec<Manifest>, Vec<String>> {
    let files = files.iter().map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec())).collect();
    parse(&files).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

#[test]
fn documents_lists_and_other_files() {
    let list =
        r#"{"kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}]}"#;
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\nstatus: {x: 1}\n";
    let stream = format!("# a comment\n---\n{MAP}---\n\n---\n{other}");
    let found = parsed(&[
        ("app/all.yaml", &stream),
        ("list.json", list),
        ("README.md", "no manifest"),
        (".portolan/passage", "{}"),
    ])
    .unwrap();
    let names: Vec<_> =
        found.iter().map(|m| (m.file.as_str(), m.line, object::name(&m.object))).collect();
    assert_eq!(names, [("app/all.yaml", 3, "a"), ("app/all.yaml", 9, "b"), ("list.json", 1, "s")]);
    assert!(found[1].object.get("status").is_none());
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let mistakes = parsed(&[
        ("a.yaml", "kind: ConfigMap\nmetadata: {name: a}\n---\na: [1\n"),
        ("b.yaml", "- 1\n"),
        ("kustomization.yaml", "resources: []\n"),
        ("x/Kustomization", "resources: []\n"),
    ])
    .unwrap_err();
    assert_eq!(mistakes.len(), 5, "{mistakes:#?}");
    assert_eq!(mistakes[0], "a.yaml:1 ConfigMap a: apiVersion is missing, or is not text");
    assert!(mistakes[1].starts_with("a.yaml:"), "{}", mistakes[1]);
    assert!(mistakes[2].contains("is not an object"));
    assert!(mistakes[3].contains("kustomize build"));
    assert!(mistakes[4].starts_with("x/Kustomization"), "{}", mistakes[4]);
}

#[test]
fn an_object_stands_once() {
    let mistakes = parsed(&[("a.yaml", MAP), ("b.yaml", MAP)]).unwrap_err();
    assert_eq!(mistakes, ["b.yaml:1 ConfigMap a: stands in this tree twice"]);
    let duplicate_key = parsed(&[("a.yaml", &format!("{MAP}data: {{x: '1', x: '2'}}\n"))]);
    assert!(duplicate_key.is_err());
}

#[test]
fn numbers_read_as_kubectl_reads_them() {
    let found =
        parsed(&[("a.yaml", &format!("{MAP}data: {{}}\nmode: 0644\nbig: 9007199254740993\n"))]);
    let object = &found.unwrap()[0].object;
    assert_eq!(
        (object["mode"].as_i64(), object["big"].as_i64()),
        (Some(420), Some(9_007_199_254_740_993))
    );
}

/// T-04.
#[test]
fn reading_ends_at_the_first_cap() {
    let ended = |files: &[(&str, &str)]| {
        let mistakes = parsed(files).unwrap_err();
        (mistakes.len(), mistakes.last().cloned().unwrap_or_default())
    };
    let wrong = "kind: ConfigMap\n---\n".repeat(1000);
    let (count, last) = ended(&[("a.yaml", &wrong), ("b.yaml", &wrong)]);
    assert_eq!(count, MAX_MISTAKES + 1);
    assert!(last.contains("more mistakes"), "{last}");
    let item =
        |i: usize| format!("{{apiVersion: v1, kind: Secret, metadata: {{name: s{i}}}}}\n---\n");
    let many: String = (0..=MAX_OBJECTS).map(item).collect();
    let (count, last) = ended(&[("a.yaml", &many), ("b.yaml", "a: [")]);
    assert_eq!(count, 1, "nothing is read after the cap");
    assert!(last.contains("more than 5000 objects"), "{last}");
    let large = format!("# {}\n{MAP}", "x".repeat(MAX_FILE));
    assert!(ended(&[("a.yaml", &large)]).1.contains("a.yaml:1"));
    let files: Vec<String> = (0..5).map(|i| format!("{i}.yaml")).collect();
    let text = "#".repeat(MAX_FILE);
    let all: Vec<_> = files.iter().map(|file| (file.as_str(), text.as_str())).collect();
    assert!(ended(&all).1.contains("bytes of manifests"));
}

#[test]
fn documents_have_the_lines_they_begin_at() {
    let text = "\u{feff}a: 1\r\n---\r\n# nothing\n--- # next\n\nb: 1\n...\n---\nc: 1";
    let found: Vec<_> = documents(text).collect();
    assert_eq!(found, [(1, "a: 1\r\n"), (5, "\nb: 1\n"), (9, "c: 1")]);
}

/// T-14, F51.
#[test]
fn hostile_documents_end_in_an_error() {
    let laughs: String = (0..9).fold("a0: &a0 [x]\n".into(), |text, i| {
        format!(
            "{text}a{}: &a{} [*a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}]\n",
            i + 1,
            i + 1
        )
    });
    let deep = "[".repeat(100_000);
    for text in [laughs.as_str(), &deep, "!include /etc/passwd"] {
        assert!(parsed(&[("a.yaml", text)]).is_err());
    }
}
