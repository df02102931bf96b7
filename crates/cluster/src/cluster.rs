//! The way to the API server: one pool of connections, used as ourselves or as a ServiceAccount.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::client::Body;
use kube::{Client, Config};
use portolan_plan::object::ServedKind;
use portolan_plan::outcome::Identity;
use serde_json::Value;
use tower::ServiceBuilder;

use crate::error::{WriteError, WriteErrorKind, chain};
use crate::observe::{Contact, IMPERSONATE, Observer, observed};

/// Longest time one request may take; watches have limits of their own.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest time a sign of life may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is neither a usable kubeconfig nor a pod's ServiceAccount.
    #[error("no way to the cluster: {0} (set KUBECONFIG, or run in a pod with a ServiceAccount)")]
    Config(String),
    /// The client cannot be made of the configuration.
    #[error("no way to the cluster: {0}")]
    Client(String),
    /// The API server does not answer, or not to us.
    #[error("the API server at {url} does not answer: {cause}")]
    Server {
        /// Its url.
        url: String,
        /// Why.
        cause: String,
    },
}

/// Whether a namespace and name are held by an object, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub enum HeldBy {
    /// By nobody.
    Nobody,
    /// By this object.
    Object(Box<Value>),
}

/// The way to one API server.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    url: String,
    contact: Contact,
}

impl Cluster {
    /// Connects as `KUBECONFIG` says, else as a pod does.
    pub async fn connect() -> Result<Self, ConnectError> {
        let mut config =
            Config::infer().await.map_err(|error| ConnectError::Config(chain(&error)))?;
        // Retries are the queue's: it backs off for each object alone and shows what happens.
        config.default_retry = false;
        let url = config.cluster_url.to_string();
        let client =
            Client::try_from(config).map_err(|error| ConnectError::Client(chain(&error)))?;
        Ok(Self::new(client, url))
    }

    /// A cluster behind a client that is there already.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into(), contact: Contact::default() }
    }

    /// The same cluster; each request to it is told of from here on.
    #[must_use]
    pub fn observed(self, observer: Arc<dyn Observer>) -> Self {
        let client = observed(self.client, observer, self.contact.clone());
        Self { client, ..self }
    }

    /// Whether it answers, as far as it is observed.
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// The client with the controller's own identity.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Asks for a sign of life, which [`Cluster::contact`] tells of.
    pub async fn probe(&self) {
        let mut request = http::Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static("/version");
        let _ = tokio::time::timeout(PROBE_TIMEOUT, self.client.send(request)).await;
    }

    /// Url of the API server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Addresses of the API server, as far as its name resolves.
    pub async fn addresses(&self) -> Vec<SocketAddr> {
        let Ok(uri) = self.url.parse::<http::Uri>() else { return Vec::new() };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(443);
        match tokio::net::lookup_host((host, port)).await {
            Ok(addresses) => addresses.collect(),
            Err(_) => Vec::new(),
        }
    }

    /// The first 8 characters of the UID of namespace `kube-system`: the name of a cluster that was
    /// given none.
    pub async fn default_name(&self) -> Result<String, ConnectError> {
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.client.clone());
        let namespace = api.get("kube-system").await.map_err(|error| ConnectError::Server {
            url: self.url.clone(),
            cause: chain(&error),
        })?;
        let uid = namespace.metadata.uid.unwrap_or_default();
        Ok(uid.chars().take(8).collect())
    }

    /// A client that acts as a ServiceAccount, over the same connections. Only the user is named:
    /// the API server adds the account's groups itself, and naming groups would need the right to
    /// impersonate any of them.
    pub fn as_account(&self, identity: &Identity) -> Result<Client, WriteError> {
        let user = HeaderValue::from_str(&identity.user()).map_err(|_| {
            let message = format!("{:?} is not the name of a ServiceAccount", identity.user());
            WriteError::new(WriteErrorKind::Invalid, message)
        })?;
        let base = self.client.clone();
        let service = ServiceBuilder::new()
            .map_request(move |mut request: http::Request<Body>| {
                request.headers_mut().insert(IMPERSONATE, user.clone());
                request
            })
            .service_fn(move |request: http::Request<Body>| {
                let base = base.clone();
                async move { base.send(request).await }
            });
        Ok(Client::new(service, &identity.namespace))
    }

    /// Reads an object as an account.
    pub async fn get(
        &self,
        identity: &Identity,
        kind: &ServedKind,
        namespace: &str,
        name: &str,
    ) -> Result<HeldBy, WriteError> {
        let api = dynamic(self.as_account(identity)?, kind, namespace);
        let found = within(api.get_opt(name)).await?;
        Ok(found.map_or(HeldBy::Nobody, |object| HeldBy::Object(Box::new(to_value(&object)))))
    }

    /// Lists at most 50 objects with labels as an account.
    pub async fn list(
        &self,
        identity: &Identity,
        kind: &ServedKind,
        namespace: &str,
        labels: &str,
    ) -> Result<Vec<Value>, WriteError> {
        let api = dynamic(self.as_account(identity)?, kind, namespace);
        let params = ListParams::default().labels(labels).limit(50);
        let found = within(api.list(&params)).await?;
        let named = |object: &DynamicObject| {
            // The items of a list carry no kind.
            let mut value = to_value(object);
            value["apiVersion"] = kind.gvk.api_version().into();
            value["kind"] = kind.gvk.kind.clone().into();
            value
        };
        Ok(found.items.iter().map(named).collect())
    }
}

/// The API of a kind, in a namespace where it has one.
pub(crate) fn dynamic(client: Client, kind: &ServedKind, namespace: &str) -> Api<DynamicObject> {
    let resource = resource(kind);
    if kind.namespaced {
        Api::namespaced_with(client, namespace, &resource)
    } else {
        Api::all_with(client, &resource)
    }
}

/// A kind as kube names it.
pub(crate) fn resource(kind: &ServedKind) -> ApiResource {
    let gvk = GroupVersionKind::gvk(&kind.gvk.group, &kind.gvk.version, &kind.gvk.kind);
    ApiResource::from_gvk_with_plural(&gvk, &kind.plural)
}

/// A request, given up after [`REQUEST_TIMEOUT`].
pub(crate) async fn within<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, WriteError> {
    let Ok(result) = tokio::time::timeout(REQUEST_TIMEOUT, request).await else {
        let seconds = REQUEST_TIMEOUT.as_secs();
        let message = format!("the API server did not answer within {seconds} s");
        return Err(WriteError::new(WriteErrorKind::Unavailable, message));
    };
    result.map_err(WriteError::from)
}

/// An object as JSON, without `managedFields`.
pub(crate) fn to_value(object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    value
}
