//! An owner's status, read as far as it reads.

use portolan_api::API_VERSION;
use portolan_api::choreography::status::ObjectReference;
use serde_json::Value;

use super::condition::{Condition, conditions};
use super::report::Object;
use crate::object::Gvk;
use crate::trace::clean;

/// An object that tells where its owner stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The resource of the blueprint that it was stamped for.
    pub resource: String,
    /// Which object.
    pub object: Object,
}

/// An entry of `status.resources`.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
    pub(super) inputs: Vec<&'a str>,
    pub(super) object: Option<Object>,
}

impl<'a> Entry<'a> {
    pub(super) fn conditions(&self) -> Vec<Condition<'a>> {
        conditions(self.value)
    }

    /// An output, as far as status shows it.
    pub(super) fn output(&self, name: &str) -> Option<String> {
        let outputs = self.value.get("outputs")?.as_array()?;
        let output = outputs.iter().find(|output| output["name"] == name)?;
        Some(clean(output.get("preview")?.as_str()?.trim().trim_matches('"'), 500))
    }
}

/// The entries of an owner's `status.resources`, in the order of the blueprint.
pub(super) fn entries(owner: &Value) -> Vec<Entry<'_>> {
    let list = owner.pointer("/status/resources").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(entry).collect()
}

fn entry(value: &Value) -> Option<Entry<'_>> {
    let inputs = value.get("inputs").and_then(Value::as_array).into_iter().flatten();
    Some(Entry {
        name: value.get("name")?.as_str()?,
        value,
        inputs: inputs.filter_map(|input| input.get("name")?.as_str()).collect(),
        object: value.get("stampedRef").and_then(object),
    })
}

fn object(reference: &Value) -> Option<Object> {
    let reference: ObjectReference = serde_json::from_value(reference.clone()).ok()?;
    Some(Object {
        api_version: reference.api_version?,
        kind: reference.kind?,
        resource: reference.resource.unwrap_or_default(),
        namespace: reference.namespace.filter(|namespace| !namespace.is_empty()),
        name: reference.name?,
    })
}

/// The objects to read for an owner: those it stamped that have a status. Secrets are none of them.
pub fn wanted(owner: &Value) -> Vec<Wanted> {
    let entries = entries(owner).into_iter();
    let wanted = entries.filter_map(|entry| {
        Some(Wanted { resource: entry.name.to_owned(), object: entry.object? })
    });
    wanted.filter(|wanted| has_status(&wanted.object)).collect()
}

fn has_status(object: &Object) -> bool {
    object.api_version != "v1" || !["ConfigMap", "Secret"].contains(&object.kind.as_str())
}

/// Whether an object is of one of our native kinds, all of which tell of themselves in `Ready`.
pub(super) fn is_native(object: &Value) -> bool {
    let gvk = Gvk::of(object);
    is_native_kind(&gvk.api_version(), &gvk.kind)
}

/// Whether a kind is one of ours.
pub(super) fn is_native_kind(api_version: &str, kind: &str) -> bool {
    const NATIVE: [&str; 5] =
        ["GitSource", "SourceImage", "GitWriter", "GitDeployment", "Verification"];
    api_version == API_VERSION && NATIVE.contains(&kind)
}
