//! What a person asks for.

/// Fewest characters of an id.
const FEWEST: usize = 6;

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The newest change of all.
    Latest,
    /// A passage or commit by the beginning of its id; or an application that has such a name.
    Id(String),
    /// The newest change of an application: its directory, or the last part of it.
    Application(String),
}

/// What is written is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is nothing that can be traced: write a passage or commit id (at least 6 hex digits), the \
     path or name of an application, or latest"
)]
pub struct QueryError(String);

impl Query {
    /// Reads what a person wrote.
    pub fn read(text: &str) -> Result<Self, QueryError> {
        let text = text.trim();
        let text = text.strip_prefix("sha256:").unwrap_or(text);
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex && (FEWEST..=64).contains(&text.len()) {
            return Ok(Self::Id(text.to_ascii_lowercase()));
        }
        let path = text.strip_prefix("./").unwrap_or(text).trim_end_matches('/');
        if path.is_empty() || path.len() > 1024 || path.contains(char::is_control) {
            return Err(QueryError(super::clean(text, 100)));
        }
        Ok(Self::Application(path.to_owned()))
    }

    /// The beginning of a commit id, where it may be one.
    pub fn commit(&self) -> Option<&str> {
        match self {
            Self::Id(id) if id.len() <= 40 => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let read = |text| Query::read(text).unwrap();
        assert_eq!(read("latest"), Query::Latest);
        assert_eq!(read("7C6310"), Query::Id("7c6310".into()));
        assert_eq!(read("7c631"), Query::Application("7c631".into()));
        assert_eq!(read("./apps/shop/"), Query::Application("apps/shop".into()));
        assert_eq!(read("."), Query::Application(".".into()));
        assert_eq!(read(&"a".repeat(64)).commit(), None);
        for bad in ["", "/", "a\u{1b}b"] {
            assert!(Query::read(bad).is_err(), "{bad:?}");
        }
    }
}
