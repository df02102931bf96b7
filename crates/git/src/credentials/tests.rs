use super::*;
use rstest::rstest;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n";

fn read(type_: &str, data: &[(&str, &str)]) -> Result<Credentials, CredentialError> {
    let owned = data.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
    Credentials::from_secret(type_, &owned.collect())
}

#[rstest]
#[case("kubernetes.io/basic-auth", &[("username", "me"), ("password", "x\n")], "Basic(…)")]
#[case("Opaque", &[("username", "me"), ("password", "x")], "Basic(…)")]
#[case("Opaque", &[("bearerToken", "x"), ("ca.crt", PEM)], "Bearer(…) and a CA")]
#[case("Opaque", &[("username", "me"), ("password", "x"), ("caFile", PEM)], "Basic(…) and a CA")]
#[case("Opaque", &[("ca.crt", PEM)], "None and a CA")]
fn what_reads(#[case] type_: &str, #[case] data: &[(&str, &str)], #[case] shown: &str) {
    assert_eq!(format!("{:?}", read(type_, data).unwrap()), shown);
}

#[rstest]
#[case("kubernetes.io/basic-auth", &[("username", "me")], "no key password", "CredentialsMissing")]
#[case("kubernetes.io/basic-auth", &[("password", "x")], "no key username", "CredentialsMissing")]
#[case("kubernetes.io/basic-auth", &[("username", ""), ("password", "")], "no key username", "CredentialsMissing")]
#[case("Opaque", &[], "no key username", "CredentialsMissing")]
#[case("Opaque", &[("bearerToken", "x"), ("username", "me")], "keep one", "CredentialsInvalid")]
#[case("Opaque", &[("username", "a:b"), ("password", "x")], "colon", "CredentialsInvalid")]
#[case("Opaque", &[("bearerToken", "a\r\nHost: evil")], "control character", "CredentialsInvalid")]
#[case("Opaque", &[("ca.crt", "nonsense")], "no PEM", "CredentialsInvalid")]
#[case("kubernetes.io/ssh-auth", &[("ssh-privatekey", "k")], "SSH keys are not supported", "NotSupported")]
#[case("Opaque", &[("identity", "k"), ("known_hosts", "h")], "SSH keys", "NotSupported")]
#[case("kubernetes.io/tls", &[("tls.crt", "c"), ("tls.key", "k")], "client certificates", "NotSupported")]
#[case("kubernetes.io/dockerconfigjson", &[(".dockerconfigjson", "{}")], "registry", "NotSupported")]
fn what_does_not_read(
    #[case] type_: &str,
    #[case] data: &[(&str, &str)],
    #[case] message: &str,
    #[case] reason: &str,
) {
    let error = read(type_, data).unwrap_err();
    assert!(error.to_string().contains(message), "{error}");
    assert_eq!(error.reason(), reason);
}

#[test]
fn a_line_break_at_the_end_is_an_editors_doing() {
    let read = read("Opaque", &[("bearerToken", "token\r\n")]).unwrap();
    let Login::Bearer(token) = read.login else { panic!("{read:?}") };
    assert_eq!(token.expose_secret(), "token");
}

#[test]
fn different_credentials_have_different_digests() {
    let digest = |credentials: &Credentials| {
        let mut hasher = Sha256::new();
        credentials.hash_into(&mut hasher);
        hasher.finalize().to_vec()
    };
    let all = [
        Credentials::none(),
        Credentials { ca_pem: Some(b"x".to_vec()), ..Credentials::none() },
        Credentials::basic("a", "bc"),
        Credentials::basic("ab", "c"),
        Credentials::bearer("abc"),
    ];
    for (i, one) in all.iter().enumerate() {
        for (j, other) in all.iter().enumerate() {
            assert_eq!(digest(one) == digest(other), i == j, "{i} {j}");
        }
    }
}
