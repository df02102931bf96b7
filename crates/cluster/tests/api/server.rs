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
    /// Names of the objects that it has.
    pub(crate) objects: Vec<&'static str>,
}

/// An API server in memory. Open watches are closed when its manner changes.
#[derive(Clone)]
pub(crate) struct Server {
    manner: watch::Sender<Manner>,
    /// Method and path of each request.
    requests: Arc<Mutex<Vec<String>>>,
    lease: Arc<Mutex<Option<Value>>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let manner = Manner { list: true, watch: true, hangs: false, objects: vec!["a"] };
        let manner = watch::Sender::new(manner);
        Self { manner, requests: Arc::default(), lease: Arc::default() }
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
        let lease = self.lease.lock().expect("no answer panics");
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
        if path.contains("/leases") {
            return self.lease(request).await;
        }
        let is_watch = path.contains("watch=true");
        let may = if is_watch { manner.watch } else { manner.list };
        if !may {
            let status = json!({"kind": "Status", "code": 403, "status": "Failure",
                "reason": "Forbidden", "message": "you may not"});
            return told(403, &status);
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
        let mut lease = self.lease.lock().expect("no answer panics");
        if !is_read {
            *lease = serde_json::from_slice(&body).ok();
        }
        match &*lease {
            Some(lease) => told(200, lease),
            None => told(
                404,
                &json!({"kind": "Status", "code": 404, "status": "Failure",
                "reason": "NotFound", "message": "there is no lease"}),
            ),
        }
    }
}

fn told(code: u16, body: &Value) -> Response<Body> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = http::StatusCode::from_u16(code).expect("a status");
    response
}
