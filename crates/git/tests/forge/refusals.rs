//! Wrong credentials, wrong repositories, missing rights, and a forge that is down.

use http::Method;
use portolan_api::native::git_writer::Forge as Kind;
use portolan_git::{Class, Credentials, Error, Forge, RemoteRepository};
use serde_json::json;

use crate::lab::{BOT, Lab, REPO, credentials, new, password};

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_do_not_do() {
    let lab = Lab::new("keys").await;
    lab.offered("a").await;
    lab.must("admin", Method::PATCH, "", json!({ "private": true })).await;
    let canary = "canary-wrong-Passw0rd";
    for wrong in [Credentials::basic(BOT, canary), Credentials::bearer(canary)] {
        let repository = lab.repository(wrong);
        let error = Forge::connect(&repository, None, &[]).await.unwrap_err();
        assert!(matches!(error, Error::AuthFailed { .. }), "{error}");
        let forge = Forge::connect(&repository, Some(Kind::Gitea), &[]).await.unwrap();
        let error = forge.requests(10).await.unwrap_err();
        assert_eq!((error.class(), error.reason()), (Class::Stalled, "AuthFailed"));
        let shown = format!("{error} {error:?} {forge:?} {repository:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
    let shown = format!("{:?}", lab.forge);
    assert_eq!(shown, format!("Forge({:?})", lab.server.base_url().replace("http://", "")));

    // Without any, a private repository is not there; nor is it for a stranger.
    let nobody = Forge::connect(&lab.repository(Credentials::none()), None, &[]).await.unwrap();
    let error = nobody.requests(10).await.unwrap_err();
    assert_eq!(error.reason(), "RepositoryNotFound", "{error}");
    lab.must("admin", Method::PATCH, "", json!({ "private": false })).await;
    assert_eq!(nobody.requests(10).await.unwrap().len(), 1);
    let error = nobody.comment(1, "x").await.unwrap_err();
    assert_eq!(error.reason(), "AuthFailed", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_missing() {
    let lab = Lab::new("rights").await;
    let token = lab.server.create_token(BOT, &password(BOT), &["read:user"]).await.unwrap();
    let repository = lab.repository(Credentials::bearer(token.as_str()));
    let forge = Forge::connect(&repository, Some(Kind::Gitea), &[]).await.unwrap();
    let error = forge.requests(10).await.unwrap_err();
    assert_eq!((error.class(), error.reason()), (Class::Stalled, "RequestRefused"));
    let text = error.to_string();
    assert!(text.contains("scope") && text.contains("read:repository"), "{text}");
    assert!(text.contains("refuses to list requests: "), "{text}");
    assert!(!text.contains(&token), "{text}");

    let url = lab.server.http_url("rights", "nothing");
    let nothing = RemoteRepository::new(url, credentials(BOT));
    let nothing = Forge::connect(&nothing, None, &[]).await.unwrap();
    let error = nothing.requests(10).await.unwrap_err();
    assert!(matches!(&error, Error::RepositoryNotFound { url } if url.ends_with("rights/nothing")));
    for error in [
        nothing.open(&new("a")).await.unwrap_err(),
        nothing.edit(1, "a", "b").await.unwrap_err(),
        nothing.has_comment(1, "a").await.unwrap_err(),
    ] {
        assert_eq!(error.reason(), "RepositoryNotFound", "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_or_changed() {
    let lab = Lab::new("cannot").await;
    lab.push("a", "a.txt", "A").await;
    for branch in ["nowhere", "main"] {
        let error = lab.forge.open(&new(branch)).await.unwrap_err();
        assert_eq!((error.class(), error.reason()), (Class::Stalled, "RequestRefused"));
        let action = format!("refuses to open a request from {branch} to main: ");
        assert!(error.to_string().contains(&action), "{error}");
    }
    for error in
        [lab.forge.edit(9, "a", "b").await.unwrap_err(), lab.forge.close(9).await.unwrap_err()]
    {
        assert_eq!(error.reason(), "RequestRefused", "{error}");
        assert!(error.to_string().contains("check that it is still there"), "{error}");
    }
    // Gitea fails where it should say that there is none.
    let error = lab.forge.comment(9, "a").await.unwrap_err();
    assert_eq!(error.reason(), "GitServerError", "{error}");
    // An archived repository.
    lab.must("admin", Method::PATCH, "", json!({ "archived": true })).await;
    let error = lab.forge.open(&new("a")).await.unwrap_err();
    assert!(error.to_string().contains("archived"), "{error}");
    // A repository without requests.
    let off = json!({ "archived": false, "has_pull_requests": false });
    lab.must("admin", Method::PATCH, "", off).await;
    let error = lab.forge.requests(10).await.unwrap_err();
    assert_eq!(error.reason(), "RequestRefused", "{error}");
    // A repository that was renamed.
    lab.must("admin", Method::PATCH, "", json!({ "name": "renamed" })).await;
    let error = lab.forge.requests(10).await.unwrap_err();
    assert_eq!(error.reason(), "UrlNotAllowed", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_is_down() {
    let server = portolan_testbed::Forge::start().await.unwrap();
    server.create_org("down").await.unwrap();
    server.create_repo("down", REPO, true).await.unwrap();
    let repository = RemoteRepository::public(server.http_url("down", REPO));
    let forge = Forge::connect(&repository, None, &[]).await.unwrap();
    assert_eq!(forge.requests(10).await.unwrap(), []);
    server.stop_server().await;
    for error in [
        forge.requests(10).await.unwrap_err(),
        Forge::connect(&repository, None, &[]).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        assert_eq!((error.class(), error.reason()), (Class::Transient, "GitUnreachable"));
    }
    server.start_server().await.unwrap();
    assert_eq!(forge.requests(10).await.unwrap(), []);
}
