//! Platforms: operating system, architecture and sometimes a variant, in Go's words.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::text::shown;

/// A platform such as `linux/amd64` or `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    os: String,
    arch: String,
    variant: Option<String>,
}

impl Platform {
    /// A platform by its parts. `arm64/v8` is `arm64`, as every registry and runtime has it.
    pub(crate) fn new(os: &str, arch: &str, variant: Option<&str>) -> Self {
        let variant = variant.filter(|v| !(v.is_empty() || arch == "arm64" && *v == "v8"));
        Self { os: os.into(), arch: arch.into(), variant: variant.map(Into::into) }
    }

    /// Operating system, such as `linux`.
    pub fn os(&self) -> &str {
        &self.os
    }

    /// Architecture, such as `amd64`.
    pub fn arch(&self) -> &str {
        &self.arch
    }

    /// Variant of the architecture, such as `v7`.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// Whether an image for `other` is one for this platform. Without a variant any variant does.
    pub(crate) fn accepts(&self, other: &Platform) -> bool {
        self.os == other.os
            && self.arch == other.arch
            && (self.variant.is_none() || self.variant == other.variant)
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |hint: &str| Error::InvalidImage {
            problem: format!("`{}` is no platform; {hint}", shown(text)),
        };
        let parts: Vec<&str> = text.split('/').collect();
        let word = |part: &&str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        match parts.as_slice() {
            [_, "x86_64", ..] => Err(invalid("write amd64 for x86_64")),
            [_, "aarch64", ..] => Err(invalid("write arm64 for aarch64")),
            [os, arch, variant @ ..] if variant.len() < 2 && parts.iter().all(word) => {
                Ok(Self::new(os, arch, variant.first().copied()))
            }
            _ => Err(invalid("write it as linux/amd64 or linux/arm/v7")),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("linux/amd64", "linux/amd64")]
    #[case("linux/arm/v7", "linux/arm/v7")]
    #[case("linux/arm64/v8", "linux/arm64")]
    fn platforms_read(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(text.parse::<Platform>().unwrap().to_string(), shown);
    }

    #[rstest]
    #[case("linux", "linux/amd64")]
    #[case("linux/x86_64", "write amd64")]
    #[case("linux/aarch64", "write arm64")]
    #[case("linux/arm/v7/x", "linux/arm/v7")]
    #[case("Linux/amd64", "linux/amd64")]
    #[case("linux/", "linux/amd64")]
    fn others_are_refused_with_a_hint(#[case] text: &str, #[case] hint: &str) {
        let message = text.parse::<Platform>().unwrap_err().to_string();
        assert!(message.contains(hint), "{message}");
    }

    #[test]
    fn a_platform_without_variant_takes_any() {
        let any: Platform = "linux/arm".parse().unwrap();
        let v7: Platform = "linux/arm/v7".parse().unwrap();
        assert!(any.accepts(&v7) && v7.accepts(&v7) && !v7.accepts(&any));
    }
}
