//! Blueprints and templates, compiled once for each version.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use portolan_cluster::{Caches, Key, Selection, Stored};
use portolan_plan::choreography::{Blueprint, OwnerKind, Template, TemplateKey};

use crate::kinds::ours;

/// A compiled object and the version it was made of.
type Compiled<T> = HashMap<String, (String, u64, Result<Arc<T>, String>)>;

/// Blueprints and templates of one kind of owner.
pub(crate) struct Library {
    caches: Caches,
    serves: OwnerKind,
    blueprints: Mutex<Compiled<Blueprint>>,
    templates: Mutex<Compiled<Template>>,
}

impl Library {
    pub(crate) fn new(caches: Caches, serves: OwnerKind) -> Self {
        Self { caches, serves, blueprints: Mutex::default(), templates: Mutex::default() }
    }

    /// All blueprints that decode, by name. One that does not serves nobody; its own round reports it.
    pub(crate) fn blueprints(&self) -> Vec<Arc<Blueprint>> {
        let Some(store) =
            self.caches.store(&ours(self.serves.blueprint_kind()), &Selection::default())
        else {
            return Vec::new();
        };
        let mut all = store.all();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all.iter().filter_map(|stored| self.blueprint(stored).ok()).collect()
    }

    /// A blueprint, compiled.
    pub(crate) fn blueprint(&self, stored: &Stored) -> Result<Arc<Blueprint>, String> {
        let compile = |value: &serde_json::Value| Blueprint::read(self.serves, value);
        compiled(&self.blueprints, &stored.key.name, stored, compile)
    }

    /// A template, compiled; none where it does not exist.
    pub(crate) fn template(&self, key: &TemplateKey) -> Option<Result<Arc<Template>, String>> {
        let name = Key::new("", &key.name);
        let stored = self.caches.get(&ours(key.kind.name()), &Selection::default(), &name)?;
        let compile = |value: &serde_json::Value| Template::read(key.kind, value);
        let cached = format!("{}/{}", key.kind.name(), key.name);
        Some(compiled(&self.templates, &cached, &stored, compile))
    }
}

fn compiled<T>(
    library: &Mutex<Compiled<T>>,
    name: &str,
    stored: &Stored,
    compile: impl Fn(&serde_json::Value) -> Result<T, serde_json::Error>,
) -> Result<Arc<T>, String> {
    let mut library = library.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((uid, version, made)) = library.get(name)
        && *uid == stored.uid
        && *version == stored.version
    {
        return made.clone();
    }
    let made = compile(&stored.value()).map(Arc::new).map_err(|error| error.to_string());
    library.insert(name.to_owned(), (stored.uid.clone(), stored.version, made.clone()));
    made
}
