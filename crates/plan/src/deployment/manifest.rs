//! Manifests out of the files of a tree: every mistake by file, line and object.

use std::collections::{BTreeMap, BTreeSet};

use portolan_api::record::is_ours;
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::object::{self, ObjectKey};

/// Most objects of one tree.
const MAX_OBJECTS: usize = 5000;
/// Most mistakes that are told; who has more begins with these.
const MAX_MISTAKES: usize = 20;
/// Most bytes of one file with manifests: more than a cluster keeps of any object, and what is read
/// takes many times its size in memory.
const MAX_FILE: usize = 8 << 20;
/// Most bytes of all files with manifests.
const MAX_BYTES: usize = 32 << 20;

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

/// Reads all manifests of a tree: YAML and JSON files, but nothing below `.portolan/`. It ends at the
/// first cap, and where there are enough mistakes to begin with.
pub fn parse(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Manifest>, Vec<Diagnostic>> {
    let mut reading = Reading::default();
    // What is over a cap is among the mistakes.
    let _ended = reading.tree(files);
    let Reading { manifests, mistakes, .. } = reading;
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

/// Nothing more is read.
struct Ended;

/// What was read so far.
#[derive(Default)]
struct Reading {
    manifests: Vec<Manifest>,
    mistakes: Vec<Diagnostic>,
    seen: BTreeSet<ObjectKey>,
    bytes: usize,
}

impl Reading {
    fn tree(&mut self, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Ended> {
        for (file, content) in files {
            let name = file.rsplit('/').next().unwrap_or(file);
            let is_manifest = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
            let is_kustomization = KUSTOMIZATIONS.contains(&name);
            if !(is_manifest || is_kustomization) || is_ours(file) {
                continue;
            }
            if is_kustomization {
                self.mistake(Diagnostic {
                    object: file.clone(),
                    field: String::new(),
                    message: "a kustomization is not supported by this version".into(),
                    hint: Some("write what `kustomize build` prints".into()),
                })?;
                continue;
            }
            self.bytes += content.len();
            if self.bytes > MAX_BYTES {
                return self.end(&format!("more than {MAX_BYTES} bytes of manifests"));
            }
            if content.len() > MAX_FILE {
                self.mistake(at(file, 1, &format!("the file has more than {MAX_FILE} bytes")))?;
                continue;
            }
            match std::str::from_utf8(content) {
                Ok(text) => self.file(file, text)?,
                Err(_) => self.mistake(at(file, 1, "the file is not UTF-8 text"))?,
            }
        }
        Ok(())
    }

    /// Reads the documents of one file.
    fn file(&mut self, file: &str, text: &str) -> Result<(), Ended> {
        for (line, document) in documents(text) {
            let options = serde_saphyr::options! { legacy_octal_numbers: true };
            let value: Value = match serde_saphyr::from_str_with_options(document, options) {
                Ok(value) => value,
                Err(error) => {
                    let within = error.location().map_or(0, |l| l.line().saturating_sub(1));
                    let line = line.saturating_add(usize::try_from(within).unwrap_or(0));
                    self.mistake(at(file, line, &first_line(&error.to_string())))?;
                    continue;
                }
            };
            match value {
                Value::Null => {}
                Value::Object(mut map) if map.get("kind") == Some(&Value::from("List")) => {
                    if let Some(Value::Array(items)) = map.remove("items") {
                        for item in items {
                            self.object(file, line, item)?;
                        }
                    }
                }
                object => self.object(file, line, object)?,
            }
        }
        Ok(())
    }

    fn object(&mut self, file: &str, line: usize, mut object: Value) -> Result<(), Ended> {
        // Tools export it; it is the cluster's to write.
        if let Some(map) = object.as_object_mut() {
            map.remove("status");
        }
        let manifest = Manifest { file: file.to_owned(), line, object };
        if let Err(message) = check(&manifest.object) {
            return self.mistake(manifest.mistake(message));
        }
        if !self.seen.insert(ObjectKey::of(&manifest.object)) {
            return self.mistake(manifest.mistake("stands in this tree twice"));
        }
        if self.manifests.len() == MAX_OBJECTS {
            return self.end(&format!("more than {MAX_OBJECTS} objects"));
        }
        self.manifests.push(manifest);
        Ok(())
    }

    fn mistake(&mut self, mistake: Diagnostic) -> Result<(), Ended> {
        if self.mistakes.len() == MAX_MISTAKES {
            return self.end("there are more mistakes, which are not told");
        }
        self.mistakes.push(mistake);
        Ok(())
    }

    fn end(&mut self, why: &str) -> Result<(), Ended> {
        self.mistakes.push(at(".", 0, why));
        Err(Ended)
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// The documents of a stream, each with the line it begins at, as they stand in the text: a copy of a
/// large file costs what reading it may not.
fn documents(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rest = Some((1, text));
    let all = std::iter::from_fn(move || {
        let (first, text) = rest.take()?;
        let mut end = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let bare = line.trim_end_matches(['\n', '\r']);
            if bare == "---" || bare.starts_with("--- ") || bare == "..." {
                rest = Some((first + index + 1, &text[end + line.len()..]));
                break;
            }
            end += line.len();
        }
        Some((first, &text[..end]))
    });
    let written = |document: &str| {
        document.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    };
    all.filter(move |(_, document)| written(document))
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

#[cfg(test)]
mod tests;
