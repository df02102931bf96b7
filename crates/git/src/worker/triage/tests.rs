use super::*;
use rstest::rstest;

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
#[case(Stopped::Untrusted("UnknownIssuer".into()), "GitUntrusted", "UnknownIssuer")]
#[case(Stopped::TooMuch(3 << 20), "TooLarge", "3 MiB")]
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

#[rstest]
#[case(503, None, "GitServerError")]
#[case(429, Some(7), "GitServerError")]
#[case(403, Some(7), "GitServerError")]
#[case(403, None, "AuthFailed")]
#[case(401, None, "AuthFailed")]
#[case(404, None, "RepositoryNotFound")]
#[case(413, None, "TooLarge")]
fn what_a_status_means(#[case] status: u16, #[case] pause: Option<u64>, #[case] reason: &str) {
    let retry_after = pause.map(std::time::Duration::from_secs);
    let stopped = Some(Stopped::Status(status, "its words canary-1234567890".into()));
    let report = Report { stopped, retry_after };
    let error = triaged(ErrorClass::Http, ErrorCode::GenericError, "unexpected", report).unwrap();
    assert_eq!((error.reason(), error.retry_after()), (reason, retry_after));
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    assert_eq!(
        error.to_string().contains("its words"),
        !["RepositoryNotFound", "TooLarge"].contains(&reason)
    );
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
