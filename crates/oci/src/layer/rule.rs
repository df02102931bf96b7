//! Which files of the source go where in the image.

use std::fmt;

use crate::error::Error;
use crate::text::shown;

/// Longest path in a rule.
const PATH_BYTES: usize = 4096;
/// Deepest path: every folder on the way is an entry.
const DEPTH: usize = 128;

/// Files of the source tree and their place in the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRule {
    /// Path in the source; empty: everything.
    pub(super) from: String,
    /// Path in the image without the first slash; empty: the root.
    pub(super) to: String,
    /// A file goes below `to`, it does not become it.
    pub(super) to_is_directory: bool,
    /// Mode of the files.
    pub(super) mode: Option<u32>,
}

impl LayerRule {
    /// Reads a rule as the API has it: `from` relative (`.` is everything but `.portolan/`), `to` absolute, `mode` octal.
    pub fn new(from: &str, to: &str, mode: Option<&str>) -> Result<Self, Error> {
        let invalid = |problem: &str| Error::InvalidRule {
            from: shown(from),
            to: shown(to),
            problem: problem.into(),
        };
        if from.starts_with('/') {
            return Err(invalid("`from` must be relative to the source tree"));
        }
        let Some(absolute) = to.strip_prefix('/') else {
            return Err(invalid("`to` must be an absolute path"));
        };
        let mode = mode.map(|mode| octal(mode).ok_or_else(|| invalid("`mode` is octal, as 0755")));
        Ok(Self {
            from: normal(from).map_err(|why| invalid(&format!("`from` {why}")))?,
            to: normal(absolute).map_err(|why| invalid(&format!("`to` {why}")))?,
            to_is_directory: to.ends_with('/'),
            mode: mode.transpose()?,
        })
    }

    /// `from` as it is shown: `.` for everything.
    pub(super) fn shown_from(&self) -> &str {
        if self.from.is_empty() { "." } else { &self.from }
    }
}

impl fmt::Display for LayerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.to_is_directory && !self.to.is_empty() { "/" } else { "" };
        write!(f, "COPY {} /{}{slash}", self.shown_from(), self.to)?;
        self.mode.iter().try_for_each(|mode| write!(f, " mode {mode:04o}"))
    }
}

/// A path without empty and `.` parts.
fn normal(path: &str) -> Result<String, &'static str> {
    if path.len() > PATH_BYTES {
        return Err("is longer than 4096 bytes");
    }
    if path.contains(['\\', '\0']) {
        return Err("has a backslash or a NUL");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err("must not have `..`");
    }
    if parts.len() > DEPTH {
        return Err("is more than 128 folders deep");
    }
    Ok(parts.join("/"))
}

fn octal(text: &str) -> Option<u32> {
    let digits = text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| u32::from_str_radix(text, 8).ok()).flatten().filter(|mode| *mode <= 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("target/app", "/app", None, "COPY target/app /app")]
    #[case("./target//app/", "/opt//x/./", Some("0755"), "COPY target/app /opt/x/ mode 0755")]
    #[case(".", "/", Some("644"), "COPY . / mode 0644")]
    #[case("", "/app", Some("4755"), "COPY . /app mode 4755")]
    fn rules_read(
        #[case] from: &str,
        #[case] to: &str,
        #[case] mode: Option<&str>,
        #[case] shown: &str,
    ) {
        assert_eq!(LayerRule::new(from, to, mode).unwrap().to_string(), shown);
    }

    #[rstest]
    #[case("/etc/passwd", "/x", None, "relative")]
    #[case("../x", "/x", None, "`from` must not have `..`")]
    #[case("a/../../b", "/x", None, "`from` must not have `..`")]
    #[case("a\\..\\b", "/x", None, "backslash")]
    #[case("a\0b", "/x", None, "NUL")]
    #[case("a", "x", None, "absolute")]
    #[case("a", "", None, "absolute")]
    #[case("a", "/../x", None, "`to` must not have `..`")]
    #[case("a", "/C:\\x", None, "backslash")]
    #[case("a", "/x", Some("0855"), "octal")]
    #[case("a", "/x", Some("rwx"), "octal")]
    #[case("a", "/x", Some("+755"), "octal")]
    #[case("a", "/x", Some("17777"), "octal")]
    #[case("a", "/x", Some(""), "octal")]
    fn others_are_refused(
        #[case] from: &str,
        #[case] to: &str,
        #[case] mode: Option<&str>,
        #[case] problem: &str,
    ) {
        let error = LayerRule::new(from, to, mode).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert_eq!((error.reason(), error.class()), ("InvalidSpec", crate::Class::Stalled));
    }

    #[test]
    fn a_path_of_4097_bytes_is_too_long() {
        assert!(LayerRule::new(&"x".repeat(4097), "/x", None).is_err());
    }
}
