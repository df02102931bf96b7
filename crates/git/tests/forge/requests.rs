//! Requests are opened, listed, changed and closed.

use http::Method;
use portolan_git::{Credentials, Forge, NewRequest};
use portolan_plan::writer::RequestState;
use serde_json::{Value, json};

use crate::lab::{BOT, Lab, REPO, new, password};

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_word_to_the_last() {
    let lab = Lab::new("words").await;
    lab.must("admin", Method::POST, "/labels", json!({ "name": "known", "color": "#123456" }))
        .await;
    assert_eq!(lab.forge.requests(10).await.unwrap(), []);
    let head = lab.push("portolan/app", "a.txt", "A").await;
    let asked = NewRequest {
        labels: ["known", "made on the way", "made on the way"].map(Into::into).into(),
        reviewers: vec!["ann".into(), "nobody".into(), BOT.into(), "ben".into()],
        ..new("portolan/app")
    };
    let opened = lab.forge.open(&asked).await.unwrap();
    assert_eq!((opened.number, opened.state, opened.draft), (1, RequestState::Open, false));
    assert_eq!((opened.branch.as_str(), opened.base.as_str()), ("portolan/app", "main"));
    assert_eq!((opened.title.as_str(), opened.body.as_str()), (&*asked.title, &*asked.body));
    assert_eq!((opened.head.as_str(), opened.author.as_str()), (head.as_str(), BOT));
    assert_eq!(opened.reference, "refs/pull/1/head");
    assert_eq!(opened.url, format!("{}/words/{REPO}/pulls/1", lab.server.base_url()));
    assert_eq!(opened.merged_revision, None);
    let listed = lab.listed(1).await;
    assert_eq!(listed.updated.len(), opened.updated.len());
    let as_opened = |mut request: portolan_plan::writer::PullRequest| {
        request.updated.clone_from(&opened.updated);
        request
    };
    assert_eq!(as_opened(listed), opened);

    let shown = lab.must("ann", Method::GET, "/pulls/1", Value::Null).await;
    let names = |list: &Value, key: &str| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        items.map(|item| item[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&shown["labels"], "name"), ["known", "made on the way"]);
    let labels = lab.must("ann", Method::GET, "/labels", Value::Null).await;
    assert_eq!(names(&labels, "name"), ["known", "made on the way"]);
    assert_eq!(names(&shown["requested_reviewers"], "login"), ["ann", "ben"]);

    // Opened again, it is the same one, as it is.
    let again = NewRequest { title: "Another".into(), ..asked.clone() };
    assert_eq!(as_opened(lab.forge.open(&again).await.unwrap()), opened);
    assert_eq!(lab.forge.requests(10).await.unwrap().len(), 1);

    lab.forge.edit(1, "New title", "New text").await.unwrap();
    let edited = lab.listed(1).await;
    assert_eq!((edited.title.as_str(), edited.body.as_str()), ("New title", "New text"));
    lab.forge.edit(1, "New title", "").await.unwrap();
    assert_eq!(lab.listed(1).await.body, "");
    assert!(!lab.forge.has_comment(1, "**Words** of mine").await.unwrap());
    lab.forge.comment(1, "**Words** of mine").await.unwrap();
    assert!(lab.forge.has_comment(1, "**Words** of mine").await.unwrap());
    assert!(!lab.forge.has_comment(1, "Words").await.unwrap());
    let comments = lab.must("ann", Method::GET, "/issues/1/comments", Value::Null).await;
    assert_eq!(names(&comments, "body"), ["**Words** of mine"]);

    lab.forge.close(1).await.unwrap();
    let closed = lab.listed(1).await;
    assert_eq!((closed.state, closed.head.as_str()), (RequestState::Closed, head.as_str()));
    lab.forge.close(1).await.unwrap();
    lab.forge.comment(1, "Too late").await.unwrap();
    // A closed one is not opened again: a new one is.
    assert_eq!(lab.forge.open(&asked).await.unwrap().number, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts() {
    let lab = Lab::new("drafts").await;
    lab.push("a", "a.txt", "A").await;
    let draft = NewRequest { draft: true, ..new("a") };
    let opened = lab.forge.open(&draft).await.unwrap();
    assert_eq!((opened.title.as_str(), opened.draft), ("a to main", true));
    assert!(lab.listed(1).await.draft);
    let raw = async || lab.must("ann", Method::GET, "/pulls/1", Value::Null).await["title"].clone();
    assert_eq!(raw().await, "WIP: a to main");
    // What we change stays a draft; what a person makes ready stays ready.
    lab.forge.edit(1, "b", "").await.unwrap();
    assert_eq!((raw().await, lab.listed(1).await.draft), (json!("WIP: b"), true));
    let readiness = lab.forge.readiness(&opened).await.unwrap();
    assert!(!readiness.conflicts, "a forge does not tell of drafts");
    lab.must("ann", Method::PATCH, "/pulls/1", json!({ "title": "b" })).await;
    lab.forge.edit(1, "c", "").await.unwrap();
    assert_eq!((raw().await, lab.listed(1).await.draft), (json!("c"), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_news_first_and_no_more_than_asked_for() {
    let lab = Lab::new("order").await;
    let mut numbers = Vec::new();
    for branch in ["a", "b", "c"] {
        numbers.push(lab.offered(branch).await.number);
    }
    let order = async |limit: usize| -> Vec<i64> {
        let requests = lab.forge.requests(limit).await.unwrap();
        requests.iter().map(|request| request.number).collect()
    };
    // Times have whole seconds: later ones come first.
    assert_eq!(order(10).await, [3, 2, 1]);
    portolan_testbed::wait::until("news of the first", crate::lab::DEADLINE, async || {
        lab.forge.comment(1, "news").await.unwrap();
        (order(10).await == [1, 3, 2]).then_some(())
    })
    .await
    .unwrap();
    assert_eq!(order(2).await, [1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_from_elsewhere_are_none_of_ours() {
    let lab = Lab::new("elsewhere").await;
    lab.must("eve", Method::POST, "/forks", json!({ "name": "fork-of-app" })).await;
    let files = [("evil.txt", Some(b"x".as_slice()))];
    lab.server.commit_files("eve", "fork-of-app", "portolan", &files, "x").await.unwrap();
    let request = json!({ "head": "eve:portolan", "base": "main", "title": "take this" });
    let foreign = lab.must("eve", Method::POST, "/pulls", request).await;
    assert_eq!(foreign["number"], 1);
    assert_eq!(lab.forge.requests(10).await.unwrap(), []);
    // Neither where our own branch has the same name, nor once the fork is gone.
    let ours = lab.offered("portolan").await;
    assert_eq!(ours.number, 2);
    let numbers = async || -> Vec<i64> {
        let requests = lab.forge.requests(10).await.unwrap();
        requests.iter().map(|request| request.number).collect()
    };
    assert_eq!(numbers().await, [2]);
    let gone = lab.server.api(Method::DELETE, "/repos/eve/fork-of-app", None).await.unwrap();
    assert_eq!(gone.0, 204);
    assert_eq!(numbers().await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_do_as_well() {
    let lab = Lab::new("tokens").await;
    lab.push("a", "a.txt", "A").await;
    let scopes = ["write:repository", "write:issue"];
    let token = lab.server.create_token(BOT, &password(BOT), &scopes).await.unwrap();
    for credentials in
        [Credentials::bearer(token.as_str()), Credentials::basic(BOT, token.as_str())]
    {
        let forge = Forge::connect(&lab.repository(credentials), None, &[]).await.unwrap();
        let labels = vec!["new".to_owned()];
        let opened = forge.open(&NewRequest { labels, ..new("a") }).await.unwrap();
        forge.comment(opened.number, "Words").await.unwrap();
        forge.close(opened.number).await.unwrap();
    }
    assert_eq!(lab.forge.requests(10).await.unwrap().len(), 2);
}
