//! A real forge: reads and writes with a user's password and token, and a branch that is protected.

use http::Method;
use portolan_git::{Class, Credentials, Error, RemoteRepository, Written};
use portolan_testbed::Forge;
use serde_json::json;

use crate::lab::{Lab, Writer, pushed};

#[tokio::test(flavor = "multi_thread")]
async fn reads_writes_and_refusals() {
    let forge = Forge::start().await.unwrap();
    forge.create_user("bot", "b0t-Passw0rd").await.unwrap();
    forge.create_org("team").await.unwrap();
    forge.create_repo("team", "config", true).await.unwrap();
    forge.add_collaborator("team", "config", "bot", "write").await.unwrap();
    let rule = json!({ "rule_name": "production", "enable_push": false });
    forge.protect_branch("team", "config", rule).await.unwrap();
    let private = json!({ "private": true });
    forge.api(Method::PATCH, "/repos/team/config", Some(private)).await.unwrap();
    let lab = Lab::new().await;
    let url = forge.http_url("team", "config");
    let bot = RemoteRepository::new(url.clone(), Credentials::basic("bot", "b0t-Passw0rd"));

    let refs = lab.service.refs(&bot).await.unwrap();
    assert!(refs.get("refs/heads/main").is_some());
    let write = async |repo: &RemoteRepository, writer: &Writer| {
        lab.service.write(repo, writer.place.clone(), Box::new(writer.clone())).await
    };
    let writer = Writer::new("portolan-app", Some("main"), "A");
    let commit = pushed(write(&bot, &writer).await.unwrap());
    assert_eq!(forge.branch_tip("team", "config", "portolan-app").await.unwrap(), Some(commit));
    let file =
        forge.read_file("team", "config", "portolan-app", "apps/app/app.yaml").await.unwrap();
    assert_eq!(file.as_deref(), Some(b"A".as_slice()));
    assert_eq!(write(&bot, &writer).await.unwrap(), Written::Stopped);

    // One protected branch among others: its words, and the others go on.
    let protected =
        Writer::new("production", Some("main"), "A").at("apps/protected", "build/dev/b");
    let another = Writer::new("portolan-other", Some("main"), "A").at("apps/other", "build/dev/c");
    let (refused, written) = tokio::join!(write(&bot, &protected), write(&bot, &another));
    let error = refused.unwrap_err();
    let Error::PushRefused { reference, message } = &error else { panic!("{error}") };
    assert_eq!((reference.as_str(), error.class()), ("production", Class::Stalled));
    assert!(message.contains("protected branch"), "{message}");
    pushed(written.unwrap());

    // A token in place of the password, and as a bearer.
    let token = forge.create_token("bot", "b0t-Passw0rd", &["write:repository"]).await.unwrap();
    for credentials in
        [Credentials::basic("bot", token.as_str()), Credentials::bearer(token.as_str())]
    {
        let repo = RemoteRepository::new(url.clone(), credentials);
        assert!(lab.service.refs(&repo).await.unwrap().get("refs/heads/main").is_some());
    }
    for credentials in
        [Credentials::none(), Credentials::basic("bot", "wrong"), Credentials::bearer("wrong")]
    {
        let repo = RemoteRepository::new(url.clone(), credentials);
        assert_eq!(lab.service.refs(&repo).await.unwrap_err().reason(), "AuthFailed");
    }
    forge.create_user("stranger", "Str4nger-word").await.unwrap();
    let stranger = RemoteRepository::new(url, Credentials::basic("stranger", "Str4nger-word"));
    assert_eq!(lab.service.refs(&stranger).await.unwrap_err().reason(), "RepositoryNotFound");
}
