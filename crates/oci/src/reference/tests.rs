use super::*;
use proptest::prelude::*;
use rstest::rstest;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[rstest]
#[case("registry.example/app", "registry.example", "app", None, false)]
#[case(
    "registry.example:5000/team/app:v1.2_3-x",
    "registry.example:5000",
    "team/app",
    Some("v1.2_3-x"),
    false
)]
#[case("nginx:1/x", "nginx:1", "x", None, false)]
#[case("localhost/a/b/c", "localhost", "a/b/c", None, false)]
#[case("127.0.0.1:1/a__b.c--d", "127.0.0.1:1", "a__b.c--d", None, false)]
#[case("[::1]:5000/app:1", "[::1]:5000", "app", Some("1"), false)]
#[case("[::1]/app", "[::1]", "app", None, false)]
#[case("docker.io/nginx", "docker.io", "library/nginx", None, false)]
#[case("docker.io/me/nginx", "docker.io", "me/nginx", None, false)]
#[case("Registry.Example/app", "registry.example", "app", None, false)]
#[case("registry.example/app:1@sha256:HEX", "registry.example", "app", Some("1"), true)]
#[case("registry.example/app@sha256:HEX", "registry.example", "app", None, true)]
fn references_read(
    #[case] text: &str,
    #[case] host: &str,
    #[case] path: &str,
    #[case] tag: Option<&str>,
    #[case] digest: bool,
) {
    let reference: Reference = text.replace("HEX", HEX).parse().unwrap();
    assert_eq!(reference.repository().host(), host);
    assert_eq!(reference.repository().path(), path);
    assert_eq!(reference.tag(), tag);
    assert_eq!(reference.digest().is_some(), digest);
    assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
}

#[rstest]
#[case("", "begin with its registry")]
#[case("nginx", "begin with its registry")]
#[case("library/nginx:1", "begin with its registry")]
#[case("https://registry.example/app", "without a scheme")]
#[case("registry.example/", "lower-case letters")]
#[case("registry.example/App", "lower case")]
#[case("registry.example/a//b", "lower-case letters")]
#[case("registry.example/a/../b", "lower-case letters")]
#[case("registry.example/a___b", "lower-case letters")]
#[case("registry.example/a..b", "lower-case letters")]
#[case("registry.example/-a", "lower-case letters")]
#[case("registry.example/a b", "lower-case letters")]
#[case("registry.example/a?x=y", "lower-case letters")]
#[case("registry.example/a%2e", "lower-case letters")]
#[case("registry.example/app:", "a tag has")]
#[case("registry.example/app:.x", "a tag has")]
#[case("registry.example/app@sha256:12", "64 hex digits")]
#[case("registry.example/app@md5:12", "64 hex digits")]
#[case("registry.example:0/app", "host name")]
#[case("registry.example:99999/app", "host name")]
#[case("registry.example:+80/app", "host name")]
#[case("-x.example/app", "host name")]
#[case("a..b/app", "host name")]
#[case("[::z]/app", "host name")]
#[case("[::1/app", "host name")]
fn others_are_refused_with_a_hint(#[case] text: &str, #[case] hint: &str) {
    let error = text.parse::<Reference>().unwrap_err();
    assert!(error.to_string().contains(hint), "{error}");
    assert_eq!((error.reason(), error.class()), ("InvalidSpec", crate::Class::Stalled));
}

#[test]
fn a_tag_of_129_characters_is_too_long() {
    let text = format!("registry.example/app:{}", "x".repeat(TAG_LIMIT + 1));
    assert!(text.parse::<Reference>().is_err());
}

#[rstest]
#[case("user:hunter2hunter2@registry.example/app")]
#[case("https://user:hunter2hunter2@registry.example/app")]
#[case("sha256:hunter2hunter2@sha256:x@registry.example/app")]
fn a_password_in_a_name_is_not_repeated(#[case] text: &str) {
    let error = text.parse::<Reference>().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn a_repository_has_no_tag() {
    assert!("registry.example/app".parse::<Repository>().is_ok());
    assert!("registry.example/app:1".parse::<Repository>().is_err());
    assert!(format!("registry.example/app@sha256:{HEX}").parse::<Repository>().is_err());
}

#[test]
fn docker_hub_answers_under_another_name() {
    let hub: Repository = "docker.io/nginx".parse().unwrap();
    assert_eq!((hub.host(), hub.api_host()), ("docker.io", "registry-1.docker.io"));
}

proptest! {
    #[test]
    fn reading_never_panics_and_prints_what_it_read(text in "[a-zA-Z0-9.:/@_\\[\\] -]{0,80}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
        }
    }
}
