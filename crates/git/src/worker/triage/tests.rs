use super::*;
use rstest::rstest;

use crate::Class;

fn triaged(
    class: ErrorClass,
    code: ErrorCode,
    text: &str,
    report: Report,
) -> Result<Error, String> {
    let redactor = Redactor::new(["canary-1234567890"]);
    let limits = Limits::default();
    let context = Context {
        host: "git.example",
        url: "https://git.example/a",
        redactor: &redactor,
        limits: &limits,
        report,
    };
    match context.of(&git2::Error::new(code, class, text)) {
        Failure::Error(error) => Ok(error),
        Failure::CacheDropped(why) => Err(why),
    }
}

#[rstest]
#[case(
    ErrorClass::Http,
    ErrorCode::GenericError,
    "unexpected http status code: 503",
    "GitServerError"
)]
#[case(
    ErrorClass::Http,
    ErrorCode::GenericError,
    "unexpected http status code: 429",
    "GitServerError"
)]
#[case(
    ErrorClass::Http,
    ErrorCode::GenericError,
    "unexpected http status code: 404",
    "RepositoryNotFound"
)]
#[case(ErrorClass::Http, ErrorCode::GenericError, "unexpected http status code: 403", "AuthFailed")]
#[case(ErrorClass::Http, ErrorCode::GenericError, "unexpected http status code: 413", "TooLarge")]
#[case(ErrorClass::Http, ErrorCode::Auth, "credentials refused", "AuthFailed")]
#[case(
    ErrorClass::Http,
    ErrorCode::GenericError,
    "too many redirects or authentication replays",
    "AuthFailed"
)]
#[case(ErrorClass::Http, ErrorCode::GenericError, "unexpected EOF", "GitUnreachable")]
#[case(
    ErrorClass::Net,
    ErrorCode::Eof,
    "could not read refs from remote repository",
    "GitUnreachable"
)]
#[case(
    ErrorClass::Net,
    ErrorCode::GenericError,
    "remote error: access denied or repository not exported",
    "RepositoryNotFound"
)]
#[case(
    ErrorClass::Net,
    ErrorCode::GenericError,
    "cannot redirect from 'a' to 'b'",
    "UrlNotAllowed"
)]
#[case(ErrorClass::Ssl, ErrorCode::Certificate, "the SSL certificate is invalid", "GitUntrusted")]
#[case(
    ErrorClass::Os,
    ErrorCode::GenericError,
    "failed to connect to 127.0.0.1: Connection refused",
    "GitUnreachable"
)]
#[case(
    ErrorClass::Os,
    ErrorCode::GenericError,
    "failed to write: No space left on device",
    "LocalStorage"
)]
#[case(ErrorClass::NoMemory, ErrorCode::GenericError, "out of memory", "TooLarge")]
#[case(ErrorClass::Indexer, ErrorCode::GenericError, "invalid pack", "GitServerError")]
#[case(
    ErrorClass::Http,
    ErrorCode::GenericError,
    "invalid content-type: 'text/html'",
    "GitServerError"
)]
fn what_libgit2_says(
    #[case] class: ErrorClass,
    #[case] code: ErrorCode,
    #[case] text: &str,
    #[case] reason: &str,
) {
    let error = triaged(class, code, text, Report::default()).unwrap();
    assert_eq!(error.reason(), reason, "{error}");
}

#[rstest]
#[case(ErrorClass::Odb, "object not found - no match for id")]
#[case(ErrorClass::Zlib, "failed to inflate")]
#[case(ErrorClass::Repository, "odd config")]
fn what_is_wrong_with_the_cache(#[case] class: ErrorClass, #[case] text: &str) {
    assert!(triaged(class, ErrorCode::GenericError, text, Report::default()).is_err());
}

#[rstest]
#[case(Stopped::Unreachable("connection refused".into()), "GitUnreachable", "connection refused")]
#[case(Stopped::Refused("169.254.169.254".parse().unwrap()), "UrlNotAllowed", "169.254.169.254")]
#[case(Stopped::Redirected("https://me:secret@evil.example/x?token=t".into()), "UrlNotAllowed", "https://evil.example/x:")]
#[case(Stopped::TooMuch, "TooLarge", "1024 MiB")]
fn what_the_gate_says_comes_first(
    #[case] stopped: Stopped,
    #[case] reason: &str,
    #[case] words: &str,
) {
    let report = Report { stopped: Some(stopped), retry_after: None };
    let error =
        triaged(ErrorClass::Http, ErrorCode::GenericError, "unexpected EOF", report).unwrap();
    assert_eq!(error.reason(), reason);
    assert!(error.to_string().contains(words), "{error}");
    assert!(
        !error.to_string().contains("secret") && !error.to_string().contains("token"),
        "{error}"
    );
}

#[test]
fn a_pause_that_the_server_wants_is_passed_on() {
    let retry_after = Some(std::time::Duration::from_secs(7));
    let report = Report { stopped: None, retry_after };
    let text = "unexpected http status code: 429";
    let error = triaged(ErrorClass::Http, ErrorCode::GenericError, text, report).unwrap();
    assert_eq!((error.retry_after(), error.class()), (retry_after, Class::Transient));
}

/// T-26.
#[test]
fn secrets_do_not_get_through() {
    let text = "remote says canary-1234567890";
    let error = triaged(ErrorClass::Net, ErrorCode::GenericError, text, Report::default()).unwrap();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

#[rstest]
#[case("failed to update ref", "", true)]
#[case("cannot lock ref 'refs/heads/x': is at 1 but expected 2", "", true)]
#[case("reference already exists", "", true)]
#[case("incorrect old value provided", "", true)]
#[case("fetch first", "", true)]
#[case("pre-receive hook declined", "error: cannot lock ref", false)]
#[case(
    "failed to update ref",
    "error: cannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create",
    false
)]
#[case("hook declined", "", false)]
fn races(#[case] status: &str, #[case] words: &str, #[case] race: bool) {
    assert_eq!(is_race(status, words), race);
}
