//! What a person may read of a cluster: lists and single objects, and nothing else.

use anyhow::{Context as _, bail};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::{Client, Error};
use portolan_plan::standing::{Object, Seen};
use serde_json::Value;

/// Objects in one answer of a list.
const PAGE: u32 = 500;

/// All objects of a kind, as far as they may be seen.
pub(super) enum Listing {
    /// These.
    Objects(Vec<Value>),
    /// The cluster does not serve the kind.
    NotServed,
    /// The person may not; in the API server's words.
    Forbidden(String),
}

/// Our own kind of a name.
pub(super) fn ours(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(portolan_api::GROUP, portolan_api::VERSION, kind))
}

/// An API of a kind, in a namespace or in all.
pub(super) fn api(
    client: &Client,
    kind: &ApiResource,
    namespace: Option<&str>,
) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, kind),
        None => Api::all_with(client.clone(), kind),
    }
}

/// Lists objects, all or those with a name; an error is of the connection.
pub(super) async fn list(api: &Api<DynamicObject>, name: Option<&str>) -> anyhow::Result<Listing> {
    let mut params = ListParams::default().limit(PAGE);
    if let Some(name) = name {
        params = params.fields(&format!("metadata.name={name}"));
    }
    let mut objects = Vec::new();
    loop {
        let page = match api.list(&params).await {
            Ok(page) => page,
            Err(Error::Api(status)) if status.code == 404 => return Ok(Listing::NotServed),
            Err(Error::Api(status)) if status.code == 403 => {
                return Ok(Listing::Forbidden(status.message.clone()));
            }
            Err(Error::Api(status)) if status.code == 401 => {
                bail!("the API server does not accept the credentials of the kubeconfig")
            }
            Err(error) => return Err(error).context("the API server does not answer"),
        };
        for object in page.items {
            objects.push(serde_json::to_value(object).context("an object does not read")?);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(Listing::Objects(objects)),
        }
    }
}

/// Reads a stamped object.
pub(super) async fn get(client: &Client, object: &Object) -> Seen {
    let kind = kind(object);
    let api = api(client, &kind, object.namespace.as_deref());
    match api.get_opt(&object.name).await {
        Ok(Some(found)) => match serde_json::to_value(found) {
            Ok(value) => Seen::Object(Box::new(value)),
            Err(error) => Seen::Hidden(error.to_string()),
        },
        Ok(None) => Seen::Gone,
        Err(Error::Api(status)) => Seen::Hidden(status.message.clone()),
        Err(error) => Seen::Hidden(super::chain(&error.into())),
    }
}

/// The kind of an object, by the plural that the owner's status names.
fn kind(object: &Object) -> ApiResource {
    let (group, version) = object.api_version.rsplit_once('/').unwrap_or(("", &object.api_version));
    let gvk = GroupVersionKind::gvk(group, version, &object.kind);
    match object.resource.split('.').next().filter(|plural| !plural.is_empty()) {
        Some(plural) => ApiResource::from_gvk_with_plural(&gvk, plural),
        None => ApiResource::from_gvk(&gvk),
    }
}
