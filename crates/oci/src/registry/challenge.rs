//! `WWW-Authenticate`: what a registry wants to be shown.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// What a registry wants to be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A token of its token service.
    Bearer {
        /// Url of the token service.
        realm: String,
        /// What the token service calls the registry.
        service: Option<String>,
    },
    /// User and password.
    Basic,
}

/// The challenge that can be met with most: a token before a password.
pub(super) fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let mut found = None;
    for value in headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()) {
        for (scheme, parameters) in schemes(value) {
            let parameter = |name: &str| {
                let found = parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.clone())
            };
            if scheme.eq_ignore_ascii_case("bearer") {
                if let Some(realm) = parameter("realm") {
                    return Some(Challenge::Bearer { realm, service: parameter("service") });
                }
            } else if scheme.eq_ignore_ascii_case("basic") {
                found = Some(Challenge::Basic);
            }
        }
    }
    found
}

type Scheme = (String, Vec<(String, String)>);

/// Splits `Scheme a=b, c="d", Other e=f` into schemes and their parameters.
fn schemes(value: &str) -> Vec<Scheme> {
    let mut schemes: Vec<Scheme> = Vec::new();
    for part in commas(value) {
        let head = part.split(['=', '"']).next().unwrap_or_default();
        let parameter = match head.trim_end().split_once([' ', '\t']) {
            Some((scheme, _)) => {
                schemes.push((scheme.to_owned(), Vec::new()));
                part[scheme.len()..].trim_start()
            }
            None if part.contains('=') => part,
            None => {
                schemes.push((part.to_owned(), Vec::new()));
                continue;
            }
        };
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        if let Some((_, parameters)) = schemes.last_mut() {
            parameters.push((name.trim().to_owned(), unquoted(value.trim())));
        }
    }
    schemes
}

/// The parts between commas that stand outside of quotes.
fn commas(value: &str) -> Vec<&str> {
    let (mut quoted, mut escaped, mut begin) = (false, false, 0);
    let mut parts = Vec::new();
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(value[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(value[begin..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn read(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        challenge(&headers)
    }

    #[rstest]
    #[case(&[r#"Bearer realm="https://auth.example/token",service="registry.example",scope="a,b""#], "https://auth.example/token", Some("registry.example"))]
    #[case(&[r#"bearer  realm="https://a/t?x=1,2""#], "https://a/t?x=1,2", None)]
    #[case(&["Bearer service=r , realm=https://a/t"], "https://a/t", Some("r"))]
    #[case(&[r#"Basic realm="x", Bearer realm="https://a/t""#], "https://a/t", None)]
    #[case(&[r#"Basic realm="x""#, r#"Bearer realm="https://a/t""#], "https://a/t", None)]
    #[case(&[r#"Negotiate, Bearer realm="https://a/t""#], "https://a/t", None)]
    #[case(&[r#"Bearer realm="https://a/\"t""#], "https://a/\"t", None)]
    fn bearer(#[case] values: &[&str], #[case] realm: &str, #[case] service: Option<&str>) {
        let expected = Challenge::Bearer { realm: realm.into(), service: service.map(Into::into) };
        assert_eq!(read(values), Some(expected));
    }

    #[rstest]
    #[case(&[r#"Basic realm="Registry, \"Realm\"""#], Some(Challenge::Basic))]
    #[case(&["Basic"], Some(Challenge::Basic))]
    #[case(&["Bearer"], None)]
    #[case(&["Negotiate"], None)]
    #[case(&["", "=", ",,", "\"", "a b c"], None)]
    #[case(&[], None)]
    fn others(#[case] values: &[&str], #[case] expected: Option<Challenge>) {
        assert_eq!(read(values), expected);
    }

    proptest! {
        #[test]
        fn reading_never_panics(value in "[ -~]{0,60}") {
            let _ = read(&[&value]);
        }
    }
}
