//! Lists, which come page by page, and may move meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use serde_json::{Value, json};

use crate::servers::{HEAD, known, says, serve};

#[tokio::test]
async fn lists_of_nothing_much() {
    for text in ["null", "[]", "[null,null]", "[{}]", r#"[{"head":null,"base":null,"user":null}]"#]
    {
        let at = serve(move |_| says(200, text)).await;
        assert_eq!(known(at).await.requests(10).await.unwrap(), [], "{text}");
    }
}

fn pull(number: usize) -> Value {
    json!({
        "number": number, "state": "open", "head": { "label": "a", "sha": HEAD, "repo_id": 1 },
        "base": { "label": "main", "repo_id": 1 },
    })
}

fn asked_page(asked: &Request) -> usize {
    let query = asked.uri().query().unwrap();
    assert!(query.starts_with("state=all&sort=recentupdate&limit=50&page="), "{query}");
    query.rsplit('=').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn lists_come_page_by_page() {
    // Without a total, with pages smaller than asked for; what it is shown is as it should be.
    let at = serve(|asked| {
        assert_eq!(asked.uri().path(), "/sub/api/v1/repos/o/r/pulls");
        let shown = asked.headers()["authorization"].to_str().unwrap();
        assert!(shown.starts_with("Basic "), "{shown}");
        let page = asked_page(asked);
        let count = if page < 4 { 30 } else { 0 };
        let pulls: Vec<Value> = (0..count).map(|n| pull(page * 100 + n)).collect();
        says(200, json!(pulls).to_string())
    })
    .await;
    let forge = known(at).await;
    assert_eq!(forge.requests(1000).await.unwrap().len(), 90);
    assert_eq!(forge.requests(31).await.unwrap().len(), 31);
    // One that never ends.
    let at = serve(|asked| {
        let page = asked_page(asked);
        says(200, json!([pull(page)]).to_string())
    })
    .await;
    assert_eq!(known(at).await.requests(70).await.unwrap().len(), 70);
}

#[tokio::test]
async fn a_list_that_moves_is_read_again() {
    // While the first page is read, the last request comes to the front.
    let moved = Arc::new(AtomicUsize::new(0));
    let at = serve(move |asked| {
        let order: Vec<usize> = if moved.load(Ordering::SeqCst) == 0 {
            (1..=60).collect()
        } else {
            [60].into_iter().chain(1..60).collect()
        };
        let page = asked_page(asked);
        moved.fetch_add(1, Ordering::SeqCst);
        let pulls: Vec<Value> =
            order.chunks(50).nth(page - 1).unwrap_or_default().iter().map(|n| pull(*n)).collect();
        let answer = Response::builder().status(200).header("X-Total-Count", "60");
        answer.body(Body::from(json!(pulls).to_string())).unwrap()
    })
    .await;
    let requests = known(at).await.requests(100).await.unwrap();
    let numbers: Vec<i64> = requests.iter().map(|request| request.number).collect();
    assert_eq!((numbers.len(), numbers[0]), (60, 60));
}
