//! Whole parts of the owner in a stamped object: as the user wrote them, without the gaps that the
//! typed view fills.
//!
//! `$(workload.spec.source.git.ref.tag)$` is null where no tag is set, but
//! `$(workload.spec.source.git.ref)$` is `{branch: main}` and nothing else (section 5.3: what is
//! found is serialised, and empty fields are left out).

use portolan_expr::{Context, Path};
use serde_json::Value;

use super::owner::Owner;

/// A string of a template that is one tag on the owner.
#[derive(Clone, Debug)]
pub(super) struct OwnerTag {
    /// JSON pointer to the string.
    pointer: String,
    path: Path,
}

impl OwnerTag {
    /// All such strings of a template.
    pub(super) fn find(template: &Value) -> Vec<Self> {
        let mut found = Vec::new();
        let mut waiting = vec![(String::new(), template)];
        while let Some((pointer, value)) = waiting.pop() {
            match value {
                Value::String(text) => {
                    found.extend(path(text).map(|path| Self { pointer, path }));
                }
                Value::Array(list) => waiting.extend(
                    list.iter()
                        .enumerate()
                        .map(|(index, item)| (format!("{pointer}/{index}"), item)),
                ),
                Value::Object(map) => waiting.extend(map.iter().map(|(key, item)| {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    (format!("{pointer}/{key}"), item)
                })),
                _ => {}
            }
        }
        found
    }

    /// Puts the part of the owner as it is stored in the place of its typed view.
    pub(super) fn restore(&self, rendered: &mut Value, owner: &Owner) {
        let Some(part) = rendered.pointer_mut(&self.pointer) else { return };
        if !part.is_object() && !part.is_array() {
            return;
        }
        let context = Context::new()
            .borrowing("workload", &owner.stored)
            .borrowing("deliverable", &owner.stored);
        match self.path.one_in(&context) {
            Ok(stored) => *part = stored.into_owned(),
            // An object that is always there, although nobody wrote it.
            Err(_) => {
                if let Some(map) = part.as_object_mut() {
                    map.retain(|_, value| !value.is_null());
                }
            }
        }
    }
}

fn path(text: &str) -> Option<Path> {
    let expression = text.strip_prefix("$(")?.strip_suffix(")$")?;
    let path = Path::parse(expression).ok().filter(|_| !expression.contains("$("))?;
    let root = path.leading_keys().next()?;
    ["workload", "deliverable"].contains(&root).then_some(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::owner::OwnerKind;
    use super::*;

    #[test]
    fn whole_parts_have_no_gaps_and_single_fields_keep_them() {
        let spec = json!({
            "source": {"git": {"url": "u", "ref": {"branch": "main"}}},
            "params": [{"name": "p", "value": {"nothing": null}}],
            "env": [{"name": "A"}],
        });
        let owner = json!({"metadata": {"name": "app"}, "spec": spec});
        let owner = Owner::read(OwnerKind::Workload, owner).unwrap();
        let template = json!({
            "a/b": "$(workload.spec.source.git.ref)$",
            "list": ["$(deliverable.spec.params)$", {"env": "$(workload.spec.env)$"}],
            "tag": "$(workload.spec.source.git.ref.tag)$",
            "build": "$(workload.spec.build)$",
            "text": "is $(workload.metadata.name)$",
        });
        let context =
            Context::new().borrowing("workload", &owner.view).borrowing("deliverable", &owner.view);
        let mut rendered = portolan_expr::Template::compile(&template).render(&context).unwrap();
        for tag in OwnerTag::find(&template) {
            tag.restore(&mut rendered, &owner);
        }
        assert_eq!(
            rendered,
            json!({
                "a/b": {"branch": "main"},
                "list": [[{"name": "p", "value": {"nothing": null}}], {"env": [{"name": "A"}]}],
                "tag": null,
                "build": {},
                "text": "is app",
            })
        );
    }
}
