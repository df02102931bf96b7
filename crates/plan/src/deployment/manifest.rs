//! Manifests out of the files of a tree: every mistake by file, line and object.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::record::is_ours;
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::object::{self, ObjectKey};

/// Most objects of one tree.
const MAX_OBJECTS: usize = 5000;

/// An object of a tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// File it stands in.
    pub file: String,
    /// Line it begins at.
    pub line: usize,
    /// The object.
    pub object: Value,
}

impl Manifest {
    /// A mistake in this object.
    pub fn mistake(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            object: format!("{}:{}", self.file, self.line),
            field: described(&self.object),
            message: message.into(),
            hint: None,
        }
    }
}

/// Kind and name of an object, for messages.
fn described(object: &Value) -> String {
    format!("{} {}", object::text(object, "/kind"), object::name(object))
}

/// Names by which kustomize knows its files.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Reads all manifests of a tree: YAML and JSON files, but nothing below `.portolan/`.
pub fn parse(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Manifest>, Vec<Diagnostic>> {
    let mut manifests = Vec::new();
    let mut mistakes = Vec::new();
    for (file, content) in files {
        let name = file.rsplit('/').next().unwrap_or(file);
        let is_manifest = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
        let is_kustomization = KUSTOMIZATIONS.contains(&name);
        if !(is_manifest || is_kustomization) || is_ours(file) {
            continue;
        }
        if is_kustomization {
            mistakes.push(Diagnostic {
                object: file.clone(),
                field: String::new(),
                message: "a kustomization is not supported by this version".into(),
                hint: Some("write what `kustomize build` prints".into()),
            });
            continue;
        }
        match std::str::from_utf8(content) {
            Ok(text) => read(file, text, &mut manifests, &mut mistakes),
            Err(_) => mistakes.push(at(file, 1, "the file is not UTF-8 text")),
        }
    }
    mistakes.extend(duplicates(&manifests));
    if manifests.len() > MAX_OBJECTS {
        mistakes.push(at(".", 0, &format!("more than {MAX_OBJECTS} objects")));
    }
    if mistakes.is_empty() { Ok(manifests) } else { Err(mistakes) }
}

fn at(file: &str, line: usize, message: &str) -> Diagnostic {
    Diagnostic {
        object: format!("{file}:{line}"),
        field: String::new(),
        message: message.into(),
        hint: None,
    }
}

/// Reads the documents of one file.
fn read(file: &str, text: &str, manifests: &mut Vec<Manifest>, mistakes: &mut Vec<Diagnostic>) {
    for (line, document) in documents(text) {
        let options = serde_saphyr::options! { legacy_octal_numbers: true };
        let value: Value = match serde_saphyr::from_str_with_options(&document, options) {
            Ok(value) => value,
            Err(error) => {
                let line = line
                    + error.location().map_or(0, |l| usize::try_from(l.line()).unwrap_or(1) - 1);
                mistakes.push(at(file, line, &first_line(&error.to_string())));
                continue;
            }
        };
        let objects = match value {
            Value::Null => continue,
            Value::Object(ref map) if map.get("kind") == Some(&Value::from("List")) => {
                map.get("items").and_then(Value::as_array).cloned().unwrap_or_default()
            }
            object => vec![object],
        };
        for mut object in objects {
            // Tools export it; it is the cluster's to write.
            if let Some(map) = object.as_object_mut() {
                map.remove("status");
            }
            let manifest = Manifest { file: file.to_owned(), line, object };
            match check(&manifest.object) {
                Ok(()) => manifests.push(manifest),
                Err(message) => mistakes.push(manifest.mistake(message)),
            }
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// The documents of a stream, each with the line it begins at.
fn documents(text: &str) -> Vec<(usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = vec![(1, String::new())];
    for (index, line) in text.lines().enumerate() {
        if line == "---" || line.starts_with("--- ") || line == "..." {
            documents.push((index + 2, String::new()));
        } else if let Some((_, document)) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    let written = |document: &str| {
        document.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    };
    documents.into_iter().filter(|(_, document)| written(document)).collect()
}

/// Whether a document is an object that can be applied.
fn check(object: &Value) -> Result<(), String> {
    if !object.is_object() {
        return Err("is not an object: a manifest begins with apiVersion and kind".into());
    }
    for (field, pointer) in
        [("apiVersion", "/apiVersion"), ("kind", "/kind"), ("metadata.name", "/metadata/name")]
    {
        if object::text(object, pointer).is_empty() {
            return Err(format!("{field} is missing, or is not text"));
        }
    }
    Ok(())
}

fn duplicates(manifests: &[Manifest]) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    manifests
        .iter()
        .filter(|manifest| !seen.insert(ObjectKey::of(&manifest.object)))
        .map(|manifest| manifest.mistake("stands in this tree twice"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(files: &[(&str, &str)]) -> Result<Vec<Manifest>, Vec<String>> {
        let files = files.iter().map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec())).collect();
        parse(&files).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

    #[test]
    fn documents_lists_and_other_files() {
        let list = r#"{"kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}]}"#;
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
        assert_eq!(
            names,
            [("app/all.yaml", 3, "a"), ("app/all.yaml", 9, "b"), ("list.json", 1, "s")]
        );
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
}
