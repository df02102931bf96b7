//! Artifacts over HTTP: from the store, made again from git, or gone.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::io::ReaderStream;

use crate::artifact::{ArtifactUrl, Refusal, serve};
use crate::context::Context;

/// The artifact server.
pub(crate) fn artifacts(cx: Context) -> Router {
    Router::new().route("/v1/{*rest}", get(artifact)).with_state(cx)
}

async fn artifact(State(cx): State<Context>, uri: Uri) -> Response {
    let answer = answer(&cx, &uri).await;
    cx.metrics.artifact_asked(answer.status());
    answer
}

async fn answer(cx: &Context, uri: &Uri) -> Response {
    let Some(url) = ArtifactUrl::parse(uri.path()) else {
        return (StatusCode::NOT_FOUND, "no artifact url").into_response();
    };
    // Why it is so stands in the status of the objects, for those who may read them.
    let path = match serve(cx, url).await {
        Ok(path) => path,
        Err(Refusal::Gone) => return (StatusCode::GONE, "no such artifact").into_response(),
        Err(Refusal::Later) => return later(),
    };
    match tokio::fs::File::open(&path).await {
        Ok(file) => {
            let body = Body::from_stream(ReaderStream::new(file));
            ([(header::CONTENT_TYPE, "application/gzip")], body).into_response()
        }
        // Room was made for another one just now.
        Err(_) => later(),
    }
}

fn later() -> Response {
    let headers = [(header::RETRY_AFTER, "5")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, "the artifact is not there now").into_response()
}
