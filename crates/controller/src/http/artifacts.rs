//! Artifacts over HTTP: from the store, made again from git, or gone.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::io::ReaderStream;

use crate::artifact::{ArtifactUrl, fetch};
use crate::context::Context;
use crate::trouble::Class;

/// The artifact server.
pub(crate) fn artifacts(cx: Context) -> Router {
    Router::new().route("/v1/{*rest}", get(artifact)).with_state(cx)
}

async fn artifact(State(cx): State<Context>, uri: Uri) -> Response {
    let Some(url) = ArtifactUrl::parse(uri.path()) else {
        return (StatusCode::NOT_FOUND, "no artifact url").into_response();
    };
    let found = fetch(&cx, &url.namespace, &cx.artifacts.url(&url), None).await;
    let path = match found {
        Ok(path) => path,
        Err(trouble) if trouble.class == Class::Transient => {
            return (StatusCode::SERVICE_UNAVAILABLE, trouble.message).into_response();
        }
        Err(trouble) => return (StatusCode::GONE, trouble.message).into_response(),
    };
    match tokio::fs::File::open(&path).await {
        Ok(file) => {
            let body = Body::from_stream(ReaderStream::new(file));
            ([(header::CONTENT_TYPE, "application/gzip")], body).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}
