//! An API server in memory.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use portolan_cluster::Cluster;
use serde_json::{Value, json};
use tokio::sync::watch;

/// What the server does.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// It lets list.
    pub(crate) list: bool,
    /// It lets watch.
    pub(crate) watch: bool,
    /// It does not answer anything.
    pub(crate) hangs: bool,
    /// It tells nothing of a lease that is watched.
    pub(crate) quiet: bool,
    /// Names of the objects that it has.
    pub(crate) objects: Vec<&'static str>,
}

/// An API server in memory. Open watches are closed when its manner changes.
#[derive(Clone)]
pub(crate) struct Server {
    manner: watch::Sender<Manner>,
    /// Method and path of each request.
    requests: Arc<Mutex<Vec<String>>>,
    lease: watch::Sender<Option<Value>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let manner =
            Manner { list: true, watch: true, hangs: false, quiet: false, objects: vec!["a"] };
        let manner = watch::Sender::new(manner);
        Self { manner, requests: Arc::default(), lease: watch::Sender::default() }
    }

    pub(crate) fn becomes(&self, change: impl FnOnce(&mut Manner)) {
        self.manner.send_modify(change);
    }

    pub(crate) fn cluster(&self) -> Cluster {
        let this = self.clone();
        let service = tower::service_fn(move |request| {
            let this = this.clone();
            async move { Ok::<_, Infallible>(this.answer(request).await) }
        });
        Cluster::new(Client::new(service, "default"), "https://server.test")
    }

    /// How many requests came since the last call.
    pub(crate) fn asked(&self) -> usize {
        std::mem::take(&mut *self.requests.lock().expect("no test panics while it counts")).len()
    }

    /// Who holds the lease.
    pub(crate) fn holder(&self) -> Option<String> {
        let lease = self.lease.borrow();
        lease.as_ref()?.pointer("/spec/holderIdentity")?.as_str().map(Into::into)
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().to_string();
        self.requests
            .lock()
            .expect("no test panics while it counts")
            .push(format!("{} {path}", request.method()));
        let mut changes = self.manner.subscribe();
        let manner = self.manner.borrow().clone();
        if manner.hangs {
            std::future::pending::<()>().await;
        }
        let is_watch = path.contains("watch=true");
        let may = if is_watch { manner.watch } else { manner.list };
        if !may {
            let status = json!({"kind": "Status", "code": 403, "status": "Failure",
                "reason": "Forbidden", "message": "you may not"});
            return told(403, &status);
        }
        if path.contains("/leases") {
            return if is_watch { self.news().await } else { self.lease(request).await };
        }
        if is_watch {
            let _ = changes.changed().await;
            return told(200, &Value::Null);
        }
        let items: Vec<Value> = manner
            .objects
            .iter()
            .map(|name| json!({"metadata": {"name": name, "uid": name, "resourceVersion": "5"}}))
            .collect();
        told(
            200,
            &json!({"apiVersion": "v1", "kind": "List",
            "metadata": {"resourceVersion": "7"}, "items": items}),
        )
    }

    async fn lease(&self, request: Request<Body>) -> Response<Body> {
        let is_read = request.method() == http::Method::GET;
        let body = request.into_body().collect_bytes().await.expect("a body in memory");
        if !is_read {
            let mut lease: Value = serde_json::from_slice(&body).expect("a lease");
            let version = self.version() + 1;
            lease["metadata"]["resourceVersion"] = version.to_string().into();
            self.lease.send_replace(Some(lease));
        }
        match &*self.lease.borrow() {
            Some(lease) => told(200, lease),
            None => told(
                404,
                &json!({"kind": "Status", "code": 404, "status": "Failure",
                "reason": "NotFound", "message": "there is no lease"}),
            ),
        }
    }

    fn version(&self) -> u64 {
        let lease = self.lease.borrow();
        let version = lease.as_ref().and_then(|l| l["metadata"]["resourceVersion"].as_str());
        version.and_then(|version| version.parse().ok()).unwrap_or_default()
    }

    /// The next change of the lease; the watch ends with it.
    async fn news(&self) -> Response<Body> {
        let mut lease = self.lease.subscribe();
        let _ = lease.changed().await;
        if self.manner.borrow().quiet {
            std::future::pending::<()>().await;
        }
        let object = lease.borrow().clone();
        told(200, &json!({"type": "MODIFIED", "object": object}))
    }
}

fn told(code: u16, body: &Value) -> Response<Body> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = http::StatusCode::from_u16(code).expect("a status");
    response
}
